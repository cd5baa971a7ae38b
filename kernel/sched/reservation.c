/* reservation.c: see reservation.h. */
#include "cap/cap.h"
#include "mm/pool.h"
#include "sched/reservation.h"
#include "sched/sched.h"

static struct pool records = { .bytes = sizeof(struct reservation) };
static struct reservation *spent;        /* of which nothing is left, the earliest deadline first */
static uint64_t running_from;            /* since when time is charged to `reservation_running` */
struct thread_queue reservation_ready;
struct reservation *reservation_running;
uint64_t reservation_charged;
uint64_t reservation_earliest = UINT64_MAX;

/* ---- the list of those that wait for their next period ----------------------------------------------------------------- */

static void set_first(struct reservation *reservation)
{
    spent = reservation;
    reservation_earliest = reservation == nullptr ? UINT64_MAX : reservation->budget.deadline;
}

static void await_period(struct reservation *reservation)
{
    struct reservation *previous = nullptr, *at = spent;
    for (; at != nullptr && at->budget.deadline <= reservation->budget.deadline; at = at->next) previous = at;
    reservation->spent = true;
    reservation->next = at;
    reservation->previous = previous;
    if (at != nullptr) at->previous = reservation;
    if (previous != nullptr) previous->next = reservation;
    else set_first(reservation);
}

static void await_no_more(struct reservation *reservation)
{
    if (!reservation->spent) return;
    if (reservation->next != nullptr) reservation->next->previous = reservation->previous;
    if (reservation->previous != nullptr) reservation->previous->next = reservation->next;
    else set_first(reservation->next);
    reservation->spent = false;
}

/* ---- who runs ---------------------------------------------------------------------------------------------------------- */

/* How many calls deep time is lent: a bound on the steps. */
constexpr unsigned LENT_DEPTH = 4;

/* By which a thread may run: its own reservation, or that of whoever waits for its reply; nullptr: nothing is left of either. */
static struct reservation *usable(struct thread const *thread)
{
    for (unsigned depth = 0; thread != nullptr && depth < LENT_DEPTH; depth++, thread = thread->caller)
        if (thread->reservation != nullptr && thread->reservation->budget.left > 0) return thread->reservation;
    return nullptr;
}

/* Puts a thread among those with something left, and before who runs now if that has a later deadline, or no reservation. One
   whose reservation has gone meanwhile keeps its place until it is its turn. */
static void insert(struct thread *thread, struct reservation const *by)
{
    uint64_t deadline = by->budget.deadline;
    struct thread *at = reservation_ready.first;
    for (; at != nullptr; at = at->next) {
        struct reservation const *other = usable(at);
        if (other != nullptr && other->budget.deadline > deadline) break;
    }
    thread_queue_insert(&reservation_ready, thread, at);
    if (sched_current == nullptr || sched_current == thread) return;
    if (reservation_running == nullptr || deadline < reservation_running->budget.deadline) sched_preempt();
}

void reservation_end(void)
{
    struct reservation *reservation = reservation_running;
    uint64_t nanoseconds = arch_time_ns() - running_from;
    reservation_running = nullptr;
    reservation->used += nanoseconds;
    reservation_charged += nanoseconds;
    if (budget_charge(&reservation->budget, nanoseconds)) await_period(reservation);
}

bool reservation_enqueue(struct thread *thread)
{
    struct reservation *reservation = usable(thread), *going_on = nullptr;
    if (reservation != nullptr && reservation == reservation_running) {
        going_on = reservation;
        reservation_end();
        /* Who was lent the time, if it is not the thread itself that comes back, has no slice. */
        if (sched_current != thread) sched_expire();
        reservation = usable(thread);
    }
    for (; reservation != nullptr && reservation != going_on; reservation = usable(thread)) {
        budget_wake(&reservation->budget, arch_time_ns());
        /* Who runs already has woken nobody. */
        if (thread == sched_current || !budget_charge(&reservation->budget, BUDGET_WAKE_NS)) break;
        await_period(reservation);
        sched_program_timer();
    }
    if (reservation == nullptr) return false;
    insert(thread, reservation);
    return true;
}

bool reservation_begin(struct thread *thread, uint64_t now, uint64_t *until)
{
    struct reservation *reservation = usable(thread);
    if (reservation == nullptr) return false;
    reservation_running = reservation;
    running_from = now;
    *until = now + (uint64_t)reservation->budget.left;
    return true;
}

void reservation_give_up(void)
{
    struct reservation *reservation = reservation_running;
    reservation_end();
    if (reservation->spent) return;
    reservation->budget.left = 0;
    await_period(reservation);
}

/* With one timer interrupt: each walks the list of those that are ready. */
constexpr unsigned REFILLS = 4;

/* Who works for a thread: itself, or the one whose reply it waits for. */
static struct thread *worker_of(struct thread *thread)
{
    for (unsigned depth = 1; thread != nullptr && thread->state == THREAD_REPLY && depth < LENT_DEPTH; depth++)
        thread = thread->partner;
    return thread;
}

void reservation_refill_due(uint64_t now)
{
    for (unsigned i = 0; i < REFILLS && reservation_earliest <= now; i++) {
        struct reservation *reservation = spent;
        struct thread *thread = worker_of(reservation->thread);
        await_no_more(reservation);
        budget_refill(&reservation->budget, now);
        if (thread == nullptr || thread->state != THREAD_RUNNABLE) continue;
        if (thread == sched_current) {
            if (reservation_running == nullptr) sched_preempt();
        } else {
            /* Also if it stands there by another one: this one may come before that, and end later. */
            thread_queue_remove(thread);
            insert(thread, usable(thread));
        }
    }
}

/* ---- objects ----------------------------------------------------------------------------------------------------------- */

enum status reservation_create(struct process *payer, uint32_t *object_id)
{
    struct account account;
    if (!account_charge(payer, 1, &account)) return STATUS_NO_OBJECTS;
    struct reservation *reservation = pool_alloc(&records);
    enum status status = STATUS_NO_MEMORY;
    if (reservation != nullptr) {
        reservation->payer = account;
        status = object_create(CAP_TYPE_RESERVATION, (uintptr_t)reservation, &reservation->object_id);
        if (status == STATUS_OK) {
            *object_id = reservation->object_id;
            return STATUS_OK;
        }
        pool_free(&records, reservation);
    }
    account_credit(&account, 1);
    return status;
}

/* Nobody runs on it, or is about to: neither the thread nor who works for it. */
static void stop(struct reservation *reservation, struct thread *thread)
{
    if (reservation_running == reservation) {
        reservation_end();
        sched_expire();
    }
    struct thread *worker = worker_of(thread);
    if (worker == nullptr || worker->queue != &reservation_ready) return;
    thread_queue_remove(worker);
    sched_ready(worker);
}

void reservation_destroy(struct reservation *reservation)
{
    reservation_unbind(reservation);
    await_no_more(reservation);
    budget_set(&reservation->budget, 0, 0, 0);
    object_destroy(reservation->object_id);
    account_credit(&reservation->payer, 1);
    pool_free(&records, reservation);
}

enum status reservation_set(struct reservation *reservation, uint32_t amount, uint32_t period)
{
    enum status status = budget_check(&reservation->budget, amount, period);
    if (status != STATUS_OK) return status;
    struct thread *thread = reservation->thread;
    stop(reservation, nullptr);
    await_no_more(reservation);
    budget_set(&reservation->budget, amount, period, arch_time_ns());
    stop(reservation, thread);
    if (amount != 0) {
        await_period(reservation);
        sched_program_timer();
    }
    return STATUS_OK;
}

enum status reservation_bind(struct reservation *reservation, struct thread *thread, uint32_t space, uint32_t handle)
{
    if (thread->state == THREAD_ENDED) return STATUS_DEAD;
    if (reservation->thread != nullptr || thread->reservation != nullptr) return STATUS_EXISTS;
    reservation->thread = thread;
    reservation->space = space;
    reservation->handle = handle;
    thread->reservation = reservation;
    /* Whoever works for it may run on it as well, and has another place then. */
    struct thread *worker = worker_of(thread);
    if (worker == sched_current) {
        sched_preempt();
    } else if (worker->state == THREAD_RUNNABLE) {
        thread_queue_remove(worker);
        sched_ready(worker);
    }
    return STATUS_OK;
}

void reservation_unbind(struct reservation *reservation)
{
    struct thread *thread = reservation->thread;
    if (thread == nullptr) return;
    reservation->thread = nullptr;
    thread->reservation = nullptr;
    stop(reservation, thread);
}

uint64_t reservation_used(struct reservation const *reservation)
{
    return reservation->used + (reservation == reservation_running ? arch_time_ns() - running_from : 0);
}

void reservation_released(struct reservation *reservation, uint32_t space, uint32_t handle)
{
    if (reservation->thread != nullptr && reservation->space == space && reservation->handle == handle)
        reservation_unbind(reservation);
}
