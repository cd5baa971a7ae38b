/*
 * panic.h: the end of a kernel that can no longer be trusted. Fail closed: the machine stops with exit code PANIC_EXIT_CODE.
 * Usable in any context.
 */
#pragma once
#include <stdint.h>

/* Fits every machine's exit device (isa-debug-exit has 7 bits) and is nobody else's code. */
constexpr uint8_t PANIC_EXIT_CODE = 99;

/* Prints `kernel panic: ` and the message, then ends the machine. */
[[noreturn, gnu::format(printf, 1, 2)]] void panic(char const *format, ...);

/* In test builds a false condition is a panic; release builds do not evaluate it. */
#if defined(VERIDIAN_TEST)
#define KERNEL_ASSERT(condition) \
    do { if (!(condition)) panic("%s:%d: assertion failed: %s", __FILE_NAME__, __LINE__, #condition); } while (0)
#else
#define KERNEL_ASSERT(condition) ((void)sizeof((condition) ? 1 : 0))
#endif
