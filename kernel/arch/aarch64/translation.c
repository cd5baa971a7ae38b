/* translation.c (aarch64): user address spaces in TTBR0, kept apart by ASID; the kernel's TTBR1 never changes. */
#include "internal.h"

constexpr unsigned TTBR_ASID = 48;

/* Nothing to fill: addresses of the upper half are translated by TTBR1, whatever TTBR0 holds. */
void arch_root_init(uint64_t *root) { (void)root; }

/* Drops the identity mapping of entry.S: no user address is mapped until the first space is made current. */
void translation_start(void)
{
    uint64_t *empty = boot_table_new();
    arch_space_activate((uintptr_t)empty - KERNEL_BASE + kernel_physical(), 0);
    asm volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
}

/* A place to stop a debugger at, as the tests of the page tables do. */
[[gnu::noinline]] void arch_space_activate(paddr_t root, uint16_t asid)
{
    asm volatile("dsb ishst" ::: "memory");         /* table writes reach the walker first */
    WRITE_REGISTER(ttbr0_el1, root | (uint64_t)asid << TTBR_ASID);
    instruction_barrier();
}

void arch_tlb_flush_page(uint16_t asid, uintptr_t address)
{
    uint64_t operand = (uint64_t)asid << TTBR_ASID | (address >> 12 & 0xfff'ffff'ffff);
    asm volatile("dsb ishst\n\ttlbi vae1, %0\n\tdsb nsh\n\tisb" :: "r"(operand) : "memory");
}

void arch_tlb_flush_space(uint16_t asid)
{
    uint64_t operand = (uint64_t)asid << TTBR_ASID;
    asm volatile("dsb ishst\n\ttlbi aside1, %0\n\tdsb nsh\n\tisb" :: "r"(operand) : "memory");
}

void arch_instruction_sync(void)
{
    asm volatile("dsb ish\n\tic iallu\n\tdsb nsh\n\tisb" ::: "memory");
}
