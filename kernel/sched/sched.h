/*
 * sched.h: who runs. Threads with a reservation of which something is left, the earliest deadline first (reservation.h); then all others,
 * round robin with a time slice. IPC switches directly to the partner, on the caller's slice or reservation.
 * Interrupts off; one CPU.
 */
#pragma once
#include "sched/thread.h"

constexpr uint64_t SCHED_SLICE_NS = 5'000'000;

/* The thread whose registers the next sched_pick() resumes if it is still runnable; nullptr: the queue decides. */
extern struct thread *sched_current;

/* The thread whose address space and capability space are selected in the hardware; nullptr: the kernel's own. */
extern struct thread *sched_loaded;

/* Makes a thread runnable that is in no queue: at the end of the run queue, or at its front with the rest of the current slice, or by
   the deadline of its reservation. One that is suspended waits for sched_resume() instead. */
void sched_ready(struct thread *thread);
void sched_ready_first(struct thread *thread);

/* The current thread waits, in the state given. `timeout_ns` is relative; TIMEOUT_FOREVER: no deadline. */
void sched_wait(enum thread_state state, uint64_t timeout_ns);

/* Runs `thread`, which is in no queue, next. The current thread must be waiting or in the run queue. */
static inline void sched_switch(struct thread *thread)
{
    thread->state = thread->suspended ? THREAD_SUSPENDED : THREAD_RUNNABLE;
    if (!thread->suspended) sched_current = thread;
}

/* Stops a thread, whatever it does, and lets it go on. A wait goes on meanwhile, and may end; the short paths of IPC leave a
   suspended partner alone, for it has a deadline (the last there is). */
void sched_suspend(struct thread *thread);
void sched_resume(struct thread *thread);

/* Something may be due earlier than before. */
void sched_program_timer(void);

/* Somebody else goes first: the current thread leaves off with the call that it makes, and its slice goes on afterwards. Or its time
   is over. Both let the timer fire at once, so that the ways back from calls have nothing to look at. */
void sched_preempt(void);
void sched_expire(void);

/* Drops the deadline of a thread that no longer waits. */
void sched_deadline_cancel(struct thread *thread);

/* The current thread goes to the end of the run queue, and leaves the rest of the reservation that it runs on, in this period. Nothing
   if nobody else can run. */
void sched_yield(void);

/* Takes a thread that will never run again out of everything that belongs to the scheduler. */
void sched_forget(struct thread *thread);

/* Leaves the boot code for the first thread. */
[[noreturn]] void sched_start(void);
