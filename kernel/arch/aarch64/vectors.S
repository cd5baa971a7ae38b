/*
 * vectors.S (aarch64): exception vectors, saving and resuming user registers.
 *
 * While user mode runs, SP_EL1 holds the address of the thread's struct arch_context; the kernel's stack is empty then,
 * so an exception from EL0 saves everything there and starts again at the top of the stack. Interrupts stay masked in
 * the kernel. SP_EL0 is a user register, saved on entry, and thereby scratch for exceptions from EL1.
 */

.equ CONTEXT_X30_SP, 240
.equ CONTEXT_PC, 256
.equ CONTEXT_PSTATE, 264
.equ CONTEXT_THREAD_POINTER, 272
.equ FRAME_SP, 248
.equ FRAME_PC, 256
.equ CLASS_SUPERVISOR_CALL, 0x15
.equ ESR_CLASS, 26

.macro VECTOR
    .balign 128
.endm

/* Out: x0 = context, kernel stack in use, all user registers saved. */
.macro SAVE_USER
    stp x0, x1, [sp, #0]
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    mrs x1, sp_el0
    mrs x2, elr_el1
    mrs x3, spsr_el1
    mrs x4, tpidr_el0
    stp x30, x1, [sp, #CONTEXT_X30_SP]
    stp x2, x3, [sp, #CONTEXT_PC]
    str x4, [sp, #CONTEXT_THREAD_POINTER]
    mov x0, sp
    adrp x1, kernel_stack_top
    mov sp, x1
.endm

/* An exception that no code of ours can cause: say what it was and stop. */
.macro UNEXPECTED number
    VECTOR
    msr sp_el0, x0
    mov x0, #\number
    b unexpected
.endm

.section .text
.balign 2048
.globl vectors
vectors:
    UNEXPECTED 0                /* EL1 with SP_EL0: never in use */
    UNEXPECTED 1
    UNEXPECTED 2
    UNEXPECTED 3
    VECTOR                      /* EL1, synchronous */
    msr sp_el0, x0
    b kernel_synchronous
    UNEXPECTED 5                /* interrupts are masked in EL1 */
    UNEXPECTED 6
    UNEXPECTED 7                /* system error */
    VECTOR                      /* EL0, synchronous */
    SAVE_USER
    b user_synchronous
    VECTOR                      /* EL0, IRQ */
    SAVE_USER
    b user_interrupt
    UNEXPECTED 10               /* FIQ: secure world only */
    UNEXPECTED 11               /* system error, maybe a late one of the kernel */
    UNEXPECTED 12               /* EL0 in AArch32: PSTATE_USER never lets it */
    UNEXPECTED 13
    UNEXPECTED 14
    UNEXPECTED 15
    .balign 128

user_synchronous:
    mrs x1, esr_el1
    lsr x2, x1, #ESR_CLASS
    cmp x2, #CLASS_SUPERVISOR_CALL
    b.ne 1f
    bl trap_syscall             /* (context) */
    b resume_next
1:  bl aarch64_user_fault       /* (context, syndrome) */
    b resume_next
user_interrupt:
    bl aarch64_interrupt
resume_next:
    bl sched_pick               /* x0 = context */

/* void arch_resume(struct arch_context *context) */
.globl arch_resume
arch_resume:
    mov sp, x0
    ldp x2, x3, [sp, #CONTEXT_PC]
    ldr x4, [sp, #CONTEXT_THREAD_POINTER]
    ldp x30, x1, [sp, #CONTEXT_X30_SP]
    msr sp_el0, x1
    msr elr_el1, x2
    msr spsr_el1, x3
    msr tpidr_el0, x4
    ldp x0, x1, [sp, #0]
    ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x18, x19, [sp, #144]
    ldp x20, x21, [sp, #160]
    ldp x22, x23, [sp, #176]
    ldp x24, x25, [sp, #192]
    ldp x26, x27, [sp, #208]
    ldp x28, x29, [sp, #224]
    eret
    dsb nsh                     /* nothing is speculated past the eret */
    isb

/* Saves the kernel's registers in kernel_fault_frame, for the stack may be what is broken. In: old x0 in SP_EL0, x0
   free. Out: x0 = frame, the emergency stack in use. */
.macro SAVE_KERNEL
    adrp x0, kernel_fault_frame
    add x0, x0, :lo12:kernel_fault_frame
    stp x1, x2, [x0, #8]
    mrs x1, sp_el0
    str x1, [x0, #0]
    stp x3, x4, [x0, #24]
    stp x5, x6, [x0, #40]
    stp x7, x8, [x0, #56]
    stp x9, x10, [x0, #72]
    stp x11, x12, [x0, #88]
    stp x13, x14, [x0, #104]
    stp x15, x16, [x0, #120]
    stp x17, x18, [x0, #136]
    stp x19, x20, [x0, #152]
    stp x21, x22, [x0, #168]
    stp x23, x24, [x0, #184]
    stp x25, x26, [x0, #200]
    stp x27, x28, [x0, #216]
    stp x29, x30, [x0, #232]
    mov x1, sp
    mrs x2, elr_el1
    mrs x3, spsr_el1
    str x1, [x0, #FRAME_SP]
    stp x2, x3, [x0, #FRAME_PC]
    adrp x1, emergency_stack_top
    add x1, x1, :lo12:emergency_stack_top
    mov sp, x1
.endm

/* A fault of the kernel itself. Returns where aarch64_kernel_fault says, with all registers as they were. */
kernel_synchronous:
    SAVE_KERNEL
    mov x19, x0
    mrs x1, esr_el1
    bl aarch64_kernel_fault     /* (frame, syndrome) */
    ldp x2, x3, [x19, #FRAME_PC]
    ldr x1, [x19, #FRAME_SP]
    msr elr_el1, x2
    msr spsr_el1, x3
    mov sp, x1
    mov x0, x19
    ldp x1, x2, [x0, #8]
    ldp x3, x4, [x0, #24]
    ldp x5, x6, [x0, #40]
    ldp x7, x8, [x0, #56]
    ldp x9, x10, [x0, #72]
    ldp x11, x12, [x0, #88]
    ldp x13, x14, [x0, #104]
    ldp x15, x16, [x0, #120]
    ldp x17, x18, [x0, #136]
    ldp x19, x20, [x0, #152]
    ldp x21, x22, [x0, #168]
    ldp x23, x24, [x0, #184]
    ldp x25, x26, [x0, #200]
    ldp x27, x28, [x0, #216]
    ldp x29, x30, [x0, #232]
    ldr x0, [x0, #0]
    eret
    dsb nsh
    isb

unexpected:                     /* x0 = number of the vector, its old value in SP_EL0 */
    msr tpidr_el1, x0
    SAVE_KERNEL
    mrs x1, tpidr_el1
    bl aarch64_unexpected       /* (frame, vector) */

.section .bss
.balign 16
kernel_fault_frame:
    .skip 34 * 8
    .skip 4096
.balign 16
emergency_stack_top:
