/* long_call.c: see long_call.h; also the hook of the capability module that ends a step. */
#include "cap/hooks.h"
#include "sched/sched.h"
#include "sys/long_call.h"

static uint64_t step_end;
static bool again;

void long_call_begin(void) { step_end = arch_cycles() + LONG_CALL_CYCLES; }

bool cap_hook_pause(void) { return (int64_t)(arch_cycles() - step_end) >= 0; }

void long_call_again(struct thread *thread)
{
    again = true;
    arch_call_again(&thread->context);
#if defined(VERIDIAN_TEST)
    /* Whoever is ready comes in between, so that tests meet every order that a timer could bring about. */
    sched_yield();
#endif
}

void long_call_settle(struct thread *thread)
{
    long_call_begin();
    while (cap_settle() && !cap_hook_pause()) {}
    long_call_again(thread);
}

bool long_call_reclaim(struct thread *thread)
{
    if (thread->progress == 0) thread->progress = cap_reclaim_goal();
    while (!cap_reclaimed(thread->progress) && !cap_hook_pause()) cap_reclaim(1);
    if (!cap_reclaimed(thread->progress)) return false;
    thread->progress = 0;
    return true;
}

bool long_call_was_again(void)
{
    bool was = again;
    again = false;
    return was;
}
