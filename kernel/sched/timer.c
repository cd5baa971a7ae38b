/* timer.c: see timer.h. Those that are set are a list, the earliest first. */
#include "cap/cap.h"
#include "mm/pool.h"
#include "sched/sched.h"
#include "sched/timer.h"

static struct pool timers = { .bytes = sizeof(struct timer) };
static struct timer *first;
static uint64_t rest;                    /* none fires before: firing takes half of the time at most */
uint64_t timer_earliest = UINT64_MAX;

static void set_first(struct timer *timer)
{
    first = timer;
    timer_earliest = timer == nullptr ? UINT64_MAX : timer->deadline < rest ? rest : timer->deadline;
}

enum status timer_create(struct process *payer, uint32_t *object_id)
{
    struct account account;
    if (!account_charge(payer, 1, &account)) return STATUS_NO_OBJECTS;
    struct timer *timer = pool_alloc(&timers);
    enum status status = STATUS_NO_MEMORY;
    if (timer != nullptr) {
        timer->payer = account;
        status = object_create(CAP_TYPE_TIMER, (uintptr_t)timer, &timer->object_id);
        if (status == STATUS_OK) {
            *object_id = timer->object_id;
            return STATUS_OK;
        }
        pool_free(&timers, timer);
    }
    account_credit(&account, 1);
    return status;
}

void timer_destroy(struct timer *timer)
{
    timer_cancel(timer);
    object_destroy(timer->object_id);
    account_credit(&timer->payer, 1);
    pool_free(&timers, timer);
}

static void insert(struct timer *timer)
{
    struct timer *previous = nullptr, *at = first;
    for (; at != nullptr && at->deadline <= timer->deadline; at = at->next) previous = at;
    timer->armed = true;
    timer->next = at;
    timer->previous = previous;
    if (at != nullptr) at->previous = timer;
    if (previous != nullptr) previous->next = timer;
    else set_first(timer);
}

void timer_cancel(struct timer *timer)
{
    if (!timer->armed) return;
    if (timer->next != nullptr) timer->next->previous = timer->previous;
    if (timer->previous != nullptr) timer->previous->next = timer->next;
    else set_first(timer->next);
    timer->armed = false;
}

void timer_set(struct timer *timer, struct signal_target const *target, uint64_t deadline, uint64_t period)
{
    timer_cancel(timer);
    timer->target = *target;
    timer->deadline = deadline;
    timer->period = period;
    insert(timer);
    if (first == timer) sched_program_timer();
}

void timer_fire_due(uint64_t now)
{
    if (timer_earliest > now) return;
    while (first != nullptr && first->deadline <= now) {
        struct timer *timer = first;
        timer_cancel(timer);
        if (timer->period != 0) {
            /* What was missed is not caught up with: a notification counts nothing. A time beyond all never comes. */
            uint64_t ahead = timer->period - (now - timer->deadline) % timer->period;
            timer->deadline = ahead < UINT64_MAX - now ? now + ahead : UINT64_MAX;
            insert(timer);
        }
        signal_target_fire(&timer->target);
    }
    uint64_t end = arch_time_ns();
    rest = end + (end - now);
    set_first(first);
}
