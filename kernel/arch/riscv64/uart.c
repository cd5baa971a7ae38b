/* uart.c (riscv64): the boot console, a 16550 that the device tree names. */
#include "internal.h"

constexpr unsigned TRANSMIT = 0, LINE_STATUS = 5;
constexpr uint8_t TRANSMIT_EMPTY = 1 << 5;

static volatile uint8_t *registers;
static unsigned shift;

static struct arch_io device;

void uart_init(paddr_t base, unsigned register_shift, unsigned interrupt)
{
    device = (struct arch_io){ .base = base, .registers = 8, .stride = 1u << register_shift, .interrupt = interrupt };
    registers = (volatile uint8_t *)(ARCH_DIRECT_MAP + base);
    shift = register_shift;
}

static void put(char character)
{
    while ((registers[LINE_STATUS << shift] & TRANSMIT_EMPTY) == 0) arch_wait_hint();
    registers[TRANSMIT << shift] = (uint8_t)character;
}

void arch_console_put(char character)
{
    if (registers == nullptr) return;
    if (character == '\n') put('\r');
    put(character);
}

struct arch_io const *arch_console_io(void) { return &device; }

static volatile uint8_t *register_at(struct arch_io const *of, unsigned number)
{
    return (volatile uint8_t *)(ARCH_DIRECT_MAP + of->base + number * of->stride);
}

uint32_t arch_io_read(struct arch_io const *of, unsigned number) { return *register_at(of, number); }

void arch_io_write(struct arch_io const *of, unsigned number, uint32_t value)
{
    *register_at(of, number) = (uint8_t)value;
}
