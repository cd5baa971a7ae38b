#include "harts.h"

#include "csr.h"
#include "machine.h"

struct hart harts[HART_COUNT] = {[0 ... HART_COUNT - 1] = {.state = HART_STOPPED}};

/* Everything that S-mode and below can handle goes straight there: all exceptions but its own calls to us. */
constexpr uint64_t delegated_exceptions =
    0xffff & ~(UINT64_C(1) << EXCEPTION_ECALL_S | UINT64_C(1) << EXCEPTION_ECALL_M | UINT64_C(1) << 10 |
               UINT64_C(1) << 14);
/* Custom causes (24-31 and 48-63) belong to units on the capability port: the kernel's business. */
constexpr uint64_t delegated_custom_causes = UINT64_C(0xffff0000ff000000);

/* Let S-mode reach everything but the firmware's memory (see entry.S). */
extern void pmp_protect(void);
/* End of the last hart's stack; the others lie below it (see entry.S). */
extern uint8_t stack_end[];

void hart_initialize(void) {
    CSR_WRITE(medeleg, delegated_exceptions | delegated_custom_causes);
    CSR_WRITE(mideleg, MIP_SSIP | MIP_STIP | MIP_SEIP);
    CSR_WRITE(mcounteren, 7);
    CSR_SET(menvcfg, MENVCFG_STCE);
    /* The comparator is reset to "never" here, so that enabling it raises nothing. */
    CSR_WRITE(stimecmp, UINT64_MAX);
    CSR_WRITE(mie, MIP_MSIP);
    pmp_protect();
}

[[noreturn]] void hart_enter(uint64_t address, uint64_t argument) {
    const uint64_t hart = CSR_READ(mhartid);
    CSR_WRITE(mscratch, (uint64_t)stack_end - STACK_BYTES * hart);
    CSR_WRITE(mepc, address);
    CSR_CLEAR(mstatus, MSTATUS_MPP_MASK);
    CSR_SET(mstatus, MSTATUS_MPP_S);
    CSR_WRITE(satp, 0);
    CSR_WRITE(sie, 0);
    CSR_CLEAR(sstatus, 1 << 1);
    register uint64_t a0 __asm__("a0") = hart;
    register uint64_t a1 __asm__("a1") = argument;
    __asm__ volatile("sfence.vma\n\tfence.i\n\tmret" : : "r"(a0), "r"(a1) : "memory");
    __builtin_unreachable();
}

[[noreturn]] void hart_wait_for_start(void) {
    const uint64_t id = CSR_READ(mhartid);
    struct hart *self = &harts[id];
    atomic_store_explicit(&self->state, HART_STOPPED, memory_order_release);
    while (atomic_load_explicit(&self->state, memory_order_acquire) != HART_START_PENDING) {
        wait_for_interrupt();
        software_interrupt_clear(id);
    }
    /* Requests that reached a stopped hart mean nothing to what starts now, but those who wait want an answer. */
    hart_serve_requests();
    CSR_CLEAR(mip, MIP_SSIP);
    atomic_store_explicit(&self->state, HART_STARTED, memory_order_release);
    hart_enter(self->start_address, self->start_argument);
}

void hart_serve_requests(void) {
    const uint64_t id = CSR_READ(mhartid);
    software_interrupt_clear(id);
    const uint32_t requests = atomic_load_explicit(&harts[id].requests, memory_order_acquire);
    if ((requests & REQUEST_SOFTWARE_INTERRUPT) != 0) {
        CSR_SET(mip, MIP_SSIP);
    }
    if ((requests & REQUEST_FENCE_INSTRUCTIONS) != 0) {
        __asm__ volatile("fence.i" : : : "memory");
    }
    if ((requests & REQUEST_FENCE_TRANSLATIONS) != 0) {
        __asm__ volatile("sfence.vma" : : : "memory");
    }
    /* Cleared after the work: whoever asked for a fence waits for this. */
    atomic_fetch_and_explicit(&harts[id].requests, ~requests, memory_order_release);
}

void hart_post(size_t hart, uint32_t requests) {
    atomic_fetch_or_explicit(&harts[hart].requests, requests, memory_order_release);
    software_interrupt_raise(hart);
}
