/* early.c (aarch64): see internal.h. Runs at its physical address; what linker symbols yield here is physical too. */
#include "internal.h"

static uint64_t translation_control(void)
{
    uint64_t memory0 = READ_REGISTER(id_aa64mmfr0_el1), memory2 = READ_REGISTER(id_aa64mmfr2_el1);
    uint64_t address_size = memory0 & 0xf;
    if (address_size > TCR_ADDRESS_SIZE_48) address_size = TCR_ADDRESS_SIZE_48;
    uint64_t tcr = TCR_BASE | address_size << TCR_ADDRESS_SIZE;
    if ((memory0 >> 4 & 0xf) == 2) tcr |= TCR_ASID_16;
    if (memory2 >> 60 != 0) tcr |= TCR_NO_USER_PROBE;
    return tcr;
}

static uint64_t system_control(void)
{
    bool pan = (READ_REGISTER(id_aa64mmfr1_el1) >> 20 & 0xf) != 0;
    return SCTLR_ONES | SCTLR_MMU | SCTLR_DATA_CACHE | SCTLR_INSTRUCTION_CACHE | SCTLR_STACK_ALIGNED
         | SCTLR_NO_AARCH32_RELICS | SCTLR_USER_ZERO_LINE | SCTLR_USER_CACHE_TYPE | SCTLR_USER_WAIT_EVENT
         | SCTLR_WRITABLE_NEVER_EXECUTES | (pan ? 0 : SCTLR_KEEP_PAN);
}

void early_page_tables(paddr_t base, paddr_t tree, struct early_registers *registers)
{
    paddr_t text = (paddr_t)text_end, rodata = (paddr_t)rodata_end, end = (paddr_t)kernel_end;
    paddr_t guard = (paddr_t)kernel_stack_guard, stack = guard + PAGE_BYTES;
    uintptr_t linked = KERNEL_BASE - base;
    uint64_t *kernel = boot_table_new(), *identity = boot_table_new();

    boot_map(kernel, base + linked, base, text - base, MAP_READ | MAP_EXECUTE | MAP_GLOBAL);
    boot_map(kernel, text + linked, text, rodata - text, MAP_READ | MAP_GLOBAL);
    boot_map(kernel, rodata + linked, rodata, guard - rodata, MAP_READ | MAP_WRITE | MAP_GLOBAL);
    boot_map(kernel, stack + linked, stack, end - stack, MAP_READ | MAP_WRITE | MAP_GLOBAL);
    if (tree != 0)
        boot_map(kernel, TREE_BASE, tree & ~(TREE_ALIGN - 1), TREE_WINDOW, MAP_READ | MAP_GLOBAL);

    /* entry.S goes on at its physical address for a few instructions after translation is on. */
    boot_map(identity, base, base, text - base, MAP_READ | MAP_EXECUTE);

    *registers = (struct early_registers){
        .mair = MAIR_VALUE, .tcr = translation_control(),
        .ttbr0 = (paddr_t)identity, .ttbr1 = (paddr_t)kernel, .sctlr = system_control(),
    };
}
