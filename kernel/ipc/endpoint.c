/* endpoint.c: endpoint objects and the end of waits. */
#include "cap/cap.h"
#include "drivers/mailbox.h"
#include "ipc/ipc.h"
#include "mm/pool.h"
#include "sched/sched.h"

struct pool endpoint_pool = { .bytes = sizeof(struct endpoint) };

/* A record without threads and mail, as all free ones are. */
static struct endpoint *take_record(void)
{
    if (endpoint_pool.free == nullptr) {
        if (!pool_grow(&endpoint_pool)) return nullptr;
        for (void *at = endpoint_pool.free; at != nullptr; at = *(void **)at) {
            struct endpoint *endpoint = at;
            endpoint->senders = endpoint->receiving = (struct thread_queue){};
            endpoint->mail_first = endpoint->mail_count = endpoint->mail_queue = 0;
        }
    }
    return pool_take(&endpoint_pool);
}

/* arch/riscv64/capability_paths.h does the same. */
enum status endpoint_create(struct process *payer, uint32_t *object_id)
{
    struct account account;
    if (!account_charge(payer, 1, &account)) return STATUS_NO_OBJECTS;
    struct endpoint *endpoint = take_record();
    enum status status = STATUS_NO_MEMORY;
    if (endpoint != nullptr) {
        endpoint->receivers = 0;
        endpoint->payer = account;
        status = object_create(CAP_TYPE_ENDPOINT, (uintptr_t)endpoint, &endpoint->object_id);
        if (status == STATUS_OK) {
            *object_id = endpoint->object_id;
            return STATUS_OK;
        }
        pool_free(&endpoint_pool, endpoint);
    }
    account_credit(&account, 1);
    return status;
}

void endpoint_destroy(struct endpoint *endpoint)
{
    while (endpoint->senders.first != nullptr) ipc_cancel(endpoint->senders.first, STATUS_DEAD);
    while (endpoint->receiving.first != nullptr) ipc_cancel(endpoint->receiving.first, STATUS_DEAD);
    if (endpoint->mail_queue != 0) mailbox_unbind(endpoint->mail_queue);
    endpoint->mail_first = endpoint->mail_count = endpoint->mail_queue = 0;
    object_destroy(endpoint->object_id);
    account_credit(&endpoint->payer, 1);
    pool_free(&endpoint_pool, endpoint);
}

void endpoint_no_receiver(struct endpoint *endpoint)
{
    while (endpoint->senders.first != nullptr) ipc_cancel(endpoint->senders.first, STATUS_DEAD);
}

void ipc_cancel(struct thread *thread, enum status status)
{
    if (thread->state == THREAD_REPLY) {
        thread->partner->caller = nullptr;
        thread->partner = nullptr;
    }
    /* The message has left, or none came; an architecture's short path does not even save the words. Zeros, and nothing
       else. */
    if (thread->state == THREAD_REPLY || thread->state == THREAD_RECEIVING)
        for (size_t i = 0; i < CALL_WORDS - 1; i++) thread->context.call[i] = 0;
    thread_queue_remove(thread);
    sched_deadline_cancel(thread);
    thread_result(thread, status);
    sched_ready(thread);
}

void ipc_forget(struct thread *thread)
{
    if (thread->caller != nullptr) ipc_cancel(thread->caller, STATUS_DEAD);
    if (thread->state == THREAD_REPLY) thread->partner->caller = nullptr;
}
