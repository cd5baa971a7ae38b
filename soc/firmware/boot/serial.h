/* The UART while the loader runs, polled. Implemented in start.S and serial.c. */
#pragma once

#include <stdint.h>

void serial_put(uint8_t byte);
/* Sends up to the zero; returns what lies behind it. */
const char *serial_text(const char *text);
void serial_hexadecimal(uint64_t value, unsigned bits);

/* The next byte, or -1 when none comes within `ticks` of the timer. */
int serial_get(uint64_t ticks);
