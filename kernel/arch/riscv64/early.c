/*
 * early.c (riscv64): page tables of the kernel, built before translation is on.
 *
 * This code runs at its physical address, so it touches nothing but its own tables and linker symbols, PC-relative.
 */
#include "arch.h"
#include "internal.h"

constexpr size_t ENTRIES = PAGE_BYTES / sizeof(uint64_t);

[[gnu::aligned(PAGE_BYTES)]] uint64_t early_root[ENTRIES];
[[gnu::aligned(PAGE_BYTES)]] static uint64_t early_middle[ENTRIES];
[[gnu::aligned(PAGE_BYTES)]] static uint64_t early_pages[ENTRIES];

extern char kernel_start[], text_end[], rodata_end[], kernel_end[], kernel_stack_guard[];

static size_t root_index(uintptr_t address) { return address >> 30 & (ENTRIES - 1); }

/* Returns the satp value. `base` is where the image was loaded; kernel_start is seen there too, PC-relative. */
uint64_t early_page_tables(paddr_t base)
{
    uintptr_t text = (uintptr_t)text_end, rodata = (uintptr_t)rodata_end, end = (uintptr_t)kernel_end;
    uintptr_t guard = (uintptr_t)kernel_stack_guard;
    size_t page = 0;
    for (uintptr_t at = base; at < end; at += PAGE_BYTES, page++) {
        if (at == guard) continue;
        enum map_flags flags = at < text ? MAP_READ | MAP_EXECUTE : at < rodata ? MAP_READ : MAP_READ | MAP_WRITE;
        early_pages[page] = arch_pte_leaf(at, flags | MAP_GLOBAL, 0);
    }
    early_middle[RISCV_KERNEL_BASE >> 21 & (ENTRIES - 1)] = arch_pte_table((paddr_t)early_pages);
    early_root[root_index(RISCV_KERNEL_BASE)] = arch_pte_table((paddr_t)early_middle);
    for (paddr_t at = 0; at < RISCV_DIRECT_BYTES; at += 1ull << 30)
        early_root[root_index(ARCH_DIRECT_MAP + at)] = arch_pte_leaf(at, MAP_READ | MAP_WRITE | MAP_GLOBAL, 2);
    return SATP_SV39 | (paddr_t)early_root >> 12;
}

/* The kernel's half is the same in every address space. */
void arch_root_init(uint64_t *root)
{
    for (size_t i = ENTRIES / 2; i < ENTRIES; i++) root[i] = early_root[i];
}
