/* trap.c: what trap.S calls: every trap becomes a call up, a fixed-up user copy, or a panic. */
#include "lib/panic.h"
#include "lib/print.h"
#include "privileged.h"
#include "x86.h"

/* Page-fault error code (Intel volume 3, 4.7). */
constexpr uint64_t FAULT_RESERVED_BIT = 8;

struct fixup { uintptr_t fault, target; };
extern struct fixup const fixups_start[], fixups_end[];

static uintptr_t fault_address(void)
{
    uintptr_t address;
    asm volatile("movq %%cr2, %0" : "=r"(address));
    return address;
}

static void dump(struct arch_context const *frame)
{
    static char const *const NAMES[CALL_WORDS] = {
        "rdi", "rsi", "rdx", "r8 ", "r9 ", "r10", "r12", "r13", "rax", "rbx", "r14", "r15", "rbp",
    };
    uintptr_t root;
    asm volatile("movq %%cr3, %0" : "=r"(root));
    print("trap %lu error 0x%lx rip %p cs 0x%lx rflags 0x%lx\n", frame->entry, frame->error, (void *)frame->rip,
          frame->cs, frame->rflags);
    for (unsigned i = 0; i < CALL_WORDS; i++)
        print("%s %p%s", NAMES[i], (void *)frame->call[i], i % 4 == 3 ? "\n" : "  ");
    print("rcx %p  r11 %p\nrsp %p  cr2 %p  cr3 %p\n", (void *)frame->rcx, (void *)frame->r11, (void *)frame->rsp,
          (void *)fault_address(), (void *)root);
}

void trap_fatal(struct arch_context *frame)
{
    dump(frame);
    panic("unexpected trap %lu", frame->entry);
}

/* Interrupts are the same from both modes. False: not an interrupt. */
static bool interrupt(struct arch_context const *frame)
{
    if (frame->entry < VECTOR_EXCEPTIONS) return false;
    if (frame->entry == VECTOR_TIMER) {
        apic_end_of_interrupt();
        time_interrupt();
    }
    if (frame->entry >= VECTOR_DEVICES && frame->entry < VECTOR_DEVICES_END) {
        apic_end_of_interrupt();
        trap_interrupt((unsigned)(frame->entry - VECTOR_DEVICES));
    }
    /* Vectors of the 8259s and of the APIC's spurious interrupt want no answer; nothing else is ever routed. */
    return true;
}

void trap_kernel(struct arch_context *frame)
{
    if (interrupt(frame)) return;
    if (frame->entry == VECTOR_PAGE_FAULT && !(frame->error & FAULT_RESERVED_BIT)) {
        for (struct fixup const *fixup = fixups_start; fixup < fixups_end; fixup++) {
            if (fixup->fault != frame->rip) continue;
            frame->rip = fixup->target;
            return;
        }
    }
    trap_fatal(frame);
}

/* A general protection fault without a selector: a privileged instruction, or an address that is not canonical. */
static bool at_privileged_instruction(struct arch_context const *context)
{
    uint8_t bytes[15] = {};
    if (context->error != 0 || context->rip >= ARCH_USER_TOP) return false;
    size_t count = ARCH_USER_TOP - context->rip < sizeof bytes ? ARCH_USER_TOP - context->rip : sizeof bytes;
    if (!arch_copy_from_user(bytes, context->rip, count)) {
        /* The next page is not there; the instruction is, or it would not have been fetched. */
        size_t in_page = PAGE_BYTES - context->rip % PAGE_BYTES;
        count = in_page < count ? in_page : count;
        if (!arch_copy_from_user(bytes, context->rip, count)) return false;
    }
    return instruction_is_privileged(bytes, count);
}

void trap_user(struct arch_context *context)
{
    if (interrupt(context)) return;
    switch (context->entry) {
    case VECTOR_PAGE_FAULT: {
        uintptr_t address = fault_address();
        if (context->error & FAULT_RESERVED_BIT) trap_fatal(context);      /* our own page table is broken */
        trap_fault(context, EXIT_REASON_MEMORY_FAULT, address, context->rip);
        return;
    }
    case VECTOR_INVALID_OPCODE:
    case VECTOR_NO_FPU:
        trap_fault(context, EXIT_REASON_ILLEGAL_INSTRUCTION, context->rip, context->rip);
        return;
    case VECTOR_ALIGNMENT:
        trap_fault(context, EXIT_REASON_MISALIGNED, context->rip, context->rip);
        return;
    case VECTOR_PROTECTION:
        if (at_privileged_instruction(context)) {
            trap_fault(context, EXIT_REASON_ILLEGAL_INSTRUCTION, context->rip, context->rip);
            return;
        }
        [[fallthrough]];
    default:
        trap_fault(context, EXIT_REASON_EXCEPTION, context->entry, context->rip);
    }
}
