/* timer.c (aarch64): time and the one-shot timer from the generic timer's virtual counter (Arm ARM, D11). */
#include "internal.h"
#include "lib/panic.h"

constexpr uint64_t NANOSECONDS = 1'000'000'000;

static uint64_t boot_ticks;
static uint64_t frequency = NANOSECONDS;     /* at most this (ARMv8.6 asks for exactly this), so nothing overflows */

/* The barrier keeps the counter from being read early. */
static uint64_t read_ticks(void)
{
    instruction_barrier();
    return READ_REGISTER(cntvct_el0);
}

void timer_start(void)
{
    frequency = READ_REGISTER(cntfrq_el0);
    if (frequency == 0 || frequency > NANOSECONDS) panic("CNTFRQ_EL0 gives no usable frequency");
    boot_ticks = read_ticks();
    arch_timer_set(UINT64_MAX);
}

uint64_t arch_time_ns(void)
{
    uint64_t ticks = read_ticks() - boot_ticks;
    return ticks / frequency * NANOSECONDS + ticks % frequency * NANOSECONDS / frequency;
}

/* Rounded up: arch_time_ns() has reached the deadline when the interrupt comes. */
void arch_timer_set(uint64_t deadline_ns)
{
    uint64_t part = (deadline_ns % NANOSECONDS * frequency + NANOSECONDS - 1) / NANOSECONDS;
    uint64_t target = boot_ticks + deadline_ns / NANOSECONDS * frequency + part;
    WRITE_REGISTER(cntv_cval_el0, target < boot_ticks ? UINT64_MAX : target);
    WRITE_REGISTER(cntv_ctl_el0, deadline_ns == UINT64_MAX ? 0 : TIMER_ENABLE);
    instruction_barrier();
}

/* One shot: off until set again. */
void timer_interrupt(void)
{
    WRITE_REGISTER(cntv_ctl_el0, 0);
    trap_timer();
}
