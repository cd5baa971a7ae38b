/*
 * trap.S (riscv64): the way into the kernel and out of it. Offsets are those of struct arch_context (arch_types.h).
 *
 * While user code runs, and in the kernel too, sscratch holds the context that was resumed last. The kernel takes no
 * traps of its own except in user_copy (below), which brings its own vector; any other one comes here, is recognized by
 * sstatus.SPP and ends in a panic.
 */
#include <veridian/abi_assembly.h>
#include "offsets.h"

/* What a context keeps besides the call words and the registers that trap_entry has saved already. C code keeps these
   (gp and tp because the kernel has no use for them). */
.macro save_others base=sp
    sd gp, 120(\base)
    sd tp, 128(\base)
    sd s0, 152(\base)
    sd s1, 160(\base)
    sd s2, 168(\base)
    sd s3, 176(\base)
    sd s4, 184(\base)
    sd s5, 192(\base)
    sd s6, 200(\base)
    sd s7, 208(\base)
    sd s8, 216(\base)
    sd s9, 224(\base)
    sd s10, 232(\base)
    sd s11, 240(\base)
.endm

.macro load_others from
    ld gp, 120(\from)
    ld tp, 128(\from)
    ld s0, 152(\from)
    ld s1, 160(\from)
    ld s2, 168(\from)
    ld s3, 176(\from)
    ld s4, 184(\from)
    ld s5, 192(\from)
    ld s6, 200(\from)
    ld s7, 208(\from)
    ld s8, 216(\from)
    ld s9, 224(\from)
    ld s10, 232(\from)
    ld s11, 240(\from)
.endm

/* The message and what else trap_entry has not saved. Then a0 = context, t0 = sepc, and the kernel's stack. */
.macro save_message
    sd a0, 0(sp)
    sd a1, 8(sp)
    sd a2, 16(sp)
    sd a3, 24(sp)
    sd a4, 32(sp)
    sd a5, 40(sp)
    sd a6, 48(sp)
    sd a7, 56(sp)
    sd t1, 72(sp)
    sd t4, 96(sp)
    mv a0, sp
    csrrw t0, sscratch, sp          /* the user's stack pointer; sscratch is the context again */
    sd t0, 112(a0)
    csrr t0, sepc
    lla sp, kernel_stack_top
.endm

.section .text.trap, "ax"
.balign 64
.globl trap_entry
trap_entry:
    csrrw sp, sscratch, sp
    sd t0, 64(sp)
    sd t2, 80(sp)
    sd t3, 88(sp)
    sd ra, 104(sp)
    sd t5, 136(sp)
    sd t6, 144(sp)
    csrr t5, scause
    li t6, 8                        /* environment call from U-mode */
    bne t5, t6, other_trap
    li t6, ABI_CALL_IPC_CALL
    beq t0, t6, short_call
    addi t6, t0, -ABI_CALL_IPC_REPLY_RECEIVE
    beqz t6, short_reply_receive
    bltz t6, save_rest              /* NULL among them */
    addi t6, t0, -ABI_CALL_CAP_DERIVE
    beqz t6, short_derive
    addi t6, t6, ABI_CALL_CAP_DERIVE - ABI_CALL_CAP_CREATE
    beqz t6, short_create
save_rest:
    save_message
    addi t0, t0, 4
    sd t0, 248(a0)
    call trap_syscall
    csrr a0, sscratch
    ld t0, sched_current
    ld t1, sched_loaded
    bne t1, a0, pick                /* the thread has ended: its context may be gone */
    beq t0, a0, resume_caller
    save_others a0                  /* it waits, and another goes on */
pick:
    call sched_pick
    j arch_resume

other_trap:
    save_message
    save_others a0
    sd t0, 248(a0)
    call riscv_trap
    call sched_pick
    /* fall through */

/* [[noreturn]] void arch_resume(struct arch_context *context): sstatus.SPP is 0 whenever the kernel runs. */
.globl arch_resume
arch_resume:
    csrw sscratch, a0
    load_others a0
/* The thread that made the call goes on: its other registers are where they were. */
resume_caller:
    ld t0, 248(a0)
    csrw sepc, t0
    ld a1, 8(a0)
    ld a2, 16(a0)
    ld a3, 24(a0)
    ld a4, 32(a0)
    ld a5, 40(a0)
    ld a6, 48(a0)
    ld a7, 56(a0)
    ld t0, 64(a0)
    ld t1, 72(a0)
    ld t2, 80(a0)
    ld t3, 88(a0)
    ld t4, 96(a0)
    ld ra, 104(a0)
    ld sp, 112(a0)
    ld t5, 136(a0)
    ld t6, 144(a0)
    ld a0, 0(a0)
    sret

#include "capability_paths.h"

/*
 * Short paths of IPC_CALL and IPC_REPLY_RECEIVE: what ipc/fast.c does, for the same cases (no capabilities, no timeout,
 * the partner waits), with the message left in a0-a7 and never stored. Whatever does not fit goes to save_rest, with
 * nothing changed; so the C code alone decides about errors.
 *
 * In: sp = context of the current thread, sscratch = its stack pointer; t0, t2, t3, t5, t6 and ra are saved and free.
 * A thread that waits after a short path has stale call words 0 to 11 in its context: deliver() and ipc_cancel() write
 * all of them, and the reply does.
 */

/* The check of handle t1 for an endpoint with `right`: t2 = endpoint, t3 = badge. Leaves for save_rest if it is not OK. */
.macro check_endpoint right
    addi t5, t4, 1                  /* TIMEOUT_FOREVER? */
    bnez t5, save_rest
    srli t5, t1, 32
    bnez t5, save_rest
    li t5, (\right << (ABI_QUERY_RIGHTS_SHIFT - 32)) | (ABI_CAP_TYPE_ENDPOINT << (ABI_QUERY_CAP_TYPE_SHIFT - 32))
    slli t5, t5, 32
    or t5, t5, t1
    lwu t6, THREAD_CAP_SPACE(sp)
    lbu t0, accelerator_used
    beqz t0, 1f
    .insn r ABI_CUSTOM_0, ABI_CAP_OBJECT_FUNCT3, ABI_CAP_OBJECT_FUNCT7, t2, t5, t6
    .insn r ABI_CUSTOM_0, ABI_CAP_BADGE_FUNCT3, ABI_CAP_BADGE_FUNCT7, t3, t5, t6
    andi t0, t3, ABI_ANSWER_VERDICT_MASK
    bnez t0, save_rest
    srli t3, t3, ABI_ANSWER_VALUE_SHIFT
    j 2f
1:  sd a0, 0(sp)                    /* the kernel's own check, in C: it needs the registers */
    sd a1, 8(sp)
    sd a2, 16(sp)
    sd a3, 24(sp)
    sd a4, 32(sp)
    sd a5, 40(sp)
    sd a6, 48(sp)
    sd a7, 56(sp)
    sd t1, 72(sp)
    sd t4, 96(sp)
    sd s0, 152(sp)
    mv s0, sp
    lla sp, kernel_stack_top - 16
    mv a0, t6
    mv a1, t5
    mv a2, sp
    call cap_check_object_badge
    mv t2, a0
    lwu t3, 0(sp)
    mv sp, s0
    ld s0, 152(sp)
    ld a0, 0(sp)
    ld a1, 8(sp)
    ld a2, 16(sp)
    ld a3, 24(sp)
    ld a4, 32(sp)
    ld a5, 40(sp)
    ld a6, 48(sp)
    ld a7, 56(sp)
    ld t1, 72(sp)
    ld t4, 96(sp)
2:  andi t0, t2, ABI_ANSWER_VERDICT_MASK
    bnez t0, save_rest
    srli t2, t2, ABI_ANSWER_VALUE_SHIFT
    ld t0, accelerator_objects
    slli t2, t2, OBJECT_SHIFT
    add t2, t2, t0
    ld t2, OBJECT_PAYLOAD(t2)
.endm

/* The partner in t5 must wait without a deadline. */
.macro without_deadline
    ld t6, THREAD_DEADLINE(t5)
    addi t6, t6, 1
    bnez t6, save_rest
.endm

/* The rest of the current thread's registers. */
.macro leave
    save_others
    sd t4, 96(sp)
    csrr t6, sscratch
    sd t6, 112(sp)
    csrr t6, sepc
    addi t6, t6, 4
    sd t6, 248(sp)
.endm

short_call:
    check_endpoint ABI_RIGHT_SEND
    ld t5, ENDPOINT_RECEIVING + QUEUE_FIRST(t2)
    beqz t5, save_rest
    without_deadline
    leave
    /* The receiver leaves the queue. */
    ld t6, THREAD_NEXT(t5)
    sd t6, ENDPOINT_RECEIVING + QUEUE_FIRST(t2)
    beqz t6, 1f
    sd zero, THREAD_PREVIOUS(t6)
    j 2f
1:  sd zero, ENDPOINT_RECEIVING + QUEUE_LAST(t2)
2:  sd zero, THREAD_QUEUE(t5)
    li t6, STATE_REPLY
    sb t6, THREAD_STATE(sp)
    sd t5, THREAD_PARTNER(sp)
    sd sp, THREAD_CALLER(t5)
    mv t1, t3                       /* badge */

/* Runs the thread in t5, which gets the message in a0-a7 and the word in t1. */
switch_with_message:
    sb zero, THREAD_STATE(t5)       /* STATE_RUNNABLE */
    sd t5, sched_current, t6
    sd t5, sched_loaded, t6
    ld t6, THREAD_PROCESS(t5)
    ld t2, PROCESS_ROOT(t6)
    lhu t3, PROCESS_ASID(t6)
    li t0, 8                        /* Sv39 */
    srli t2, t2, 12
    slli t3, t3, 44
    slli t0, t0, 60
    or t2, t2, t3
    or t2, t2, t0
    csrw satp, t2
    lbu t6, accelerator_present
    beqz t6, 1f
    lwu t6, THREAD_CAP_SPACE(t5)
    lbu t0, THREAD_USES_MAIL(sp)
    lbu t2, THREAD_USES_MAIL(t5)
    .insn r ABI_CUSTOM_0, ABI_CAP_SPACE_FUNCT3, ABI_CAP_SPACE_FUNCT7, x0, t6, x0
    or t0, t0, t2
    beqz t0, 1f                     /* neither: the mailbox's instructions are bound to nobody */
    ld t0, mailbox_context
    slli t2, t2, MAIL_ENABLED_SHIFT
    or t2, t2, t6
    sd t2, 0(t0)
1:  csrw sscratch, t5
    ld t6, 248(t5)
    csrw sepc, t6
    ld ra, 104(t5)
    load_others t5
    li t0, 0                        /* info: OK, no capabilities */
    li t2, 0
    li t3, 0
    ld t4, 96(t5)
    ld sp, 112(t5)
    ld t6, 144(t5)
    ld t5, 136(t5)
    sret

short_reply_receive:
    check_endpoint ABI_RIGHT_RECEIVE
    ld t5, THREAD_CALLER(sp)
    beqz t5, save_rest
    without_deadline
    ld t6, ENDPOINT_SENDERS + QUEUE_FIRST(t2)
    bnez t6, save_rest
    leave
    sd t1, 72(sp)                   /* the handle: when it dies, so does the wait */
    /* This thread joins the receivers. */
    addi t3, t2, ENDPOINT_RECEIVING
    ld t6, QUEUE_LAST(t3)
    sd t3, THREAD_QUEUE(sp)
    sd zero, THREAD_NEXT(sp)
    sd t6, THREAD_PREVIOUS(sp)
    sd sp, QUEUE_LAST(t3)
    beqz t6, 1f
    sd sp, THREAD_NEXT(t6)
    j 2f
1:  sd sp, QUEUE_FIRST(t3)
2:  li t6, STATE_RECEIVING
    sb t6, THREAD_STATE(sp)
    sd zero, THREAD_CALLER(sp)
    sd zero, THREAD_PARTNER(t5)
    li t1, 0                        /* a reply has no badge */
    j switch_with_message

/*
 * bool user_copy(void *to, void const *from, size_t bytes): copies with user memory reachable. False if a byte was not.
 * It has its own trap vector, for interrupts are off and a page fault is the only trap there can be. Words where both
 * ends are aligned: the core does no misaligned access.
 */
.section .text.user_copy, "ax"
.globl user_copy
user_copy:
    li t1, 1 << 18                  /* sstatus.SUM */
    lla t0, user_copy_fault
    csrrw t2, stvec, t0
    csrs sstatus, t1
    or t3, a0, a1
    andi t3, t3, 7
    bnez t3, 2f
    li t4, 8
1:  bltu a2, t4, 2f
    ld t3, 0(a1)
    sd t3, 0(a0)
    addi a0, a0, 8
    addi a1, a1, 8
    addi a2, a2, -8
    j 1b
2:  beqz a2, 3f
    lbu t3, 0(a1)
    sb t3, 0(a0)
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    j 2b
3:  li a0, 1
4:  csrc sstatus, t1
    csrw stvec, t2
    ret
.balign 4
user_copy_fault:
    li t1, 1 << 8                   /* the trap set sstatus.SPP */
    csrc sstatus, t1
    li t1, 1 << 18
    li a0, 0
    j 4b
