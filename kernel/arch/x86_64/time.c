/*
 * time.c: clock and timer. The clock is the TSC, the timer the local APIC's, one shot; the frequency of both is measured
 * against channel 2 of the 8254, whose frequency the PC fixes.
 */
#include "lib/panic.h"
#include "lib/print.h"
#include "x86.h"

/* 8254: channel 2 counts while bit 0 of port 0x61 is set; bit 1 would let it speak. */
enum pit_port : uint16_t { PIT_CHANNEL_2 = 0x42, PIT_CONTROL = 0x43, PIT_GATE = 0x61 };
constexpr uint64_t PIT_HZ = 1'193'182;
constexpr uint32_t CALIBRATION_TICKS = PIT_HZ / 500;      /* 2 ms */

constexpr uint64_t SECOND_NS = 1'000'000'000;
constexpr uint32_t TIMER_DIVIDE_BY_16 = 3;

static uint64_t boot_cycles;
static uint64_t ns_per_cycle;            /* 32.32 fixed point */
static uint64_t timer_ticks_per_ns;      /* 32.32 fixed point */
static uint64_t timer_deadline = UINT64_MAX;

static uint64_t scale(uint64_t value, uint64_t factor)
{
    return (uint64_t)((unsigned __int128)value * factor >> 32);
}

static uint32_t pit_read(void)
{
    port_write(PIT_CONTROL, 0x80);       /* latch channel 2 */
    uint32_t low = port_read(PIT_CHANNEL_2);
    return low | (uint32_t)port_read(PIT_CHANNEL_2) << 8;
}

struct sample { uint32_t pit; uint64_t cycles; uint32_t timer; };

/* All three clocks right after a change of the slowest. */
static struct sample sample_at_edge(void)
{
    uint32_t before = pit_read(), now;
    while ((now = pit_read()) == before) { }
    return (struct sample){ now, arch_cycles(), apic_read(APIC_TIMER_CURRENT) };
}

void time_init(void)
{
    port_write(PIT_GATE, (uint8_t)((port_read(PIT_GATE) & ~2) | 1));
    port_write(PIT_CONTROL, 0xb0);       /* channel 2, low then high byte, mode 0: count down once */
    port_write(PIT_CHANNEL_2, 0xff);
    port_write(PIT_CHANNEL_2, 0xff);
    apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_16);
    apic_write(APIC_TIMER_INITIAL, UINT32_MAX);

    struct sample start = sample_at_edge(), end;
    do {
        /* Port accesses are slow on an emulator: let time pass without them. */
        for (unsigned i = 0; i < 20'000; i++) asm volatile("");
        end = sample_at_edge();
    } while (start.pit - end.pit < CALIBRATION_TICKS);
    apic_write(APIC_TIMER_INITIAL, 0);

    uint64_t pit_ticks = start.pit - end.pit;
    uint64_t cycles_hz = (end.cycles - start.cycles) * PIT_HZ / pit_ticks;
    uint64_t timer_hz = (uint64_t)(start.timer - end.timer) * PIT_HZ / pit_ticks;
    if (cycles_hz == 0 || timer_hz == 0 || timer_hz >> 32 != 0) panic("time: clocks stand still");
    boot_cycles = start.cycles;
    ns_per_cycle = (SECOND_NS << 32) / cycles_hz;
    timer_ticks_per_ns = (timer_hz << 32) / SECOND_NS;
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
    print("timer: local APIC %lu kHz, clock: TSC %lu kHz, measured against the 8254\n", timer_hz / 1000,
          cycles_hz / 1000);
}

uint64_t arch_time_ns(void)
{
    return scale(arch_cycles() - boot_cycles, ns_per_cycle);
}

static void timer_start(uint64_t now)
{
    uint64_t wait = timer_deadline > now ? timer_deadline - now : 0;
    uint64_t ticks = scale(wait, timer_ticks_per_ns) + 1;
    /* A deadline beyond the counter is reached in several rounds. */
    apic_write(APIC_TIMER_INITIAL, ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks);
}

void arch_timer_set(uint64_t deadline_ns)
{
    timer_deadline = deadline_ns;
    if (deadline_ns == UINT64_MAX) apic_write(APIC_TIMER_INITIAL, 0);
    else timer_start(arch_time_ns());
}

void time_interrupt(void)
{
    uint64_t now = arch_time_ns();
    if (timer_deadline == UINT64_MAX) return;
    if (timer_deadline > now) {
        timer_start(now);
        return;
    }
    timer_deadline = UINT64_MAX;
    trap_timer();
}
