/* boot.c: see boot.h. */
#include "boot/boot.h"
#include "lib/memory.h"
#include "lib/panic.h"

void boot_reserve(struct boot_info *info, paddr_t base, uint64_t size)
{
    if (size == 0) return;
    if (info->reserved_count == BOOT_RANGES) panic("too many reserved memory ranges");
    paddr_t end = (base + size + PAGE_BYTES - 1) & ~(paddr_t)(PAGE_BYTES - 1);
    base &= ~(paddr_t)(PAGE_BYTES - 1);
    info->reserved[info->reserved_count++] = (struct memory_range){ base, end - base };
}

bool boot_argument(struct boot_info const *info, char const *name, char *value, size_t bytes)
{
    char const *at = info->command_line;
    while (*at != '\0') {
        while (*at == ' ') at++;
        char const *key = name;
        while (*key != '\0' && *at == *key) at++, key++;
        if (*key == '\0' && *at == '=') {
            size_t length = 0;
            for (at++; at[length] != '\0' && at[length] != ' '; length++) {}
            if (length >= bytes) length = bytes - 1;
            memcpy(value, at, length);
            value[length] = '\0';
            return true;
        }
        while (*at != '\0' && *at != ' ') at++;
    }
    return false;
}
