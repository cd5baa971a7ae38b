/* uart.c (riscv64): the boot console, a 16550 that the device tree names. */
#include "internal.h"

constexpr unsigned TRANSMIT = 0, LINE_STATUS = 5;
constexpr uint8_t TRANSMIT_EMPTY = 1 << 5;

static volatile uint8_t *registers;
static unsigned shift;

void uart_init(paddr_t base, unsigned register_shift)
{
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
