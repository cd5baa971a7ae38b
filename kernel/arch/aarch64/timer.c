/* timer.c (aarch64): time and the one-shot timer from the generic timer's virtual counter (Arm ARM, D11). */
#include "internal.h"
#include "lib/panic.h"

constexpr uint64_t NANOSECONDS = 1'000'000'000;

static uint64_t boot_ticks;
static uint64_t nanoseconds_per_tick, ticks_per_nanosecond;     /* fixed point, 32 fraction bits */

/* The barrier keeps the counter from being read early. */
static uint64_t read_ticks(void)
{
    instruction_barrier();
    return READ_REGISTER(cntvct_el0);
}

static uint64_t scale(uint64_t value, uint64_t factor)
{
    unsigned __int128 product = (unsigned __int128)value * factor >> 32;
    return product > UINT64_MAX ? UINT64_MAX : (uint64_t)product;
}

void timer_start(void)
{
    uint64_t frequency = READ_REGISTER(cntfrq_el0);
    if (frequency == 0 || frequency > UINT32_MAX) panic("CNTFRQ_EL0 gives no usable frequency");
    nanoseconds_per_tick = (NANOSECONDS << 32) / frequency;
    ticks_per_nanosecond = (frequency << 32) / NANOSECONDS;
    boot_ticks = read_ticks();
    arch_timer_set(UINT64_MAX);
}

uint64_t arch_time_ns(void) { return scale(read_ticks() - boot_ticks, nanoseconds_per_tick); }

/* Rounded up, so that arch_time_ns() has reached the deadline when the interrupt comes. */
void arch_timer_set(uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX) {
        WRITE_REGISTER(cntv_ctl_el0, 0);
    } else {
        uint64_t ticks = scale(deadline_ns, ticks_per_nanosecond), target = boot_ticks + ticks + 2;
        WRITE_REGISTER(cntv_cval_el0, target < ticks ? UINT64_MAX : target);
        WRITE_REGISTER(cntv_ctl_el0, TIMER_ENABLE);
    }
    instruction_barrier();
}

/* One shot: off until set again. */
void timer_interrupt(void)
{
    WRITE_REGISTER(cntv_ctl_el0, 0);
    trap_timer();
}
