/*
 * reservation.h: objects that reserve time of the processor for a thread (sched/budget.h). A thread that is bound to one runs before
 * those without while something of the budget is left; then it shares in round robin, until the next period.
 *
 * Time is charged to the reservation by which the processor was given away, whoever uses it: a thread that calls another
 * lends it, until that answers, waits, or nothing is left, and again when something is. The partner's own reservation is neither used
 * nor charged meanwhile. The time that the kernel takes from one run to the next is charged to nobody, but a thread that wakes
 * leaves BUDGET_WAKE_NS of its budget for that.
 *
 * A binding ends with the capability by which it was made. Interrupts off; one CPU.
 */
#pragma once
#include "proc/account.h"
#include "sched/budget.h"
#include "sched/thread.h"

struct reservation {
    uint32_t object_id;
    struct account payer;
    struct budget budget;
    uint64_t used;                       /* nanoseconds, since it was made */
    struct thread *thread;               /* bound to it; nullptr: none */
    uint32_t space, handle;              /* by which capability */
    bool spent;                          /* it stands in the list of those that wait for their next period */
    struct reservation *next, *previous;
};

/* A new object without budget and capabilities, charged to `payer`. NO_MEMORY, NO_OBJECTS. */
[[nodiscard]] enum status reservation_create(struct process *payer, uint32_t *object_id);
void reservation_destroy(struct reservation *reservation);

/* BAD_ARGUMENT, NO_TIME: budget_check(). */
[[nodiscard]] enum status reservation_set(struct reservation *reservation, uint32_t amount, uint32_t period);

/* DEAD: the thread has ended. EXISTS: one of the two is bound already. */
[[nodiscard]] enum status reservation_bind(struct reservation *reservation, struct thread *thread, uint32_t space,
                                           uint32_t handle);

/* The thread falls back to round robin at once, also if it runs. Nothing if none is bound. */
void reservation_unbind(struct reservation *reservation);

/* Nanoseconds used of it since it was made, up to now. */
uint64_t reservation_used(struct reservation const *reservation);

/* A capability to the reservation goes. */
void reservation_released(struct reservation *reservation, uint32_t space, uint32_t handle);

/* ---- for the scheduler ------------------------------------------------------------------------------------------------- */

/* Threads that have some of a budget left, or whose caller has, the earliest deadline first. */
extern struct thread_queue reservation_ready;

/* To what the time is charged now; nullptr: to nothing, it is a slice of round robin. */
extern struct reservation *reservation_running;

/* Nanoseconds charged to all reservations since boot: what no slice of round robin contains. */
extern uint64_t reservation_charged;

/* When the first budget is refilled that nothing is left of; UINT64_MAX: there is none. */
extern uint64_t reservation_earliest;

/* A thread with a reservation or a caller may run and stands in no queue. False, and it still does: nothing is left for it. */
[[nodiscard]] bool reservation_enqueue(struct thread *thread);

/* A thread that was taken out of that queue runs from now on, until its budget ends. False: there is none for it any more. */
[[nodiscard]] bool reservation_begin(struct thread *thread, uint64_t now, uint64_t *until);

/* Charges what was used. From now on nothing is. */
void reservation_end(void);

/* Whoever runs on a reservation wants no more of it in this period. */
void reservation_give_up(void);

/* Refills budgets whose time has come; some at a time, as the timer fires again for those that are left. */
void reservation_refill_due(uint64_t now);
