/* console.c (aarch64): the boot console, a PL011 (Arm DDI 0183) that the device tree names; before it is found, the
   emulator's or debugger's semihosting console. */
#include "internal.h"

constexpr unsigned DATA = 0x00 / 4, FLAGS = 0x18 / 4, LINE_CONTROL = 0x2c / 4, CONTROL = 0x30 / 4;
constexpr uint32_t FLAG_TRANSMIT_FULL = 1 << 5;
constexpr uint32_t LINE_8_BITS_FIFO = 3 << 5 | 1 << 4;
constexpr uint32_t CONTROL_ENABLE_TRANSMIT = 1 << 0 | 1 << 8;
constexpr uint64_t SYS_WRITEC = 0x03;

static volatile uint32_t *registers;

void console_start(paddr_t pl011)
{
    registers = device_at(pl011);
    registers[LINE_CONTROL] = LINE_8_BITS_FIFO;
    registers[CONTROL] = CONTROL_ENABLE_TRANSMIT;
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
