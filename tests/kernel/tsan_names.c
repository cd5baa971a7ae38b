/* tsan_names.c: names that the compiler of kernel/cap calls and the host's ThreadSanitizer runtime has under others. */
#include <string.h>

void *__tsan_memset(void *to, int value, size_t bytes) { return memset(to, value, bytes); }
void *__tsan_memcpy(void *to, void const *from, size_t bytes) { return memcpy(to, from, bytes); }
void *__tsan_memmove(void *to, void const *from, size_t bytes) { return memmove(to, from, bytes); }
