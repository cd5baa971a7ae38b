/* trap.c (riscv64): everything but system calls, and the contexts of threads. */
#include "internal.h"
#include "lib/memory.h"
#include "lib/panic.h"

/* scause of exceptions (privileged specification, table 4.2) */
enum : uint64_t {
    FETCH_MISALIGNED = 0, FETCH_ACCESS = 1, ILLEGAL = 2, BREAKPOINT = 3, LOAD_MISALIGNED = 4, LOAD_ACCESS = 5,
    STORE_MISALIGNED = 6, STORE_ACCESS = 7, FETCH_PAGE = 12, LOAD_PAGE = 13, STORE_PAGE = 15,
};
constexpr uint64_t INTERRUPT_TIMER = 5, INTERRUPT_EXTERNAL = 9;

static enum exit_reason reason_of(uint64_t cause)
{
    switch (cause) {
    case FETCH_PAGE: case LOAD_PAGE: case STORE_PAGE: case FETCH_ACCESS: case LOAD_ACCESS: case STORE_ACCESS:
        return EXIT_REASON_MEMORY_FAULT;
    case ILLEGAL: return EXIT_REASON_ILLEGAL_INSTRUCTION;
    case FETCH_MISALIGNED: case LOAD_MISALIGNED: case STORE_MISALIGNED: return EXIT_REASON_MISALIGNED;
    default: return EXIT_REASON_EXCEPTION;
    }
}

static void interrupt(uint64_t number)
{
    if (number == INTERRUPT_TIMER) trap_timer();
    else if (number == INTERRUPT_EXTERNAL) plic_dispatch();
    else panic("interrupt %lu", number);
}

void riscv_trap(struct arch_context *context)
{
    uint64_t cause = csr_read(scause), value = csr_read(stval);
    if ((csr_read(sstatus) & SSTATUS_SPP) != 0)
        panic("trap in the kernel: cause %lu, address 0x%lx, at 0x%lx, from 0x%lx", cause, value, context->pc,
              context->ra);
    if ((cause & SCAUSE_INTERRUPT) != 0) {
        interrupt(cause & ~SCAUSE_INTERRUPT);
        return;
    }
    enum exit_reason reason = reason_of(cause);
    /* Value: the address of a memory fault, the cause of what has no reason of its own, else the instruction. */
    trap_fault(context, reason, reason == EXIT_REASON_MEMORY_FAULT || reason == EXIT_REASON_MISALIGNED ? value
               : reason == EXIT_REASON_EXCEPTION ? cause : context->pc, context->pc);
}

void arch_call_again(struct arch_context *context) { context->pc -= 4; }      /* ecall */

void arch_context_init(struct arch_context *context, uintptr_t entry, uintptr_t stack)
{
    *context = (struct arch_context){ .pc = entry, .sp = stack };
}

void arch_idle(void)
{
    /* Interrupts are off in sstatus: wfi returns when one that sie allows is pending, and none is taken. */
    asm volatile("wfi" ::: "memory");
    uint64_t pending = csr_read(sip) & csr_read(sie);
    if ((pending & SIE_TIMER) != 0) trap_timer();
    if ((pending & SIE_EXTERNAL) != 0) plic_dispatch();
}

bool arch_copy_from_user(void *to, uintptr_t from, size_t bytes) { return user_copy(to, (void const *)from, bytes); }

bool arch_copy_to_user(uintptr_t to, void const *from, size_t bytes) { return user_copy((void *)to, from, bytes); }

void arch_instruction_sync(void) { asm volatile("fence.i" ::: "memory"); }

/* ---- address spaces --------------------------------------------------------------------------------------------- */

void arch_space_activate(paddr_t root, uint16_t asid)
{
    csr_write(satp, SATP_SV39 | (uint64_t)asid << SATP_ASID_SHIFT | root >> 12);
}

void arch_tlb_flush_page(uint16_t asid, uintptr_t address)
{
    asm volatile("sfence.vma %0, %1" :: "r"(address), "r"((uint64_t)asid) : "memory");
}

void arch_tlb_flush_space(uint16_t asid) { asm volatile("sfence.vma x0, %0" :: "r"((uint64_t)asid) : "memory"); }
