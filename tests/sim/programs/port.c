/*
 * A port as benchmarks want one: formatted output on the UART, time by mcycle, initialised and zeroed data, structures
 * that the compiler copies by memcpy. Start-up is bench/core/programs/start.S.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "console.h"

static void print_format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            const char text[] = {*format, '\0'};
            print_text(text);
            continue;
        }
        switch (*++format) {
        case 's': print_text(va_arg(arguments, const char *)); break;
        case 'u': print_number(va_arg(arguments, unsigned)); break;
        case 'l': format++; print_number(va_arg(arguments, unsigned long)); break;
        default: print_text("?"); break;
        }
    }
    va_end(arguments);
}

struct record {
    uint64_t values[40];
};

static struct record initial = {{1, 2, 3, [39] = 40}};
static struct record zeroed;

static uint64_t cycles(void) {
    uint64_t value;
    __asm__ volatile("csrr %0, mcycle" : "=r"(value)::"memory");
    return value;
}

int main(void) {
    const uint64_t start = cycles();
    volatile struct record copy = initial;
    const uint64_t taken = cycles() - start;
    uint64_t sum = 0;
    for (int i = 0; i < 40; i++) sum += copy.values[i] + zeroed.values[i];
    print_format("%s: sum %lu, code %u\n", "port", sum, CODE);
    return sum == 46 && taken > 40 && taken < 5000 ? CODE : 1;
}
