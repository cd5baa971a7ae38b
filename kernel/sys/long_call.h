/*
 * long_call.h: system calls that can take longer than interrupts may wait. They work in steps; between two the thread goes
 * back to its call instruction, where interrupts are taken, and makes the same call again. Interrupts off; one CPU.
 */
#pragma once
#include "sched/thread.h"

/* Cycles (of arch_cycles()) after which a call stops at the end of what it is about: 100 us at 60 MHz. */
constexpr uint64_t LONG_CALL_CYCLES = 6000;

/* A long operation begins: cap_hook_pause() says when it has gone on for long enough. */
void long_call_begin(void);

/* The call is not finished: its thread makes it again, with the words that it has. What the thread's `progress` counts stays
   until the call ends. */
void long_call_again(struct thread *thread);

/* The same, after a step of the revocation that is in its way (cap_settle()). */
void long_call_settle(struct thread *thread);

/* For calls that want exact counts, after long_call_begin(): a step of taking back what an engine had emptied when the call was first made. False:
   that is not done, and the call is to be made again. It keeps in `progress` how far it has to go, whatever others empty
   meanwhile. */
[[nodiscard]] bool long_call_reclaim(struct thread *thread);

/* The end of a call that gives WOULD_BLOCK only where a revocation is in its way. */
static inline void long_call_result(struct thread *thread, enum status status)
{
    if (status == STATUS_WOULD_BLOCK) long_call_settle(thread);
    else thread_result(thread, status);
}

/* Has the call that just returned asked to be made again? Asking forgets. */
[[nodiscard]] bool long_call_was_again(void);
