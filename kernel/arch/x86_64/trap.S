/*
 * trap.S: all ways into the kernel and the way out.
 *
 * The kernel's gs base is its struct cpu; swapgs stands first on every way in from user mode and last on every way out.
 * Ways in decide by the privilege level in the saved code selector; NMI, double fault and machine check may strike
 * between the two, so they look at the gs base itself, and never return.
 *
 * The task state's rsp0 (CPU_CONTEXT_END) is the end of the current thread's arch_context: the processor pushes its frame
 * right into the context, and the code below pushes the rest under it.
 */
#include "layout.h"

    /* The call words in reverse order, so that rdi lies lowest. */
    .macro push_call_words
    pushq %rbp
    pushq %r15
    pushq %r14
    pushq %rbx
    pushq %rax
    pushq %r13
    pushq %r12
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rdx
    pushq %rsi
    pushq %rdi
    .endm

    .macro pop_call_words
    popq %rdi
    popq %rsi
    popq %rdx
    popq %r8
    popq %r9
    popq %r10
    popq %r12
    popq %r13
    popq %rax
    popq %rbx
    popq %r14
    popq %r15
    popq %rbp
    .endm

    .text
    .balign 16
    .globl trap_vectors
trap_vectors:
    .set number, 0
    .rept 256
    .balign 16
    /* The processor pushes an error code for these; a zero stands in for the others. */
    .if !(number == 8 || (number >= 10 && number <= 14) || number == 17 || number == 21 || number == 29 || number == 30)
    pushq $0
    .endif
    pushq $number
    .if number == 2 || number == 8 || number == 18
    jmp trap_own_stack
    .else
    jmp trap_common
    .endif
    .set number, number + 1
    .endr

    .balign 16
trap_common:
    testb $3, 24(%rsp)
    jz trap_from_kernel
    swapgs
    pushq %r11
    pushq %rcx
    push_call_words
    /* The user chooses these two flags, and an interrupt keeps them; syscall clears them by itself (FMASK). */
    cld
    clac
    movq %rsp, %rdi
    movq %gs:CPU_STACK, %rsp
    xorl %ebp, %ebp
    call trap_user
resume_next:
    call sched_pick
    movq %rax, %rdi

/* [[noreturn]] void arch_resume(struct arch_context *context) */
    .globl arch_resume
arch_resume:
    leaq CONTEXT_BYTES(%rdi), %rax
    cmpq %gs:CPU_CONTEXT_END, %rax
    jne switch_thread
restore:
    movq %rdi, %rsp
    cmpl $ENTRY_SYSCALL, CONTEXT_ENTRY(%rsp)
    jne restore_all
    pop_call_words
    /* Now rsp is at `rcx`; rip is 32, rflags 48 and rsp 56 bytes up. sysret must not see an address outside the lower
       half; ARCH_USER_TOP rules it out, and this does not rely on it. */
    cmpl $0x7fff, 36(%rsp)
    ja return_by_iret
    movq 32(%rsp), %rcx
    movq 48(%rsp), %r11
    movq 56(%rsp), %rsp
    swapgs
    sysretq

/* Every register, after an interrupt or for a thread that has not run yet. */
restore_all:
    cmpl $ENTRY_FRESH, CONTEXT_ENTRY(%rsp)
    je clear_segments
restore_segments_done:
    pop_call_words
return_by_iret:
    popq %rcx
    popq %r11
    addq $16, %rsp
    swapgs
    iretq

/* Another thread than the one that came in: the user may have left something in the data segment registers. */
switch_thread:
    movq %rax, %gs:CPU_CONTEXT_END
    movl %ds, %eax
    movl %es, %ecx
    orl %ecx, %eax
    movl %fs, %ecx
    orl %ecx, %eax
    movl %gs, %ecx
    orl %ecx, %eax
    jz restore
    movq %rdi, %rsp
    cmpl $ENTRY_SYSCALL, CONTEXT_ENTRY(%rsp)
    je clear_segments_for_call
clear_segments:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    swapgs
    movl %eax, %gs
    swapgs
    jmp restore_segments_done
clear_segments_for_call:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    swapgs
    movl %eax, %gs
    swapgs
    jmp restore

/* From kernel mode: an interrupt in arch_idle, a fault in user_copy, or a defect. Comes back to where it was. */
trap_from_kernel:
    pushq %r11
    pushq %rcx
    push_call_words
    cld
    clac
    movq %rsp, %rdi
    movq %rsp, %rbx
    andq $-16, %rsp
    call trap_kernel
    movq %rbx, %rsp
    pop_call_words
    popq %rcx
    popq %r11
    addq $16, %rsp
    iretq

/* NMI, double fault, machine check: own stack, unknown gs, the end. */
trap_own_stack:
    pushq %r11
    pushq %rcx
    push_call_words
    cld
    clac
    movl $0xc0000101, %ecx
    rdmsr
    testl %edx, %edx
    js 1f
    swapgs
1:  movq %rsp, %rdi
    andq $-16, %rsp
    xorl %ebp, %ebp
    call trap_fatal
    ud2

/* Target of `syscall`: rcx = rip, r11 = rflags, rsp still the user's. The code and stack selectors in a context never
   change after arch_context_init. */
    .balign 16
    .globl syscall_entry
syscall_entry:
    swapgs
    movq %rsp, %gs:CPU_SCRATCH
    movq %gs:CPU_CONTEXT_END, %rsp
    movq %rcx, -40(%rsp)
    movq %r11, -24(%rsp)
    movq %gs:CPU_SCRATCH, %rcx
    movq %rcx, -16(%rsp)
    movq $ENTRY_SYSCALL, -56(%rsp)
    leaq -72(%rsp), %rsp
    push_call_words
    movq %rsp, %rdi
    movq %gs:CPU_STACK, %rsp
    xorl %ebp, %ebp
    call trap_syscall
    jmp resume_next

/* void arch_idle(void): `sti` takes effect after the next instruction, so no interrupt slips in before `hlt`. */
    .globl arch_idle
arch_idle:
    sti
    hlt
    cli
    ret
