#include "machine.h"

#include <veridian/memory_map.h>

/* 16550 registers: one byte each, on addresses that follow one another. */
enum : uintptr_t { UART_DATA = 0, UART_LINE_STATUS = 5 };
enum : uint8_t { LINE_DATA_READY = 1 << 0, LINE_TRANSMIT_EMPTY = 1 << 5 };

/* Test finisher (QEMU's sifive_test). */
enum : uint32_t { FINISHER_FAIL = 0x3333, FINISHER_PASS = 0x5555, FINISHER_RESET = 0x7777 };

static volatile uint8_t *uart(uintptr_t offset) { return (volatile uint8_t *)(UART_BASE + offset); }

void console_put(char character) {
    while ((*uart(UART_LINE_STATUS) & LINE_TRANSMIT_EMPTY) == 0) {
    }
    *uart(UART_DATA) = (uint8_t)character;
}

void console_text(const char *text) {
    for (; *text != '\0'; text++) {
        console_put(*text);
    }
}

void console_hexadecimal(uint64_t value) {
    console_text("0x");
    for (int shift = 60; shift >= 0; shift -= 4) {
        console_put("0123456789abcdef"[(value >> shift) & 15]);
    }
}

int console_get(void) {
    return (*uart(UART_LINE_STATUS) & LINE_DATA_READY) != 0 ? *uart(UART_DATA) : -1;
}

[[noreturn]] static void finish(uint32_t value) {
    *(volatile uint32_t *)FINISHER_BASE = value;
    while (true) {
        __asm__ volatile("wfi");
    }
}

[[noreturn]] void machine_shutdown(uint16_t code) {
    finish(code == 0 ? FINISHER_PASS : FINISHER_FAIL | (uint32_t)code << 16);
}

[[noreturn]] void machine_reset(void) { finish(FINISHER_RESET); }

/* CLINT: msip of each hart is a 32-bit word from offset 0 on. */
static volatile uint32_t *msip(size_t hart) { return (volatile uint32_t *)CLINT_BASE + hart; }

void software_interrupt_raise(size_t hart) { *msip(hart) = 1; }
void software_interrupt_clear(size_t hart) { *msip(hart) = 0; }
