/* user_thread.c: see user_thread.h. */
#include "cap/cap.h"
#include "ipc/ipc.h"
#include "mm/pool.h"
#include "proc/user_thread.h"
#include "sched/sched.h"

static struct pool records = { .bytes = (sizeof(struct thread) + 15) & ~15ull };
static uint32_t running;

enum status user_thread_create(struct process *process, uintptr_t entry, uintptr_t stack, uint64_t argument,
                               uint32_t *object_id)
{
    struct account account;
    struct quota *threads = &process->quotas.of[RESOURCE_THREADS];
    if (!quota_take(threads, 1)) return STATUS_NO_THREADS;
    if (!account_charge(process, 1, &account)) {
        threads->used--;
        return STATUS_NO_OBJECTS;
    }
    struct thread *thread = pool_alloc(&records);
    enum status status = thread == nullptr ? STATUS_NO_MEMORY
        : object_create(CAP_TYPE_THREAD, (uintptr_t)thread, &thread->object_id);
    if (status != STATUS_OK) {
        if (thread != nullptr) pool_free(&records, thread);
        account_credit(&account, 1);
        threads->used--;
        return status;
    }
    arch_context_init(&thread->context, entry, stack);
    thread->context.call[0] = argument;
    thread->process = process;
    thread->cap_space = process->thread.cap_space;
    thread->cap_record = process->thread.cap_record;
    thread->deadline = UINT64_MAX;
    thread->payer = account;
    thread->sibling = process->threads;
    process->threads = thread;
    running++;
    *object_id = thread->object_id;
    sched_ready(thread);
    return STATUS_OK;
}

static void leave(struct thread *thread)
{
    struct process *process = thread->process;
    for (struct thread **at = &process->threads; *at != nullptr; at = &(*at)->sibling) {
        if (*at != thread) continue;
        *at = thread->sibling;
        break;
    }
    process->quotas.of[RESOURCE_THREADS].used--;
    running--;
    ipc_forget(thread);
    sched_forget(thread);
    thread->state = THREAD_ENDED;
}

void user_thread_discard(struct thread *thread)
{
    leave(thread);
    object_destroy(thread->object_id);
    account_credit(&thread->payer, 1);
    pool_free(&records, thread);
}

static void tell(struct thread *waiter, struct thread const *thread)
{
    waiter->context.call[0] = thread->exit_reason;
    waiter->context.call[1] = thread->exit_value;
    thread_result(waiter, STATUS_OK);
}

void user_thread_end(struct thread *thread, enum exit_reason reason, uint64_t value)
{
    leave(thread);
    thread->exit_reason = reason;
    thread->exit_value = value;
    for (struct thread *waiter; (waiter = thread_queue_pop(&thread->waiters)) != nullptr;) {
        tell(waiter, thread);
        sched_deadline_cancel(waiter);
        sched_ready(waiter);
    }
    if (thread->object_id == 0) pool_free(&records, thread);
}

void user_thread_wait(struct thread *thread, struct thread *target)
{
    uint64_t timeout = thread->context.call[CALL_WORDS - 1];
    if (target->state == THREAD_ENDED) {
        tell(thread, target);
    } else if (timeout == 0) {
        thread_result(thread, STATUS_WOULD_BLOCK);
    } else {
        sched_wait(THREAD_WAITING, timeout);
        thread_queue_append(&target->waiters, thread);
    }
}

void user_thread_unreferenced(struct thread *thread)
{
    object_destroy(thread->object_id);
    account_credit(&thread->payer, 1);
    thread->object_id = 0;
    while (thread->waiters.first != nullptr) ipc_cancel(thread->waiters.first, STATUS_DEAD);
    if (thread->state == THREAD_ENDED) pool_free(&records, thread);
}

uint32_t user_thread_count(void) { return running; }
