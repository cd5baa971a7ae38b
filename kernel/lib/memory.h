/*
 * memory.h: the mem* routines that the compiler may call by itself, and string helpers.
 * Usable in any context. None of them touches user memory; that is usermem.h.
 */
#pragma once
#include <stddef.h>

void *memcpy(void *restrict to, void const *restrict from, size_t bytes);
void *memmove(void *to, void const *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(void const *left, void const *right, size_t bytes);

/* Length of `text`, at most `limit`. */
size_t string_length(char const *text, size_t limit);

/* Equal texts, both NUL terminated? */
bool string_equal(char const *left, char const *right);

/* Copies `from` with its NUL, cut to `bytes` bytes in all. */
void string_copy(char *to, char const *from, size_t bytes);
