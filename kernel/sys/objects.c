/*
 * objects.c: what the kernel does when slots that name its objects are filled or emptied (cap/hooks.h).
 */
#include "cap/hooks.h"
#include "drivers/interrupt.h"
#include "ipc/channel.h"
#include "ipc/ipc.h"
#include "ipc/notification.h"
#include "ipc/registry.h"
#include "mm/memory_object.h"
#include "proc/address_space_object.h"
#include "proc/process.h"
#include "proc/space_object.h"
#include "proc/user_thread.h"
#include "sched/reservation.h"
#include "sched/timer.h"
#include "sys/objects.h"
#include "sys/call.h"

/* A wait through a capability ends with it: what it allowed is gone. */
static void end_waits(struct thread_queue const *queue, uint32_t space, uint32_t handle)
{
    for (struct thread *at = queue->first, *next; at != nullptr; at = next) {
        next = at->next;
        if (at->cap_space == space && at->context.call[WORD_HANDLE] == handle) ipc_cancel(at, STATUS_BAD_HANDLE);
    }
}

/* What is done here the riscv64 short paths do for endpoints; they leave channels to us, and know of no other type
   (arch/riscv64/capability_paths.h). */
void cap_hook_filled(uint32_t space, uint32_t handle, struct cap_view const *view)
{
    (void)space, (void)handle;
    if (view->cap_type == CAP_TYPE_ENDPOINT) {
        if ((view->rights & RIGHT_RECEIVE) != 0) ((struct endpoint *)object_payload(view->object_id))->receivers++;
    } else if (view->cap_type == CAP_TYPE_CHANNEL) {
        channel_held((struct channel *)object_payload(view->object_id), view->rights);
    }
}

void cap_hook_emptied(uint32_t space, uint32_t handle, struct cap_view const *view)
{
    if (view->cap_type == CAP_TYPE_ENDPOINT) {
        struct endpoint *endpoint = (struct endpoint *)object_payload(view->object_id);
        end_waits(&endpoint->senders, space, handle);
        end_waits(&endpoint->receiving, space, handle);
        if ((view->rights & RIGHT_RECEIVE) != 0 && --endpoint->receivers == 0) endpoint_no_receiver(endpoint);
    } else if (view->cap_type == CAP_TYPE_NOTIFICATION) {
        end_waits(&((struct notification *)object_payload(view->object_id))->waiting, space, handle);
    } else if (view->cap_type == CAP_TYPE_PROCESS) {
        end_waits(&((struct process *)object_payload(view->object_id))->waiters, space, handle);
    } else if (view->cap_type == CAP_TYPE_THREAD) {
        end_waits(&((struct thread *)object_payload(view->object_id))->waiters, space, handle);
    } else if (view->cap_type == CAP_TYPE_MEMORY || view->cap_type == CAP_TYPE_SHARED_BUFFER) {
        /* This one still counts. */
        memory_object_released((struct memory_object *)object_payload(view->object_id), space, handle,
                               object_references(view->object_id) - 1);
    } else if (view->cap_type == CAP_TYPE_CHANNEL) {
        struct channel *channel = (struct channel *)object_payload(view->object_id);
        for (size_t end = 0; end < CHANNEL_ENDS; end++) end_waits(&channel->told[end].waiting, space, handle);
        channel_released(channel, view->rights);
    } else if (view->cap_type == CAP_TYPE_RESERVATION) {
        reservation_released((struct reservation *)object_payload(view->object_id), space, handle);
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
    case CAP_TYPE_NOTIFICATION: return ((struct notification const *)payload)->waiting.first != nullptr;
    case CAP_TYPE_CHANNEL: {
        struct channel const *channel = (struct channel const *)payload;
        return channel->told[CHANNEL_SENDER].waiting.first != nullptr || channel->told[CHANNEL_RECEIVER].waiting.first != nullptr;
    }
    case CAP_TYPE_THREAD: return ((struct thread const *)payload)->waiters.first != nullptr;
    case CAP_TYPE_PROCESS: return ((struct process const *)payload)->waiters.first != nullptr;
    case CAP_TYPE_RESERVATION: return ((struct reservation const *)payload)->thread != nullptr;
    case CAP_TYPE_MEMORY:
    case CAP_TYPE_SHARED_BUFFER: {
        struct memory_object const *object = (struct memory_object const *)payload;
        return object->mappings != nullptr || object->watch.bits != 0;
    }
    default: return false;
    }
}

#define RIGHTS_OF(TYPE, rights) [CAP_TYPE_##TYPE] = rights,
static uint16_t const type_rights[] = { TYPE_RIGHTS(RIGHTS_OF) };
#undef RIGHTS_OF

uint16_t objects_rights(enum cap_type cap_type) { return type_rights[cap_type]; }

enum status objects_create(enum cap_type cap_type, struct process *payer, uint64_t bytes, uint32_t *object_id)
{
    switch (cap_type) {
    case CAP_TYPE_ENDPOINT: return endpoint_create(payer, object_id);
    case CAP_TYPE_MEMORY:
    case CAP_TYPE_SHARED_BUFFER: return memory_object_create(cap_type, payer, bytes, object_id);
    case CAP_TYPE_NOTIFICATION: return notification_create(payer, object_id);
    case CAP_TYPE_CHANNEL: return channel_create(payer, object_id);
    case CAP_TYPE_TIMER: return timer_create(payer, object_id);
    case CAP_TYPE_RESERVATION: return reservation_create(payer, object_id);
    case CAP_TYPE_REGISTRY_NAME: return registry_create(payer, object_id);
    default: return STATUS_BAD_ARGUMENT;
    }
}

bool objects_destroy(uint32_t object_id)
{
    uint64_t payload = object_payload(object_id);
    switch (object_type(object_id)) {
    case CAP_TYPE_ENDPOINT: endpoint_destroy((struct endpoint *)payload); return true;
    case CAP_TYPE_MEMORY:
    case CAP_TYPE_SHARED_BUFFER:
        memory_object_unmap_all((struct memory_object *)payload);
        memory_object_destroy((struct memory_object *)payload);
        return true;
    case CAP_TYPE_NOTIFICATION: notification_destroy((struct notification *)payload); return true;
    case CAP_TYPE_CHANNEL: channel_destroy((struct channel *)payload); return true;
    case CAP_TYPE_TIMER: timer_destroy((struct timer *)payload); return true;
    case CAP_TYPE_RESERVATION: reservation_destroy((struct reservation *)payload); return true;
    case CAP_TYPE_REGISTRY_NAME: registry_destroy((struct registry *)payload); return true;
    default: return false;
    }
}

void cap_hook_unreferenced(uint32_t object_id)
{
    if (objects_destroy(object_id)) return;
    uint64_t payload = object_payload(object_id);
    switch (object_type(object_id)) {
    case CAP_TYPE_PROCESS: process_unreferenced((struct process *)payload); break;
    case CAP_TYPE_INTERRUPT: interrupt_destroy((struct interrupt *)payload); break;
    case CAP_TYPE_THREAD: user_thread_unreferenced((struct thread *)payload); break;
    case CAP_TYPE_ADDRESS_SPACE: address_space_object_destroy((struct process *)payload); break;
    case CAP_TYPE_CAP_SPACE: space_object_destroy((struct space_object *)payload); break;
    default: object_destroy(object_id); break;
    }
}
