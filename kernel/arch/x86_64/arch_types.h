/* arch_types.h: types and constants of x86_64 for portable code; see arch.h for what each one means. */
#pragma once
#include <stdint.h>
#include "layout.h"
#include "types.h"

#define ARCH_NAME         "x86_64"
#define ARCH_COUNTER_UNIT "cycles"

constexpr uint16_t ARCH_ELF_MACHINE = 62;
constexpr unsigned ARCH_PAGE_LEVELS = 4;
constexpr unsigned ARCH_ASIDS = 1;                /* QEMU has no PCID */
constexpr bool ARCH_HAS_CAP_UNIT = false;

/* The last page of the lower half stays empty, so that the instruction after a `syscall` always has a canonical
   address: sysret with any other one faults in the kernel with the user's stack pointer (CVE-2012-0217). */
constexpr uintptr_t ARCH_USER_TOP = 0x0000'7fff'ffff'f000;
constexpr uintptr_t ARCH_DIRECT_MAP = DIRECT_MAP;

/* Registers in the order in which the entry code pushes them; from rip on it is what the processor pushes, which wants
   the end of the structure 16-byte aligned (Intel volume 3, 6.14.2). */
struct arch_context {
    alignas(16) uint64_t call[CALL_WORDS];   /* rdi rsi rdx r8 r9 r10 r12 r13 rax rbx r14 r15 rbp */
    uint64_t rcx, r11;                       /* not kept over a system call */
    uint64_t entry;                          /* vector, ENTRY_SYSCALL or ENTRY_FRESH */
    uint64_t error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Page-table entries: Intel volume 3, 4.5. */
enum pte_bits : uint64_t {
    PTE_PRESENT = 1, PTE_WRITE = 2, PTE_USER = 4, PTE_WRITE_THROUGH = 8, PTE_NO_CACHE = 16, PTE_ACCESSED = 32,
    PTE_DIRTY = 64, PTE_LARGE = 128, PTE_GLOBAL = 256, PTE_ADDRESS = 0x000f'ffff'ffff'f000, PTE_NO_EXECUTE = 1ull << 63,
};

static inline uint64_t arch_pte_table(paddr_t table)
{
    return table | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
}

static inline uint64_t arch_pte_leaf(paddr_t page, enum map_flags flags, unsigned level)
{
    /* Bit 12 of a large page is its PAT bit; `page` is aligned, so it stays 0. Readable is everything present. */
    uint64_t entry = page | PTE_PRESENT | PTE_ACCESSED;
    if (flags & MAP_WRITE) entry |= PTE_WRITE | PTE_DIRTY;
    if (!(flags & MAP_EXECUTE)) entry |= PTE_NO_EXECUTE;
    if (flags & MAP_USER) entry |= PTE_USER;
    if (flags & MAP_DEVICE) entry |= PTE_NO_CACHE | PTE_WRITE_THROUGH;
    if (flags & MAP_GLOBAL) entry |= PTE_GLOBAL;
    if (level > 0) entry |= PTE_LARGE;
    return entry;
}

static inline bool arch_pte_present(uint64_t entry) { return (entry & PTE_PRESENT) != 0; }

static inline bool arch_pte_is_leaf(uint64_t entry, unsigned level)
{
    return arch_pte_present(entry) && (level == 0 || (entry & PTE_LARGE) != 0);
}

static inline paddr_t arch_pte_address(uint64_t entry) { return entry & PTE_ADDRESS; }

static inline bool arch_pte_allows(uint64_t entry, enum map_flags flags)
{
    uint64_t needed = PTE_PRESENT;
    if (flags & MAP_WRITE) needed |= PTE_WRITE;
    if (flags & MAP_USER) needed |= PTE_USER;
    if (flags & MAP_DEVICE) needed |= PTE_NO_CACHE;
    if (flags & MAP_GLOBAL) needed |= PTE_GLOBAL;
    if ((flags & MAP_EXECUTE) && (entry & PTE_NO_EXECUTE)) return false;
    return (entry & needed) == needed;
}

static inline uint64_t arch_cycles(void)
{
    uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline unsigned arch_cpu(void)
{
    unsigned number;
    asm("movl %%gs:%c1, %0" : "=r"(number) : "i"(CPU_NUMBER));
    return number;
}

static inline void arch_wait_hint(void) { asm volatile("pause" ::: "memory"); }
