/* initrd.h: files of the initial archive, cpio's `newc` form. Read-only, in place; any context after initrd_init(). */
#pragma once
#include "boot_info.h"

struct initrd_file { uint8_t const *content; size_t size; };

void initrd_init(struct boot_info const *info);

/* The file called `name`. A broken archive reads as one that ends early. */
[[nodiscard]] bool initrd_find(char const *name, struct initrd_file *file);

/* Number of files. */
size_t initrd_count(void);
