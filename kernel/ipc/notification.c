/* notification.c: see notification.h. */
#include "cap/cap.h"
#include "ipc/ipc.h"
#include "ipc/notification.h"
#include "mm/pool.h"
#include "proc/process.h"
#include "sched/sched.h"

static struct pool notifications = { .bytes = sizeof(struct notification) };

enum status notification_create(struct process *payer, uint32_t *object_id)
{
    struct account account;
    if (!account_charge(payer, 1, &account)) return STATUS_NO_OBJECTS;
    struct notification *notification = pool_alloc(&notifications);
    enum status status = STATUS_NO_MEMORY;
    if (notification != nullptr) {
        notification->payer = account;
        status = object_create(CAP_TYPE_NOTIFICATION, (uintptr_t)notification, &notification->object_id);
        if (status == STATUS_OK) {
            *object_id = notification->object_id;
            return STATUS_OK;
        }
        pool_free(&notifications, notification);
    }
    account_credit(&account, 1);
    return status;
}

void notification_destroy(struct notification *notification)
{
    while (notification->waiting.first != nullptr) ipc_cancel(notification->waiting.first, STATUS_DEAD);
    object_destroy(notification->object_id);
    account_credit(&notification->payer, 1);
    pool_free(&notifications, notification);
}

void notification_signal(struct notification *notification, uint64_t bits)
{
    notification->bits |= bits;
    struct thread *waiter = thread_queue_pop(&notification->waiting);
    if (waiter == nullptr) return;
    waiter->context.call[0] = notification->bits;
    notification->bits = 0;
    sched_deadline_cancel(waiter);
    thread_result(waiter, STATUS_OK);
    sched_ready(waiter);
}

void notification_take(struct thread *thread, struct notification *notification, bool wait)
{
    uint64_t timeout = thread->context.call[CALL_WORDS - 1];
    if (notification->bits != 0) {
        thread->context.call[0] = notification->bits;
        notification->bits = 0;
        thread_result(thread, STATUS_OK);
    } else if (!wait || timeout == 0) {
        thread_result(thread, STATUS_WOULD_BLOCK);
    } else {
        sched_wait(THREAD_LISTENING, timeout);
        thread_queue_append(&notification->waiting, thread);
    }
}

void signal_target_fire(struct signal_target const *target)
{
    struct process const *owner = account_process(&target->owner);
    if (owner == nullptr) return;
    uint64_t answer = cap_check_object(owner->thread.cap_space,
                                       query_make(target->handle, CAP_TYPE_NOTIFICATION, RIGHT_SIGNAL));
    if (answer_get_verdict(answer) != VERDICT_OK) return;
    notification_signal((struct notification *)object_payload((uint32_t)answer_get_value(answer)), target->bits);
}
