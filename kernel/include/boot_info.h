/* boot_info.h: what the architecture's entry code learned from the boot tables (device tree, PVH start info, ACPI). */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "types.h"

struct memory_range { paddr_t base; uint64_t size; };

constexpr size_t BOOT_RANGES = 16;
constexpr size_t BOOT_COMMAND_LINE = 256;

struct boot_info {
    struct memory_range memory[BOOT_RANGES];     /* usable RAM, before `reserved` is taken out */
    size_t memory_count;
    struct memory_range reserved[BOOT_RANGES];   /* kernel image, firmware, initrd, device tree */
    size_t reserved_count;
    paddr_t initrd;      uint64_t initrd_size;   /* cpio newc; size 0: none */
    char command_line[BOOT_COMMAND_LINE];        /* NUL terminated */
    unsigned cpu_count;
    char machine[64];                            /* model name, for the boot log */
    paddr_t device_tree;                         /* 0: none */
    paddr_t capability_unit;                     /* register windows; 0: none */
    paddr_t mailbox;
    unsigned mailbox_interrupt;
};
