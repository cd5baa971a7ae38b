/* timer.c (riscv64): time and the one-shot timer, through Sstc where the hart has it, else through the SBI. */
#include "internal.h"
#include "lib/panic.h"

constexpr uint64_t NANOSECONDS = 1'000'000'000;

/* Ratios with 32 bits behind the point: every switch converts both ways, and a division costs as much as the switch. */
static uint64_t boot_time, nanoseconds_per_tick, ticks_per_nanosecond;
static bool has_stimecmp;

static uint64_t read_time(void)
{
    uint64_t value;
    asm volatile("rdtime %0" : "=r"(value));
    return value;
}

void timer_init(uint32_t hertz, bool stimecmp)
{
    if (hertz == 0) panic("the device tree gives no timebase-frequency");
    nanoseconds_per_tick = (NANOSECONDS << 32) / hertz;
    /* Rounded up: a timer that fires early would have to be set again. */
    ticks_per_nanosecond = (((uint64_t)hertz << 32) + NANOSECONDS - 1) / NANOSECONDS;
    has_stimecmp = stimecmp;
    boot_time = read_time();
    arch_timer_set(UINT64_MAX);
    csr_set(sie, SIE_TIMER);
}

static uint64_t scale(uint64_t value, uint64_t ratio) { return (uint64_t)((unsigned __int128)value * ratio >> 32); }

uint64_t arch_time_ns(void) { return scale(read_time() - boot_time, nanoseconds_per_tick); }

void arch_timer_set(uint64_t deadline_ns)
{
    uint64_t target = boot_time + scale(deadline_ns, ticks_per_nanosecond) + 1;
    if (deadline_ns > UINT64_MAX / 8) target = UINT64_MAX;      /* centuries: never, and no overflow above */
    if (has_stimecmp) csr_write_number(CSR_STIMECMP, target);
    else sbi_set_timer(target);
}
