/* arch_types.h (aarch64): types and constants that arch.h promises. ARMv8-A, EL1, 4 KiB granule, 48-bit addresses. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "registers.h"
#include "types.h"

#define ARCH_NAME "aarch64"

constexpr uint16_t ARCH_ELF_MACHINE = 183;
constexpr unsigned ARCH_PAGE_LEVELS = 4;
constexpr uintptr_t ARCH_USER_TOP = 0x8000'0000'0000;
constexpr uintptr_t ARCH_DIRECT_MAP = 0xffff'0000'0000'0000;
#define ARCH_COUNTER_UNIT "pmccntr"
/* Every implementation has 8 bits of ASID; TCR_EL1.AS asks for 16 where there are, of which these are the first. */
constexpr unsigned ARCH_ASIDS = 256;
constexpr bool ARCH_HAS_CAP_UNIT = false;

/* User registers. vectors.S knows these offsets; it keeps SP_EL1 at the context while user mode runs, so the address
   must be a multiple of 16. */
struct arch_context {
    alignas(16) uint64_t call[CALL_WORDS];   /* x0-x12 */
    uint64_t x[18];                          /* x13-x30 */
    uint64_t sp;                             /* SP_EL0 */
    uint64_t pc;                             /* ELR_EL1 */
    uint64_t pstate;                         /* SPSR_EL1 */
    uint64_t thread_pointer;                 /* TPIDR_EL0 */
};
static_assert(offsetof(struct arch_context, sp) == 248);
static_assert(sizeof(struct arch_context) == 288);

/* ---- page-table entries (Arm ARM, D8.3, VMSAv8-64). The access flag is preset. ----------------- */

enum : uint64_t {
    PTE_VALID = 1ull << 0,
    PTE_TABLE_OR_PAGE = 1ull << 1,       /* at level 0 a page; above, a table if set and a block if clear */
    PTE_DEVICE = 1ull << 2,              /* AttrIndx 1 of MAIR_VALUE */
    PTE_USER = 1ull << 6,                /* AP[1]: EL0 may load (and store unless read-only) */
    PTE_READ_ONLY = 1ull << 7,           /* AP[2] */
    PTE_INNER_SHAREABLE = 3ull << 8,
    PTE_ACCESSED = 1ull << 10,
    PTE_NOT_GLOBAL = 1ull << 11,
    PTE_KERNEL_NO_EXECUTE = 1ull << 53,  /* PXN */
    PTE_USER_NO_EXECUTE = 1ull << 54,    /* UXN */
    PTE_ADDRESS = 0xffff'ffff'f000ull,
};

static inline uint64_t arch_pte_table(paddr_t table) { return table | PTE_TABLE_OR_PAGE | PTE_VALID; }

/* A user page with EXECUTE alone is execute-only. Kernel pages can always be read; WRITE implies READ. */
static inline uint64_t arch_pte_leaf(paddr_t page, enum map_flags flags, unsigned level)
{
    uint64_t entry = page | PTE_VALID | PTE_ACCESSED | PTE_INNER_SHAREABLE;
    bool user = (flags & MAP_USER) != 0;
    if (level == 0) entry |= PTE_TABLE_OR_PAGE;
    if ((flags & MAP_DEVICE) != 0) entry |= PTE_DEVICE;
    if ((flags & MAP_WRITE) == 0) entry |= PTE_READ_ONLY;
    if ((flags & MAP_GLOBAL) == 0) entry |= PTE_NOT_GLOBAL;
    if (user && (flags & (MAP_READ | MAP_WRITE)) != 0) entry |= PTE_USER;
    if (user || (flags & MAP_EXECUTE) == 0) entry |= PTE_KERNEL_NO_EXECUTE;
    if (!user || (flags & MAP_EXECUTE) == 0) entry |= PTE_USER_NO_EXECUTE;
    return entry;
}

static inline bool arch_pte_present(uint64_t entry) { return (entry & PTE_VALID) != 0; }

static inline bool arch_pte_is_leaf(uint64_t entry, unsigned level)
{
    return (entry & PTE_VALID) != 0 && ((entry & PTE_TABLE_OR_PAGE) != 0) == (level == 0);
}

static inline paddr_t arch_pte_address(uint64_t entry) { return entry & PTE_ADDRESS; }

static inline bool arch_pte_allows(uint64_t entry, enum map_flags flags)
{
    bool user_data = (entry & PTE_USER) != 0, user_code = (entry & PTE_USER_NO_EXECUTE) == 0;
    bool user = user_data || user_code;
    bool write = (entry & PTE_READ_ONLY) == 0;
    bool execute = user ? user_code : (entry & PTE_KERNEL_NO_EXECUTE) == 0;
    if ((entry & PTE_VALID) == 0 || ((flags & MAP_USER) != 0 && !user)) return false;
    if ((flags & MAP_READ) != 0 && user && !user_data) return false;
    if ((flags & MAP_WRITE) != 0 && (!write || (user && !user_data))) return false;
    return (flags & MAP_EXECUTE) == 0 || execute;
}

/* ---- this CPU ------------------------------------------------------------------------------------------------- */

/* The barrier keeps the read behind everything before it; without it the counter may be read early. */
static inline uint64_t arch_cycles(void)
{
    instruction_barrier();
    return READ_REGISTER(pmccntr_el0);
}

static inline unsigned arch_cpu(void) { return 0; }

static inline void arch_wait_hint(void) { asm volatile("yield" ::: "memory"); }

/* ---- capability unit: there is none, so these have no definition; a call that is not dead code does not link. --- */

uint64_t arch_cap_object(uint64_t query, uint32_t space);
uint64_t arch_cap_badge(uint64_t query, uint32_t space);
void arch_cap_invalidate_slot(uint32_t handle, uint32_t space);
void arch_cap_invalidate_space(uint32_t space);
void arch_cap_invalidate_object(uint32_t object_id);
void arch_cap_select(uint32_t space);
uint64_t arch_cap_revoke(uint64_t root, uint64_t limit);
