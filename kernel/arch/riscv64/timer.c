/* timer.c (riscv64): time and the one-shot timer, through Sstc where the hart has it, else through the SBI. */
#include "internal.h"
#include "lib/panic.h"

constexpr uint64_t NANOSECONDS = 1'000'000'000;

static uint64_t frequency = 1, boot_time, per_tick;   /* per_tick: nanoseconds of a tick if that is a whole number */
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
    frequency = hertz;
    per_tick = NANOSECONDS % hertz == 0 ? NANOSECONDS / hertz : 0;
    has_stimecmp = stimecmp;
    boot_time = read_time();
    arch_timer_set(UINT64_MAX);
    csr_set(sie, SIE_TIMER);
}

uint64_t arch_time_ns(void)
{
    uint64_t ticks = read_time() - boot_time;
    if (per_tick != 0) return ticks * per_tick;
    return ticks / frequency * NANOSECONDS + ticks % frequency * NANOSECONDS / frequency;
}

void arch_timer_set(uint64_t deadline_ns)
{
    uint64_t target = UINT64_MAX;
    if (deadline_ns != UINT64_MAX) {
        uint64_t ticks = per_tick != 0 ? deadline_ns / per_tick
            : deadline_ns / NANOSECONDS * frequency + deadline_ns % NANOSECONDS * frequency / NANOSECONDS;
        target = boot_time + ticks + 1;
    }
    if (has_stimecmp) csr_write_number(CSR_STIMECMP, target);
    else sbi_set_timer(target);
}
