/* trap.c (aarch64): exceptions from user mode become reasons to end a process; the kernel's own are fatal. */
#include "internal.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "lib/print.h"

static enum exception_class exception_class_of(uint64_t syndrome)
{
    return (enum exception_class)(syndrome >> ESR_CLASS & 0x3f);
}

void aarch64_user_fault(struct arch_context *context, uint64_t syndrome)
{
    uint64_t address = READ_REGISTER(far_el1);
    enum exit_reason reason = EXIT_REASON_EXCEPTION;
    switch (exception_class_of(syndrome)) {
    case CLASS_FETCH_USER:
        reason = EXIT_REASON_MEMORY_FAULT;
        break;
    case CLASS_DATA_USER:
        reason = (syndrome & FAULT_STATUS) == FAULT_ALIGNMENT ? EXIT_REASON_MISALIGNED : EXIT_REASON_MEMORY_FAULT;
        break;
    case CLASS_PC_ALIGNMENT:
        reason = EXIT_REASON_MISALIGNED;
        break;
    case CLASS_STACK_ALIGNMENT:
        reason = EXIT_REASON_MISALIGNED;
        address = context->sp;
        break;
    /* Everything a user program may not execute: no such instruction, one of EL1's, or a unit that is switched off. */
    case CLASS_UNKNOWN: case CLASS_WAIT: case CLASS_FLOATING_POINT: case CLASS_POINTER_AUTHENTICATION:
    case CLASS_BRANCH_TARGET: case CLASS_ILLEGAL_STATE: case CLASS_SYSTEM_REGISTER: case CLASS_SVE: case CLASS_SME:
        reason = EXIT_REASON_ILLEGAL_INSTRUCTION;
        address = context->pc;
        break;
    default:
        address = syndrome;
        break;
    }
    trap_fault(context, reason, address, context->pc);
}

void aarch64_interrupt(void)
{
    for (unsigned number; (number = gic_claim()) != GIC_NONE; gic_complete(number)) {
        if (number == TIMER_INTERRUPT) timer_interrupt();
        else trap_interrupt(number);
    }
}

void arch_idle(void)
{
    asm volatile("dsb sy\n\twfi" ::: "memory");     /* wakes on a pending interrupt though it is masked */
    aarch64_interrupt();
}

void arch_call_again(struct arch_context *context) { context->pc -= 4; }      /* svc */

void arch_context_init(struct arch_context *context, uintptr_t entry, uintptr_t stack)
{
    memset(context, 0, sizeof *context);
    context->pc = entry;
    context->sp = stack;
    context->pstate = PSTATE_USER;
}

static void dump(struct kernel_frame const *frame)
{
    print("pc %p sp %p pstate %lx far %p\n", (void *)frame->pc, (void *)frame->sp, frame->pstate,
          (void *)READ_REGISTER(far_el1));
    for (unsigned i = 0; i < 31; i++) print("x%02u %016lx%c", i, frame->x[i], i % 4 == 3 || i == 30 ? '\n' : ' ');
}

/* A fault while a fault is being reported ends the machine at once. */
static void enter_fatal(void)
{
    static bool reporting;
    if (reporting) arch_shutdown(255);
    reporting = true;
}

void aarch64_kernel_fault(struct kernel_frame *frame, uint64_t syndrome)
{
    for (struct fixup const *entry = fixups_start; entry < fixups_end; entry++) {
        if ((uintptr_t)&entry->fault + (uintptr_t)(intptr_t)entry->fault != frame->pc) continue;
        frame->pc = (uintptr_t)&entry->resume + (uintptr_t)(intptr_t)entry->resume;
        return;
    }
    enter_fatal();
    uint64_t guard = (uint64_t)kernel_stack_guard;
    bool overflow = frame->sp - guard < PAGE_BYTES;
    print("\n%s in the kernel, esr %lx\n", overflow ? "stack overflow" : "fault", syndrome);
    dump(frame);
    panic("exception of class %x at %p", exception_class_of(syndrome), (void *)frame->pc);
}

void aarch64_unexpected(struct kernel_frame *frame, uint64_t vector)
{
    enter_fatal();
    print("\nunexpected exception, esr %lx\n", READ_REGISTER(esr_el1));
    dump(frame);
    panic("exception vector %lu", vector);
}
