/*
 * panic.h: the end of a kernel that can no longer be trusted. Fail closed: the machine stops with exit code 255.
 * Usable in any context.
 */
#pragma once

/* Prints `kernel panic: ` and the message, then ends the machine. */
[[noreturn, gnu::format(printf, 1, 2)]] void panic(char const *format, ...);

/* In test builds a false condition is a panic; release builds do not evaluate it. */
#if defined(VERIDIAN_TEST)
#define KERNEL_ASSERT(condition) \
    do { if (!(condition)) panic("%s:%d: assertion failed: %s", __FILE_NAME__, __LINE__, #condition); } while (0)
#else
#define KERNEL_ASSERT(condition) ((void)sizeof((condition) ? 1 : 0))
#endif
