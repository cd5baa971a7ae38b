/* sched.c: see sched.h. */
#include "cap/cap.h"
#include "drivers/mailbox.h"
#include "ipc/ipc.h"
#include "mm/space.h"
#include "proc/process.h"
#include "sched/reservation.h"
#include "sched/sched.h"
#include "sched/timer.h"
#include "sys/accelerator.h"
#include "sys/long_call.h"

struct thread *sched_current;
struct thread *sched_loaded;

/* A deadline that is one, and never comes. */
constexpr uint64_t NEVER = UINT64_MAX - 1;

static struct thread_queue ready;
static struct thread *deadlines;         /* sorted, earliest first */
static uint64_t slice_end;               /* of the current thread, or of the budget that it runs on */
static bool preempting;                  /* the current thread is to leave off before that */
static uint64_t kept_end, kept_charged;  /* of who was put to the front: `slice_end` then, and reservation_charged */
static uint64_t programmed;              /* what the timer is set to; 0: unknown */

/* A time that has passed. */
constexpr uint64_t AT_ONCE = 1;

/* Sets the state of a thread that could run; false if it is suspended. */
static bool may_run(struct thread *thread)
{
    thread->state = thread->suspended ? THREAD_SUSPENDED : THREAD_RUNNABLE;
    return !thread->suspended;
}

/* True: it stands among those with reservations. */
static bool on_reservation(struct thread *thread)
{
    return (thread->reservation != nullptr || thread->caller != nullptr) && reservation_enqueue(thread);
}

void sched_ready(struct thread *thread)
{
    thread->keeps_slice = false;
    if (may_run(thread) && !on_reservation(thread)) thread_queue_append(&ready, thread);
}

void sched_ready_first(struct thread *thread)
{
    bool on_slice = reservation_running == nullptr;
    thread->keeps_slice = false;
    if (!may_run(thread) || on_reservation(thread)) return;
    if (!on_slice) {
        thread_queue_append(&ready, thread);
        return;
    }
    /* On what is left of this slice: with one of their own, two that answer each other would keep all others waiting. Only the time
       of reservations is no part of it. */
    thread_queue_prepend(&ready, thread);
    thread->keeps_slice = true;
    kept_end = slice_end;
    kept_charged = reservation_charged;
}

/* When the first deadline of a wait or timer is, or a budget is refilled. */
static uint64_t earliest(void)
{
    uint64_t due = timer_earliest < reservation_earliest ? timer_earliest : reservation_earliest;
    return deadlines != nullptr && deadlines->deadline < due ? deadlines->deadline : due;
}

/* The timer fires at the end of the slice or at the earliest deadline. */
void sched_program_timer(void)
{
    uint64_t due = preempting ? AT_ONCE : earliest(), wanted = due < slice_end ? due : slice_end;
    if (wanted == programmed) return;
    programmed = wanted;
    arch_timer_set(wanted);
}

static void insert_deadline(struct thread *thread, uint64_t deadline)
{
    struct thread *previous = nullptr, *at = deadlines;
    for (; at != nullptr && at->deadline <= deadline; at = at->deadline_next) previous = at;
    thread->deadline = deadline;
    thread->deadline_next = at;
    thread->deadline_previous = previous;
    if (at != nullptr) at->deadline_previous = thread;
    if (previous != nullptr) {
        previous->deadline_next = thread;
        return;
    }
    deadlines = thread;
    sched_program_timer();
}

void sched_deadline_cancel(struct thread *thread)
{
    if (thread->deadline == UINT64_MAX) return;
    if (thread->deadline_next != nullptr) thread->deadline_next->deadline_previous = thread->deadline_previous;
    if (thread->deadline_previous != nullptr) thread->deadline_previous->deadline_next = thread->deadline_next;
    else deadlines = thread->deadline_next;
    thread->deadline = UINT64_MAX;
}

void sched_wait(enum thread_state state, uint64_t timeout_ns)
{
    sched_current->state = state;
    if (timeout_ns != TIMEOUT_FOREVER) {
        uint64_t now = arch_time_ns();
        insert_deadline(sched_current, timeout_ns < UINT64_MAX - 1 - now ? now + timeout_ns : NEVER);
    }
    sched_current = nullptr;
}

void sched_suspend(struct thread *thread)
{
    if (thread->suspended) return;
    thread->suspended = true;
    if (thread->state == THREAD_RUNNABLE) {
        thread_queue_remove(thread);
        if (sched_current == thread) sched_current = nullptr;
        thread->state = THREAD_SUSPENDED;
    } else if (thread->state != THREAD_ENDED && thread->deadline == UINT64_MAX) {
        insert_deadline(thread, NEVER);
    }
}

void sched_resume(struct thread *thread)
{
    if (!thread->suspended) return;
    thread->suspended = false;
    if (thread->state == THREAD_SUSPENDED) sched_ready(thread);
    else if (thread->deadline == NEVER) sched_deadline_cancel(thread);
}

void sched_preempt(void)
{
    preempting = true;
    sched_program_timer();
}

void sched_expire(void)
{
    slice_end = AT_ONCE;
    sched_program_timer();
}

static bool somebody_is_ready(void) { return ready.first != nullptr || reservation_ready.first != nullptr; }

void sched_yield(void)
{
    if (!somebody_is_ready()) return;
    if (reservation_running != nullptr) reservation_give_up();
    sched_ready(sched_current);
    sched_current = nullptr;
}

void sched_forget(struct thread *thread)
{
    thread_queue_remove(thread);
    sched_deadline_cancel(thread);
    if (sched_current == thread) sched_current = nullptr;
    if (thread->reservation != nullptr) reservation_unbind(thread->reservation);
    if (sched_loaded == thread) {
        sched_loaded = nullptr;
        if (thread->uses_mail) mailbox_select(0, false);
        space_activate_kernel();
    }
}

/* The current thread has run for long enough, at the end of its slice or of the budget, or before. */
static void end_run(uint64_t now)
{
    struct thread *thread = sched_current;
    if (reservation_running == nullptr) {
        if (!somebody_is_ready()) {
            slice_end = now + SCHED_SLICE_NS;
            return;
        }
        if (now < slice_end) {
            sched_ready_first(thread);
            sched_current = nullptr;
            return;
        }
    }
    sched_ready(thread);
    sched_current = nullptr;
}

void trap_timer(void)
{
    uint64_t now = arch_time_ns();
    programmed = 0;      /* it fired: whatever comes next has to be written */
    while (deadlines != nullptr && deadlines->deadline <= now) ipc_cancel(deadlines, STATUS_TIMED_OUT);
    timer_fire_due(now);
    reservation_refill_due(now);
    if (preempting || now >= slice_end) {
        preempting = false;
        if (sched_current != nullptr) end_run(now);
        if (sched_current == nullptr) slice_end = UINT64_MAX;    /* whoever is next has another one */
    }
    sched_program_timer();
}

/* Nobody can run: only a deadline or a device can change that. */
static void idle(void)
{
    slice_end = UINT64_MAX;
    while (!somebody_is_ready()) {
        sched_program_timer();
        /* What is due does not wait for a long list of dead slots. */
        bool due = earliest() <= arch_time_ns();
        if (due) {
            arch_idle();
            continue;
        }
        long_call_begin();
        if (!cap_settle() && !cap_reclaim(CAP_RECLAIM_STEP)) arch_idle();
    }
}

void sched_start(void)
{
    arch_resume(sched_pick());
}

struct arch_context *sched_pick(void)
{
    struct thread *next = sched_current;
    if (next == nullptr) {
        if (reservation_running != nullptr) reservation_end();
        if (!somebody_is_ready()) idle();
        preempting = false;
        uint64_t now = arch_time_ns();
        while ((next = thread_queue_pop(&reservation_ready)) != nullptr && !reservation_begin(next, now, &slice_end)) {
            next->keeps_slice = false;
            thread_queue_append(&ready, next);
        }
        if (next == nullptr) {
            next = thread_queue_pop(&ready);
            /* A whole slice: whoever ran before and gave up the end of its own must not shorten this one. */
            slice_end = next->keeps_slice ? kept_end + (reservation_charged - kept_charged) : now + SCHED_SLICE_NS;
        }
        sched_current = next;
        sched_program_timer();
    }
    if (next != sched_loaded) {
        bool bound = sched_loaded != nullptr && sched_loaded->uses_mail;
        if (bound || next->uses_mail) mailbox_select(next->cap_space, next->uses_mail);
        sched_loaded = next;
        space_activate(&next->process->space);
        accelerator_select(next->cap_space);
    }
    return &next->context;
}
