/* capability_calls.c: system calls on capabilities of any type. */
#include "cap/hooks.h"
#include "sys/accelerator.h"
#include "sys/call.h"
#include "sys/long_call.h"
#include "sys/objects.h"

void call_cap_check(struct thread *thread, struct call_request const *request)
{
    uint64_t answer = accelerator_check_badge(thread->cap_space, request->words[0]);
    request->words[0] = answer;
    thread_result(thread, (enum status)answer_get_verdict(answer));
}

static enum status create(struct thread *thread, uint64_t cap_type, uint64_t bytes, uint32_t *handle)
{
    uint32_t object_id;
    enum status status = objects_create((enum cap_type)cap_type, thread->process, bytes, &object_id);
    if (status != STATUS_OK) return status;
    status = cap_insert(thread->cap_space, object_id, objects_rights((enum cap_type)cap_type), 0, handle);
    if (status != STATUS_OK) objects_destroy(object_id);
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
    enum status status = cap_derive_at(thread->cap_space, request->capability[0].slot, (uint16_t)request->words[0],
                                       (uint32_t)request->words[1], &handle);
    if (status == STATUS_OK) request->words[WORD_HANDLE] = handle;
    long_call_result(thread, status);
}

void call_cap_revoke(struct thread *thread, struct call_request const *request)
{
    constexpr uint64_t STEP = 256;
    uint32_t root = request->capability[0].slot;
    uint64_t killed;
    enum status status;
    /* Which may end with this capability too: it is looked up anew. */
    if (cap_revoking_another(root)) {
        long_call_settle(thread);
        return;
    }
    long_call_begin();
    do {
        status = cap_revoke_at(root, STEP, &killed);
        thread->progress += killed;
    } while (status == STATUS_WOULD_BLOCK && !cap_hook_pause());
    if (status == STATUS_WOULD_BLOCK) {
        long_call_again(thread);
        return;
    }
    request->words[0] = thread->progress;
    thread->progress = 0;
    thread_result(thread, status);
}

/* A step of what goes before a deletion: the children become the parent's, what an engine has emptied is taken back. False:
   there is more of it. */
static bool make_ready(struct thread *thread, uint32_t slot)
{
    bool more = true;
    long_call_begin();
    while (more && !cap_hook_pause()) more = cap_hoist(slot, 1);
    return !more && long_call_reclaim(thread);
}

void call_cap_delete(struct thread *thread, struct call_request const *request)
{
    uint32_t slot = request->capability[0].slot;
    if (cap_delete_waits(slot)) {
        if (cap_marked(slot)) {
            long_call_settle(thread);
            return;
        }
        if (!make_ready(thread, slot)) {
            long_call_again(thread);
            return;
        }
    }
    thread->progress = 0;
    cap_delete_at(slot);
    thread_result(thread, STATUS_OK);
}

void call_cap_inspect(struct thread *thread, struct call_request const *request)
{
    struct cap_view view;
    enum status status = cap_find(thread->cap_space, request->capability[0].handle, 0, &view);
    if (status == STATUS_OK) {
        request->words[0] = view.cap_type;
        request->words[1] = view.rights;
        request->words[2] = view.badge;
    }
    thread_result(thread, status);
}

void call_cap_destroy(struct thread *thread, struct call_request const *request)
{
    struct cap_view view;
    enum status status = cap_find(thread->cap_space, request->capability[0].handle, RIGHT_MANAGE, &view);
    if (status == STATUS_OK && !objects_destroy(view.object_id)) status = STATUS_WRONG_TYPE;
    thread_result(thread, status);
}
