/* plic.c (riscv64): platform-level interrupt controller (RISC-V PLIC specification 1.0), S-mode context of the boot hart. */
#include "internal.h"

constexpr uint64_t ENABLE = 0x2000, ENABLE_STRIDE = 0x80, CONTEXT = 0x20'0000, CONTEXT_STRIDE = 0x1000;

static volatile uint32_t *base;
static unsigned context, last;

static volatile uint32_t *reg(uint64_t offset) { return base + offset / sizeof *base; }

void plic_init(paddr_t address, unsigned context_number, unsigned sources)
{
    base = (volatile uint32_t *)(ARCH_DIRECT_MAP + address);
    context = context_number;
    last = sources;
    *reg(CONTEXT + context * CONTEXT_STRIDE) = 0;       /* threshold: let everything through */
    csr_set(sie, SIE_EXTERNAL);
}

/* One that is masked while it is served is not completed before it is unmasked: until then its gateway lets no other
   through, and it latches none (specification, 1.5). Otherwise by the enable bit, which a completion asks for. */
static unsigned serving;
static uint32_t held[32];

bool arch_interrupt_mask(unsigned number, bool masked)
{
    uint32_t bit = 1u << number % 32;
    if (number == 0 || number > last || number / 32 >= sizeof held / sizeof *held) return false;
    volatile uint32_t *enable = reg(ENABLE + context * ENABLE_STRIDE + number / 32 * sizeof *base);
    if (masked && number == serving) {
        held[number / 32] |= bit;
    } else if (masked) {
        *enable &= ~bit;
    } else {
        *reg(number * sizeof *base) = 1;                /* priority */
        *enable |= bit;
        if ((held[number / 32] & bit) != 0) *reg(CONTEXT + context * CONTEXT_STRIDE + 4) = number;
        held[number / 32] &= ~bit;
    }
    return true;
}

void plic_dispatch(void)
{
    volatile uint32_t *claim = reg(CONTEXT + context * CONTEXT_STRIDE + 4);
    while ((serving = *claim) != 0) {
        unsigned number = serving;
        trap_interrupt(number);
        if (number / 32 >= sizeof held / sizeof *held || (held[number / 32] >> number % 32 & 1) == 0) *claim = number;
    }
}
