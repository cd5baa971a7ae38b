/* plic.c (riscv64): platform-level interrupt controller (RISC-V PLIC specification 1.0), S-mode context of the boot hart. */
#include "internal.h"

constexpr uint64_t ENABLE = 0x2000, ENABLE_STRIDE = 0x80, CONTEXT = 0x20'0000, CONTEXT_STRIDE = 0x1000;

static volatile uint32_t *base;
static unsigned context;

static volatile uint32_t *reg(uint64_t offset) { return base + offset / sizeof *base; }

void plic_init(paddr_t address, unsigned context_number)
{
    base = (volatile uint32_t *)(ARCH_DIRECT_MAP + address);
    context = context_number;
    *reg(CONTEXT + context * CONTEXT_STRIDE) = 0;       /* threshold: let everything through */
    csr_set(sie, SIE_EXTERNAL);
}

void plic_enable(unsigned number)
{
    *reg(number * sizeof *base) = 1;                    /* priority */
    *reg(ENABLE + context * ENABLE_STRIDE + number / 32 * sizeof *base) |= 1u << (number % 32);
}

void plic_dispatch(void)
{
    volatile uint32_t *claim = reg(CONTEXT + context * CONTEXT_STRIDE + 4);
    for (uint32_t number; (number = *claim) != 0; *claim = number) trap_interrupt(number);
}
