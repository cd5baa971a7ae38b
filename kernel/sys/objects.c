/*
 * objects.c: what the kernel does when slots that name its objects are filled or emptied (cap/hooks.h).
 */
#include "cap/hooks.h"
#include "ipc/ipc.h"
#include "mm/memory_object.h"
#include "proc/process.h"
#include "sys/call.h"

/* A wait through a capability ends with it: what it allowed is gone. */
static void end_waits(struct thread_queue const *queue, uint32_t space, uint32_t handle)
{
    for (struct thread *at = queue->first, *next; at != nullptr; at = next) {
        next = at->next;
        if (at->cap_space == space && at->context.call[WORD_HANDLE] == handle) ipc_cancel(at, STATUS_BAD_HANDLE);
    }
}

void cap_hook_filled(uint32_t space, uint32_t handle, struct cap_view const *view)
{
    (void)space, (void)handle;
    if (view->cap_type != CAP_TYPE_ENDPOINT || (view->rights & RIGHT_RECEIVE) == 0) return;
    struct endpoint *endpoint = (struct endpoint *)object_payload(view->object_id);
    endpoint->receivers++;
}

void cap_hook_emptied(uint32_t space, uint32_t handle, struct cap_view const *view)
{
    if (view->cap_type == CAP_TYPE_ENDPOINT) {
        struct endpoint *endpoint = (struct endpoint *)object_payload(view->object_id);
        end_waits(&endpoint->senders, space, handle);
        end_waits(&endpoint->receiving, space, handle);
        if ((view->rights & RIGHT_RECEIVE) != 0 && --endpoint->receivers == 0) endpoint_no_receiver(endpoint);
    } else if (view->cap_type == CAP_TYPE_PROCESS) {
        end_waits(&((struct process *)object_payload(view->object_id))->waiters, space, handle);
    } else if (view->cap_type == CAP_TYPE_MEMORY) {
        struct memory_object *object = (struct memory_object *)object_payload(view->object_id);
        memory_object_unmap(object, space, handle, UINTPTR_MAX);
    }
}

bool cap_hook_attached(uint32_t object_id)
{
    uint64_t payload = object_payload(object_id);
    switch (object_type(object_id)) {
    case CAP_TYPE_ENDPOINT: {
        struct endpoint const *endpoint = (struct endpoint const *)payload;
        return endpoint->senders.first != nullptr || endpoint->receiving.first != nullptr;
    }
    case CAP_TYPE_PROCESS: return ((struct process const *)payload)->waiters.first != nullptr;
    case CAP_TYPE_MEMORY: return ((struct memory_object const *)payload)->mappings != nullptr;
    default: return false;
    }
}

void cap_hook_unreferenced(uint32_t object_id)
{
    uint64_t payload = object_payload(object_id);
    switch (object_type(object_id)) {
    case CAP_TYPE_ENDPOINT: endpoint_destroy((struct endpoint *)payload); break;
    case CAP_TYPE_MEMORY: memory_object_destroy((struct memory_object *)payload); break;
    case CAP_TYPE_PROCESS: process_unreferenced((struct process *)payload); break;
    default: object_destroy(object_id); break;
    }
}
