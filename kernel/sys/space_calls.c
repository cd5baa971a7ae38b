/* space_calls.c: capability spaces of processes: what is put there, how full they are, their seal. */
#include "cap/cap.h"
#include "proc/process.h"
#include "proc/space_object.h"
#include "sys/call.h"
#include "sys/long_call.h"

/* Rights of a capability to the space of a process. EXECUTE, which allows to make processes, is not among them. */
constexpr uint16_t SPACE_RIGHTS = RIGHT_READ | RIGHT_WRITE | RIGHT_MANAGE | RIGHT_GRANT | RIGHT_DERIVE | RIGHT_REVOKE;

static enum status space_of(struct call_capability const *capability, uint32_t *space)
{
    return space_object_space((struct space_object *)capability->payload, space);
}

static void transfer(struct thread *thread, struct call_request const *request, unsigned move)
{
    uint32_t space, handle = request->capability[0].handle, received;
    enum status status = space_of(&request->capability[1], &space);
    if (status == STATUS_OK) status = cap_transfer(thread->cap_space, space, &handle, 1, move, &received);
    if (status == STATUS_OK) request->words[WORD_HANDLE] = received;
    long_call_result(thread, status);
}

void call_cap_copy(struct thread *thread, struct call_request const *request) { transfer(thread, request, 0); }

void call_cap_move(struct thread *thread, struct call_request const *request) { transfer(thread, request, 1); }

void call_space_info(struct thread *thread, struct call_request const *request)
{
    uint32_t space, used, limit;
    enum status status = space_of(&request->capability[0], &space);
    if (status == STATUS_OK) {
        cap_space_usage(space, &used, &limit);
        request->words[0] = used;
        request->words[1] = limit;
    }
    thread_result(thread, status);
}

void call_space_seal(struct thread *thread, struct call_request const *request)
{
    struct process *process;
    enum status status = space_object_process((struct space_object *)request->capability[0].payload, &process);
    thread_result(thread, status == STATUS_OK ? process_seal(process, (uint32_t)request->words[0]) : status);
}

static enum status make(struct thread *thread, struct process *process, uint32_t *handle)
{
    uint32_t object_id;
    if (process->ended) return STATUS_DEAD;
    enum status status = space_object_create(thread->process, process, &object_id);
    if (status != STATUS_OK) return status;
    status = cap_insert(thread->cap_space, object_id, SPACE_RIGHTS, 0, handle);
    if (status != STATUS_OK) space_object_destroy((struct space_object *)object_payload(object_id));
    return status;
}

void call_process_space(struct thread *thread, struct call_request const *request)
{
    uint32_t handle;
    enum status status = make(thread, (struct process *)request->capability[0].payload, &handle);
    if (status == STATUS_OK) request->words[WORD_HANDLE] = handle;
    thread_result(thread, status);
}
