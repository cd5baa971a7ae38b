/*
 * The devices that the firmware touches: console, power and software interrupts. Addresses come from
 * soc/memory_map.py. All functions poll and may be called with interrupts in any state.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Send one character; waits while the UART is busy. */
void console_put(char character);
void console_text(const char *text);
/* "0x" and all sixteen digits. */
void console_hexadecimal(uint64_t value);
/* The next received character, or -1. */
int console_get(void);

/* End the machine. Code 0 is success. */
[[noreturn]] void machine_shutdown(uint16_t code);
[[noreturn]] void machine_reset(void);

/* Raise or clear the machine software interrupt of a hart. */
void software_interrupt_raise(size_t hart);
void software_interrupt_clear(size_t hart);
