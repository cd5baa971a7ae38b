/*
 * trap.S (riscv64): the way into the kernel and out of it. Offsets are those of struct arch_context (arch_types.h).
 *
 * While user code runs, and in the kernel too, sscratch holds the context that was resumed last. The kernel takes no
 * traps of its own except in user_copy (below), which brings its own vector; any other one comes here, is recognized by
 * sstatus.SPP and ends in a panic.
 */
.macro save_registers
    csrrw sp, sscratch, sp
    sd a0, 0(sp)
    sd a1, 8(sp)
    sd a2, 16(sp)
    sd a3, 24(sp)
    sd a4, 32(sp)
    sd a5, 40(sp)
    sd a6, 48(sp)
    sd a7, 56(sp)
    sd t0, 64(sp)
    sd t1, 72(sp)
    sd t2, 80(sp)
    sd t3, 88(sp)
    sd t4, 96(sp)
    sd ra, 104(sp)
    sd gp, 120(sp)
    sd tp, 128(sp)
    sd t5, 136(sp)
    sd t6, 144(sp)
    sd s0, 152(sp)
    sd s1, 160(sp)
    sd s2, 168(sp)
    sd s3, 176(sp)
    sd s4, 184(sp)
    sd s5, 192(sp)
    sd s6, 200(sp)
    sd s7, 208(sp)
    sd s8, 216(sp)
    sd s9, 224(sp)
    sd s10, 232(sp)
    sd s11, 240(sp)
    mv a0, sp
    csrrw t0, sscratch, sp          /* the user's stack pointer; sscratch is the context again */
    sd t0, 112(a0)
.endm

.section .text.trap, "ax"
.balign 64
.globl trap_entry
trap_entry:
    save_registers
    csrr t0, sepc
    csrr t1, scause
    lla sp, kernel_stack_top
    li t2, 8                        /* environment call from U-mode */
    bne t1, t2, 1f
    addi t0, t0, 4
    sd t0, 248(a0)
    call trap_syscall
    call sched_pick
    j arch_resume
1:  sd t0, 248(a0)
    call riscv_trap
    call sched_pick
    /* fall through */

/* [[noreturn]] void arch_resume(struct arch_context *context): sstatus.SPP is 0 whenever the kernel runs. */
.globl arch_resume
arch_resume:
    csrw sscratch, a0
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
    ld gp, 120(a0)
    ld tp, 128(a0)
    ld t5, 136(a0)
    ld t6, 144(a0)
    ld s0, 152(a0)
    ld s1, 160(a0)
    ld s2, 168(a0)
    ld s3, 176(a0)
    ld s4, 184(a0)
    ld s5, 192(a0)
    ld s6, 200(a0)
    ld s7, 208(a0)
    ld s8, 216(a0)
    ld s9, 224(a0)
    ld s10, 232(a0)
    ld s11, 240(a0)
    ld a0, 0(a0)
    sret

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
