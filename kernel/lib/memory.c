/* memory.c: see memory.h. Built without builtins, or the compiler would turn memcpy into a call of memcpy. */
#include <stdint.h>
#include "../lib/memory.h"

#define PLAIN [[clang::no_builtin]]

static bool aligned(void const *left, void const *right)
{
    return (((uintptr_t)left | (uintptr_t)right) & 7) == 0;
}

/* Words that may alias anything. */
typedef uint64_t word [[gnu::may_alias]];

PLAIN void *memcpy(void *restrict to, void const *restrict from, size_t bytes)
{
    char *target = to;
    char const *source = from;
    if (aligned(to, from)) {
        for (; bytes >= 32; bytes -= 32, target += 32, source += 32) {
            word a = ((word const *)source)[0], b = ((word const *)source)[1];
            word c = ((word const *)source)[2], d = ((word const *)source)[3];
            ((word *)target)[0] = a;
            ((word *)target)[1] = b;
            ((word *)target)[2] = c;
            ((word *)target)[3] = d;
        }
        for (; bytes >= 8; bytes -= 8, target += 8, source += 8) *(word *)target = *(word const *)source;
    }
    while (bytes-- > 0) *target++ = *source++;
    return to;
}

PLAIN void *memmove(void *to, void const *from, size_t bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= bytes) return memcpy(to, from, bytes);
    char *target = (char *)to + bytes;
    char const *source = (char const *)from + bytes;
    while (bytes-- > 0) *--target = *--source;
    return to;
}

PLAIN void *memset(void *to, int value, size_t bytes)
{
    char *target = to;
    word pattern = 0x0101010101010101ull * (uint8_t)value;
    for (; bytes > 0 && ((uintptr_t)target & 7) != 0; bytes--) *target++ = (char)value;
    for (; bytes >= 32; bytes -= 32, target += 32) {
        ((word *)target)[0] = pattern;
        ((word *)target)[1] = pattern;
        ((word *)target)[2] = pattern;
        ((word *)target)[3] = pattern;
    }
    for (; bytes >= 8; bytes -= 8, target += 8) *(word *)target = pattern;
    while (bytes-- > 0) *target++ = (char)value;
    return to;
}

PLAIN int memcmp(void const *left, void const *right, size_t bytes)
{
    unsigned char const *a = left, *b = right;
    for (; bytes > 0; bytes--, a++, b++)
        if (*a != *b) return *a - *b;
    return 0;
}

PLAIN size_t string_length(char const *text, size_t limit)
{
    size_t length = 0;
    while (length < limit && text[length] != '\0') length++;
    return length;
}

bool string_equal(char const *left, char const *right)
{
    while (*left != '\0' && *left == *right) left++, right++;
    return *left == *right;
}

void string_copy(char *to, char const *from, size_t bytes)
{
    if (bytes == 0) return;
    size_t length = string_length(from, bytes - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}
