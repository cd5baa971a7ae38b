/*
 * boot.h: helpers for the code that fills in boot_info.h, and boot arguments. Boot only, one CPU.
 */
#pragma once
#include "boot_info.h"

/* Adds a reserved range, widened to whole pages. More ranges than fit is a panic: memory in use must not be given out. */
void boot_reserve(struct boot_info *info, paddr_t base, uint64_t size);

/* Copies the value of `name=value` on the command line to `value` (NUL terminated, cut to `bytes`); false if absent. */
[[nodiscard]] bool boot_argument(struct boot_info const *info, char const *name, char *value, size_t bytes);
