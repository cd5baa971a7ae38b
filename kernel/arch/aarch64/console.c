/* console.c (aarch64): the boot console, a PL011 (Arm DDI 0183) that the device tree names; before it is found, the
   emulator's or debugger's semihosting console. */
#include "internal.h"

constexpr unsigned DATA = 0x00 / 4, FLAGS = 0x18 / 4, LINE_CONTROL = 0x2c / 4, CONTROL = 0x30 / 4;
constexpr uint32_t FLAG_TRANSMIT_FULL = 1 << 5;
constexpr uint32_t LINE_8_BITS_FIFO = 3 << 5 | 1 << 4;
constexpr uint32_t CONTROL_ENABLE_BOTH_WAYS = 1 << 0 | 1 << 8 | 1 << 9;
constexpr uint64_t SYS_WRITEC = 0x03;

static volatile uint32_t *registers;

/* Up to the register that clears interrupts, by words. */
constexpr unsigned REGISTERS = 0x48 / 4;

static struct arch_io device;

void console_start(paddr_t pl011, unsigned interrupt)
{
    device = (struct arch_io){ .base = pl011, .registers = REGISTERS, .stride = 4, .interrupt = interrupt };
    registers = device_at(pl011);
    registers[LINE_CONTROL] = LINE_8_BITS_FIFO;
    registers[CONTROL] = CONTROL_ENABLE_BOTH_WAYS;
}

static void put(char character)
{
    if (registers == nullptr) {
        (void)semihosting(SYS_WRITEC, &character);
        return;
    }
    while ((registers[FLAGS] & FLAG_TRANSMIT_FULL) != 0) arch_wait_hint();
    registers[DATA] = (uint8_t)character;
}

void arch_console_put(char character)
{
    if (character == '\n') put('\r');
    put(character);
}

struct arch_io const *arch_console_io(void) { return &device; }

uint32_t arch_io_read(struct arch_io const *of, unsigned number) { return device_at(of->base)[number * of->stride / 4]; }

void arch_io_write(struct arch_io const *of, unsigned number, uint32_t value)
{
    device_at(of->base)[number * of->stride / 4] = value;
}
