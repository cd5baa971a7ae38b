/* process_calls.c: making processes and waiting for their end. */
#include "cap/cap.h"
#include "mm/usermem.h"
#include "proc/process.h"
#include "sys/call.h"
#include "sys/long_call.h"

constexpr uint16_t PROCESS_RIGHTS = RIGHT_READ | RIGHT_WAIT | RIGHT_MANAGE | RIGHT_GRANT | RIGHT_DERIVE | RIGHT_REVOKE;

/* The capabilities that a call takes along. */
struct luggage {
    unsigned count, move;
    uint32_t handles[MESSAGE_CAPABILITIES];
};

static struct luggage luggage_of(uint64_t const *words)
{
    return (struct luggage){
        .count = (unsigned)info_in_get_cap_count(words[WORD_INFO]),
        .move = (unsigned)info_in_get_cap_move(words[WORD_INFO]),
        .handles = { (uint32_t)words[WORD_CAPS], (uint32_t)(words[WORD_CAPS] >> 32),
                     (uint32_t)words[WORD_CAPS_HIGH], (uint32_t)(words[WORD_CAPS_HIGH] >> 32) },
    };
}

/* Puts the parent's words 2 to 7 and its capabilities where the child finds them, as if received in a message. */
static enum status endow(struct thread *parent, struct thread *child)
{
    uint64_t const *words = parent->context.call;
    struct luggage luggage = luggage_of(words);
    uint32_t received[MESSAGE_CAPABILITIES] = {};
    enum status status = cap_transfer(parent->cap_space, child->cap_space, luggage.handles, luggage.count, luggage.move,
                                      received);
    if (status != STATUS_OK) return status;
    uint64_t *target = child->context.call;
    for (size_t i = 2; i < MESSAGE_WORDS; i++) target[i - 2] = words[i];
    target[WORD_INFO] = info_out_make(STATUS_OK, luggage.count);
    target[WORD_CAPS] = received[0] | (uint64_t)received[1] << 32;
    target[WORD_CAPS_HIGH] = received[2] | (uint64_t)received[3] << 32;
    return STATUS_OK;
}

static enum status create(struct thread *thread, struct call_request const *request, uint32_t *handle)
{
    char name[sizeof(((struct process *)nullptr)->name)] = {};
    struct user_pointer from = { request->words[0] };
    uint64_t length = request->words[1];
    if (length == 0 || length >= sizeof name) return STATUS_BAD_ARGUMENT;
    enum status status = user_copy_in(name, from, length);
    if (status != STATUS_OK) return status;
    /* Not to load a program for each step of a revocation that is in the way. */
    struct luggage luggage = luggage_of(thread->context.call);
    status = cap_may_transfer(thread->cap_space, luggage.handles, luggage.count, luggage.move);
    if (status == STATUS_WOULD_BLOCK) return status;
    struct process *child;
    status = process_create(name, thread->process, request->words[WORD_TIMEOUT], &child);
    if (status != STATUS_OK) return status;
    status = cap_insert(thread->cap_space, child->object_id, PROCESS_RIGHTS, 0, handle);
    if (status == STATUS_OK) {
        status = endow(thread, &child->thread);
        if (status == STATUS_OK) {
            process_start(child);
            return STATUS_OK;
        }
        /* The transfer comes last, so that its failure leaves nothing to undo but what was made here. */
        cap_discard(thread->cap_space, *handle);
    } else {
        process_unreferenced(child);
    }
    process_discard(child);
    return status;
}

void call_process_create(struct thread *thread, struct call_request const *request)
{
    uint32_t handle;
    /* What the caller has left is told by slots that are in use, and not by those that nobody has taken back yet. */
    long_call_begin();
    if (!long_call_reclaim(thread)) {
        long_call_again(thread);
        return;
    }
    enum status status = create(thread, request, &handle);
    if (status == STATUS_OK) request->words[WORD_HANDLE] = handle;
    long_call_result(thread, status);
}

static struct process *process_of(struct call_request const *request)
{
    return (struct process *)request->capability[0].payload;
}

void call_process_wait(struct thread *thread, struct call_request const *request)
{
    process_wait(thread, process_of(request));
}

void call_exit(struct thread *thread, struct call_request const *request)
{
    process_end(thread->process, EXIT_REASON_EXITED, request->words[0]);
}

void call_process_kill(struct thread *thread, struct call_request const *request)
{
    struct process *process = process_of(request);
    thread_result(thread, process->ended ? STATUS_DEAD : STATUS_OK);
    if (!process->ended) process_end(process, EXIT_REASON_KILLED, request->words[0]);
}

void call_process_suspend(struct thread *thread, struct call_request const *request)
{
    struct process *process = process_of(request);
    thread_result(thread, process->ended ? STATUS_DEAD : STATUS_OK);
    if (!process->ended) process_suspend(process);
}

void call_process_resume(struct thread *thread, struct call_request const *request)
{
    struct process *process = process_of(request);
    thread_result(thread, process->ended ? STATUS_DEAD : STATUS_OK);
    if (!process->ended) process_resume(process);
}

/* What is used of each resource, and its limit in the upper half. */
static void put_quotas(struct process *process, uint64_t words[QUOTA_RESOURCES])
{
    for (enum resource resource = RESOURCE_FRAMES; resource <= RESOURCE_THREADS; resource++) {
        struct quota quota = process_quota(process, resource);
        words[resource] = quota.used | (uint64_t)quota.limit << 32;
    }
}

void call_process_info(struct thread *thread, struct call_request const *request)
{
    struct process *process = process_of(request);
    request->words[0] = process->ended ? 2 : process->thread.suspended ? 1 : 0;
    put_quotas(process, &request->words[1]);
    thread_result(thread, STATUS_OK);
}

void call_process_quotas(struct thread *thread, struct call_request const *request)
{
    put_quotas(thread->process, request->words);
    thread_result(thread, STATUS_OK);
}

void call_process_limit(struct thread *thread, struct call_request const *request)
{
    struct process *process = process_of(request);
    thread_result(thread, process->ended ? STATUS_DEAD
                  : process_limit(process, thread->process, request->words[0], (uint32_t)request->words[1]));
}
