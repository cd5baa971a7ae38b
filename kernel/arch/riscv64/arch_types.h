/* arch_types.h (riscv64): types and constants that arch.h promises. RV64IMAC, S-mode, Sv39. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "csr.h"
#include "types.h"

#define ARCH_NAME "riscv64"

constexpr uint16_t ARCH_ELF_MACHINE = 243;
constexpr unsigned ARCH_PAGE_LEVELS = 3;
constexpr uintptr_t ARCH_USER_TOP = 0x40'0000'0000;
constexpr uintptr_t ARCH_DIRECT_MAP = 0xffff'ffc0'0000'0000;
#define ARCH_COUNTER_UNIT "mcycle"
constexpr unsigned ARCH_ASIDS = 256;
constexpr bool ARCH_HAS_CAP_UNIT = true;

/* The kernel image is linked here and mapped with 4 KiB pages. */
constexpr uintptr_t RISCV_KERNEL_BASE = 0xffff'ffff'8000'0000;
/* The direct map reaches this much physical memory, devices included. */
constexpr paddr_t RISCV_DIRECT_BYTES = 16ull << 30;

/* User registers. The assembly in trap.S knows these offsets. */
struct arch_context {
    uint64_t call[CALL_WORDS];   /* a0-a7, t0-t4 */
    uint64_t ra, sp, gp, tp, t5, t6;
    uint64_t s[12];
    uint64_t pc;
};
static_assert(sizeof(struct arch_context) == 32 * 8);

/* ---- page-table entries (privileged specification, 4.4.1). A and D are preset: our core traps on a clear one (Svade). */

enum : uint64_t {
    PTE_VALID = 1 << 0, PTE_READ = 1 << 1, PTE_WRITE = 1 << 2, PTE_EXECUTE = 1 << 3, PTE_USER = 1 << 4,
    PTE_GLOBAL = 1 << 5, PTE_ACCESSED = 1 << 6, PTE_DIRTY = 1 << 7,
};

static inline uint64_t arch_pte_table(paddr_t table) { return table >> 12 << 10 | PTE_VALID; }

static inline uint64_t arch_pte_leaf(paddr_t page, enum map_flags flags, unsigned level)
{
    (void)level;
    uint64_t entry = page >> 12 << 10 | PTE_VALID | PTE_ACCESSED | PTE_DIRTY;
    if ((flags & MAP_READ) != 0) entry |= PTE_READ;
    if ((flags & MAP_WRITE) != 0) entry |= PTE_READ | PTE_WRITE;
    if ((flags & MAP_EXECUTE) != 0) entry |= PTE_EXECUTE;
    if ((flags & MAP_USER) != 0) entry |= PTE_USER;
    if ((flags & MAP_GLOBAL) != 0) entry |= PTE_GLOBAL;
    return entry;
}

static inline bool arch_pte_present(uint64_t entry) { return (entry & PTE_VALID) != 0; }

static inline bool arch_pte_is_leaf(uint64_t entry, unsigned level)
{
    (void)level;
    return (entry & (PTE_READ | PTE_WRITE | PTE_EXECUTE)) != 0;
}

static inline paddr_t arch_pte_address(uint64_t entry) { return (entry >> 10 & 0xfff'ffff'ffff) << 12; }

static inline bool arch_pte_allows(uint64_t entry, enum map_flags flags)
{
    return (!(flags & MAP_READ) || (entry & PTE_READ)) && (!(flags & MAP_WRITE) || (entry & PTE_WRITE))
        && (!(flags & MAP_EXECUTE) || (entry & PTE_EXECUTE)) && (!(flags & MAP_USER) || (entry & PTE_USER));
}

/* ---- this CPU ------------------------------------------------------------------------------------------------- */

static inline uint64_t arch_cycles(void)
{
    uint64_t value;
    asm volatile("rdcycle %0" : "=r"(value));
    return value;
}

static inline unsigned arch_cpu(void) { return 0; }

static inline void arch_wait_hint(void) { asm volatile("" ::: "memory"); }

/* ---- capability unit: custom-0 instructions, numbers from veridian/abi.h ---------------------------------------- */

#define CAP_INSTRUCTION(NAME, result, left, right)                                                             \
    asm volatile(".insn r %1, %2, %3, %0, %4, %5" : "=r"(result)                                               \
                 : "i"(CUSTOM_0), "i"(INSN_CAP_##NAME##_FUNCT3), "i"(INSN_CAP_##NAME##_FUNCT7),                \
                   "r"((uint64_t)(left)), "r"((uint64_t)(right)) : "memory")

static inline uint64_t arch_cap_object(uint64_t query, uint32_t space)
{
    uint64_t answer;
    CAP_INSTRUCTION(OBJECT, answer, query, space);
    return answer;
}

static inline uint64_t arch_cap_badge(uint64_t query, uint32_t space)
{
    uint64_t answer;
    CAP_INSTRUCTION(BADGE, answer, query, space);
    return answer;
}

static inline void arch_cap_invalidate_slot(uint32_t handle, uint32_t space)
{
    [[maybe_unused]] uint64_t zero;
    CAP_INSTRUCTION(INV_SLOT, zero, handle, space);
}

static inline void arch_cap_invalidate_space(uint32_t space)
{
    [[maybe_unused]] uint64_t zero;
    CAP_INSTRUCTION(INV_SPACE, zero, 0, space);
}

static inline void arch_cap_invalidate_object(uint32_t object_id)
{
    [[maybe_unused]] uint64_t zero;
    CAP_INSTRUCTION(INV_OBJECT, zero, object_id, 0);
}

static inline uint64_t arch_cap_revoke(uint64_t root, uint64_t limit)
{
    uint64_t answer;
    CAP_INSTRUCTION(REVOKE, answer, root, limit);
    return answer;
}

static inline void arch_cap_select(uint32_t space)
{
    [[maybe_unused]] uint64_t previous;
    CAP_INSTRUCTION(SPACE, previous, space, 0);
}
