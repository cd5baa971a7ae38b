/* capability_unit.c (riscv64): gives the unit the kernel's tables (docs/datasheet/capability-unit.md). */
#include <veridian/capability_unit.h>
#include "internal.h"

constexpr paddr_t REACH = 1ull << 32;        /* the unit's addresses have 32 bits */
constexpr unsigned PATIENCE = 1'000'000;     /* readings of the status; clearing takes a few hundred cycles */

static volatile uint64_t *window;

static volatile uint64_t *reg(unsigned offset) { return window + offset / sizeof *window; }

bool arch_cap_unit_start(struct boot_info const *info, struct cap_tables const *tables)
{
    if (tables->spaces >= REACH || tables->slots >= REACH || tables->objects >= REACH) return false;
    window = (volatile uint64_t *)(ARCH_DIRECT_MAP + info->capability_unit);
    uint64_t version = *reg(CAPABILITY_UNIT_IDENTITY) >> CAPABILITY_UNIT_IDENTITY_VERSION_SHIFT
        & ((1u << CAPABILITY_UNIT_IDENTITY_VERSION_BITS) - 1);
    if (version != CAPABILITY_UNIT_VERSION) return false;
    *reg(CAPABILITY_UNIT_SPACE_BASE) = tables->spaces;
    *reg(CAPABILITY_UNIT_SPACE_COUNT) = tables->space_count;
    *reg(CAPABILITY_UNIT_SLOT_BASE) = tables->slots;
    *reg(CAPABILITY_UNIT_SLOT_COUNT) = tables->slot_count;
    *reg(CAPABILITY_UNIT_OBJECT_BASE) = tables->objects;
    *reg(CAPABILITY_UNIT_OBJECT_COUNT) = tables->object_count;
    asm volatile("fence" ::: "memory");      /* the tables as they are now lie in memory before the unit looks */
    *reg(CAPABILITY_UNIT_CONTROL) = 1ull << CAPABILITY_UNIT_CONTROL_ENABLE_SHIFT;
    for (unsigned i = 0; (*reg(CAPABILITY_UNIT_STATUS) >> CAPABILITY_UNIT_STATUS_CLEARING_SHIFT & 1) != 0; i++)
        if (i == PATIENCE) return false;
    csr_write_number(CSR_SCUSTOM, 1);        /* user mode may check */
    return true;
}

bool arch_cap_unit_revokes(void)
{
    return (*reg(CAPABILITY_UNIT_IDENTITY) >> CAPABILITY_UNIT_IDENTITY_SOFTWARE_REVOCATION_SHIFT & 1) == 0;
}

uint32_t arch_cap_dead(void) { return (uint32_t)*reg(CAPABILITY_UNIT_DEAD); }

void arch_cap_set_dead(uint32_t number)
{
    *reg(CAPABILITY_UNIT_DEAD) = number;
    (void)*reg(CAPABILITY_UNIT_DEAD);        /* a store to the window takes effect a few cycles later */
}
