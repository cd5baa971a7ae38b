/* capability_calls.c: system calls on capabilities of any type. */
#include "cap/cap.h"
#include "ipc/ipc.h"
#include "mm/memory_object.h"
#include "proc/process.h"
#include "sys/accelerator.h"
#include "sys/call.h"

void call_cap_check(struct thread *thread, struct call_request const *request)
{
    uint64_t answer = accelerator_check_badge(thread->cap_space, request->words[0]);
    request->words[0] = answer;
    thread_result(thread, (enum status)answer_get_verdict(answer));
}

static enum status create(struct thread *thread, uint64_t cap_type, uint64_t bytes, uint32_t *handle)
{
    uint32_t object_id;
    uint16_t rights = RIGHT_GRANT | RIGHT_DERIVE | RIGHT_REVOKE;
    enum status status;
    if (cap_type == CAP_TYPE_ENDPOINT) {
        status = endpoint_create(&object_id);
        rights |= RIGHT_SEND | RIGHT_RECEIVE;
    } else if (cap_type == CAP_TYPE_MEMORY) {
        status = memory_object_create(thread->process, bytes, &object_id);
        rights |= RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE;
    } else {
        return STATUS_BAD_ARGUMENT;
    }
    if (status != STATUS_OK) return status;
    status = cap_insert(thread->cap_space, object_id, rights, 0, handle);
    if (status == STATUS_OK) return status;
    if (cap_type == CAP_TYPE_ENDPOINT) endpoint_destroy((struct endpoint *)object_payload(object_id));
    else memory_object_destroy((struct memory_object *)object_payload(object_id));
    return status;
}

void call_cap_create(struct thread *thread, struct call_request const *request)
{
    uint32_t handle;
    enum status status = create(thread, request->words[0], request->words[1], &handle);
    if (status == STATUS_OK) request->words[WORD_HANDLE] = handle;
    thread_result(thread, status);
}

void call_cap_derive(struct thread *thread, struct call_request const *request)
{
    uint32_t handle;
    enum status status = cap_derive_at(request->capability[0].slot, (uint16_t)request->words[0],
                                       (uint32_t)request->words[1], &handle);
    if (status == STATUS_OK) request->words[WORD_HANDLE] = handle;
    thread_result(thread, status);
}

void call_cap_revoke(struct thread *thread, struct call_request const *request)
{
    constexpr uint64_t STEP = 256;
    uint64_t total = 0, killed;
    enum status status;
    do {
        status = cap_revoke_at(request->capability[0].slot, STEP, &killed);
        total += killed;
    } while (status == STATUS_WOULD_BLOCK);
    request->words[0] = total;
    thread_result(thread, status);
}

void call_cap_delete(struct thread *thread, struct call_request const *request)
{
    cap_delete_at(request->capability[0].slot);
    thread_result(thread, STATUS_OK);
}
