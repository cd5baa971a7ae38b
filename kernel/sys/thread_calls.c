/* thread_calls.c: threads of a process. */
#include "cap/cap.h"
#include "proc/user_thread.h"
#include "sched/sched.h"
#include "sys/call.h"

constexpr uint16_t THREAD_RIGHTS = RIGHT_READ | RIGHT_WAIT | RIGHT_MANAGE | RIGHT_GRANT | RIGHT_DERIVE | RIGHT_REVOKE;

static struct thread *target_of(struct call_request const *request)
{
    return (struct thread *)request->capability[0].payload;
}

static enum status create(struct thread *thread, uint64_t const *words, uint32_t *handle)
{
    uint32_t object_id;
    if (words[0] >= ARCH_USER_TOP || words[1] >= ARCH_USER_TOP) return STATUS_BAD_ARGUMENT;
    enum status status = user_thread_create(thread->process, words[0], words[1], words[2], &object_id);
    if (status != STATUS_OK) return status;
    status = cap_insert(thread->cap_space, object_id, THREAD_RIGHTS, 0, handle);
    if (status != STATUS_OK) user_thread_discard((struct thread *)object_payload(object_id));
    return status;
}

void call_thread_create(struct thread *thread, struct call_request const *request)
{
    uint32_t handle;
    enum status status = create(thread, request->words, &handle);
    if (status == STATUS_OK) request->words[WORD_HANDLE] = handle;
    thread_result(thread, status);
}

void call_thread_exit(struct thread *thread, struct call_request const *request)
{
    struct process *process = thread->process;
    if (thread == &process->thread) process_end(process, EXIT_REASON_EXITED, request->words[0]);
    else user_thread_end(thread, EXIT_REASON_EXITED, request->words[0]);
}

void call_thread_wait(struct thread *thread, struct call_request const *request)
{
    user_thread_wait(thread, target_of(request));
}

void call_thread_suspend(struct thread *thread, struct call_request const *request)
{
    struct thread *target = target_of(request);
    bool ended = target->state == THREAD_ENDED;
    thread_result(thread, ended ? STATUS_DEAD : STATUS_OK);
    if (!ended) sched_suspend(target);
}

void call_thread_resume(struct thread *thread, struct call_request const *request)
{
    struct thread *target = target_of(request);
    bool ended = target->state == THREAD_ENDED;
    thread_result(thread, ended ? STATUS_DEAD : STATUS_OK);
    if (!ended) sched_resume(target);
}

void call_thread_kill(struct thread *thread, struct call_request const *request)
{
    struct thread *target = target_of(request);
    bool ended = target->state == THREAD_ENDED;
    thread_result(thread, ended ? STATUS_DEAD : STATUS_OK);
    if (!ended) user_thread_end(target, EXIT_REASON_KILLED, request->words[0]);
}

void call_thread_info(struct thread *thread, struct call_request const *request)
{
    struct thread const *target = target_of(request);
    request->words[0] = target->state == THREAD_ENDED ? 2 : target->suspended ? 1
                      : target->state == THREAD_RUNNABLE ? 0 : 3;
    thread_result(thread, STATUS_OK);
}
