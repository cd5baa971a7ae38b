/*
 * boot_map.c (aarch64): see internal.h. The early half runs at physical addresses, so no static pointer may be used:
 * the compiler reaches everything here relative to the program counter.
 */
#include "internal.h"
#include "lib/panic.h"

/* Kernel image 3 + one per 2 MiB, identity and tree 6, direct map one per started GiB and one per ragged 2 MiB. */
constexpr size_t POOL_TABLES = 64;
[[gnu::aligned(PAGE_BYTES), gnu::section(".noclear")]] static uint64_t boot_tables[POOL_TABLES][TABLE_ENTRIES];
static size_t pool_used;
static uintptr_t table_offset;

uint64_t *boot_table_new(void)
{
    if (pool_used == POOL_TABLES) panic("no boot page table left");
    uint64_t *table = boot_tables[pool_used++];
    for (size_t i = 0; i < TABLE_ENTRIES; i++) table[i] = 0;
    return table;
}

void boot_map_moved(uintptr_t offset) { table_offset = offset; }

static uint64_t level_bytes(unsigned level) { return (uint64_t)PAGE_BYTES << (9 * level); }

static void map_one(uint64_t *root, uintptr_t address, paddr_t physical, enum map_flags flags, unsigned level)
{
    uint64_t *table = root;
    for (unsigned at = ARCH_PAGE_LEVELS - 1; at > level; at--) {
        uint64_t *entry = &table[address / level_bytes(at) % TABLE_ENTRIES];
        if (!arch_pte_present(*entry)) *entry = arch_pte_table((uintptr_t)boot_table_new() - table_offset);
        else if (arch_pte_is_leaf(*entry, at)) panic("boot mapping at %p overlaps", (void *)address);
        table = (uint64_t *)(arch_pte_address(*entry) + table_offset);
    }
    uint64_t *entry = &table[address / level_bytes(level) % TABLE_ENTRIES];
    if (arch_pte_present(*entry)) panic("boot mapping at %p overlaps", (void *)address);
    *entry = arch_pte_leaf(physical, flags, level);
}

void boot_map(uint64_t *root, uintptr_t address, paddr_t physical, uint64_t bytes, enum map_flags flags)
{
    while (bytes > 0) {
        unsigned level = ARCH_PAGE_LEVELS - 2;      /* the root holds no blocks */
        while (level > 0 && ((address | physical) % level_bytes(level) != 0 || bytes < level_bytes(level))) level--;
        map_one(root, address, physical, flags, level);
        address += level_bytes(level);
        physical += level_bytes(level);
        bytes -= level_bytes(level);
    }
}

void boot_unmap_gigabyte(uint64_t *root, uintptr_t address)
{
    uint64_t entry = root[address / level_bytes(3) % TABLE_ENTRIES];
    uint64_t *table = (uint64_t *)(arch_pte_address(entry) + table_offset);
    table[address / level_bytes(2) % TABLE_ENTRIES] = 0;
    asm volatile("dsb ishst\n\ttlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
}
