/*
 * print.h: formatted lines on the boot console, in any context. Characters go out one at a time through
 * arch_console_put; nothing is allocated.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Directives: %s text, %c character, %d int, %u unsigned, %lu %lx 64 bit, %x unsigned in hexadecimal, %p address
   (0x and 16 digits), %%. A width and a leading 0 are understood for numbers. */
[[gnu::format(printf, 1, 2)]] void print(char const *format, ...);
void print_list(char const *format, va_list arguments);

/* As it stands, without directives. */
void print_text(char const *text, size_t length);
