#include "console.h"

#include <veridian/memory_map.h>

/* 16550: transmit holding register, and line status with its bit for an empty one. */
constexpr uintptr_t transmit = UART_BASE, line_status = UART_BASE + 5;
constexpr uint8_t transmit_empty = 1 << 5;

static void print_character(char character) {
    while (!(*(volatile uint8_t *)line_status & transmit_empty)) {
    }
    *(volatile uint8_t *)transmit = (uint8_t)character;
}

void print_text(const char *text) {
    for (; *text != '\0'; text++) print_character(*text);
}

void print_number(uint64_t value) {
    char digits[20];
    int count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (count > 0) print_character(digits[--count]);
}

void print_pair(const char *name, uint64_t value) {
    print_text(" ");
    print_text(name);
    print_text("=");
    print_number(value);
}
