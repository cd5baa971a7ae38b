// Handlers of programs that Spike runs as well. They keep to x30 and x31. U-mode code runs through an alias of main memory,
// because S-mode may not execute user pages; the M-mode handler moves pc and the pointer x3 by that offset on a change.
// Given from outside: DELEGATION, SATP, USER_OFFSET.
.section .text.init, "awx"
.globl _start
_start:
    la x31, machine_trap
    csrw mtvec, x31
    la x31, supervisor_trap
    csrw stvec, x31
    li x31, DELEGATION
    csrw medeleg, x31
    li x31, -1
    csrw mcounteren, x31
    csrw scounteren, x31
    csrw mscratch, x0
    open_protection
    li x6, SATP
    csrw satp, x6
    sfence.vma
    la x3, data_area
    li x4, 1 << 32
    li x2, 3
    j begin

.option push
.option norvc
.balign 4
// x2 holds the current privilege as the program set it.
machine_trap:
    csrr x31, mcause
    csrr x30, mtval
    csrr x30, mstatus
    csrr x30, mepc
    bltu x30, x4, 1f
    csrw mepc, x1
    mret
1:  addi x30, x31, -8
    beqz x30, 1f
    addi x30, x31, -9
    beqz x30, 1f
    addi x30, x31, -11
    beqz x30, 1f
machine_skip:
    csrr x30, mepc
    // an instruction fetch fault cannot be skipped by length: go to the end
    addi x31, x31, -12
    beqz x31, give_up
    addi x31, x31, 11
    beqz x31, give_up
    li x31, USER_OFFSET
    bltz x2, give_up
    bnez x2, 2f
    sub x31, x30, x31
    j 3f
2:  mv x31, x30
3:  lhu x31, 0(x31)
    andi x31, x31, 3
    addi x31, x31, -3
    snez x31, x31
    slli x31, x31, 1
    sub x30, x30, x31
    addi x30, x30, 4
    csrw mepc, x30
    mret
1:  csrr x30, mepc
    addi x30, x30, 4
    bltz x29, 6f
    // to privilege x29: mstatus.MPP
    li x31, 3 << 11
    csrc mstatus, x31
    slli x31, x29, 11
    csrs mstatus, x31
    li x31, USER_OFFSET
    bnez x2, 4f
    sub x30, x30, x31
    sub x3, x3, x31
4:  mv x2, x29
    bnez x29, 5f
    add x30, x30, x31
    add x3, x3, x31
5:  csrw mepc, x30
    mret
6:  csrw mepc, x30
    mret

.balign 4
supervisor_trap:
    csrr x31, scause
    csrr x30, stval
    csrr x30, sstatus
    csrr x30, sepc
    bltu x30, x4, 1f
    csrw sepc, x1
    sret
1:  addi x31, x31, -12
    beqz x31, 7f
    addi x31, x31, 11
    beqz x31, 7f
    // S-mode reads the instruction through its own mapping
    li x31, USER_OFFSET
    bnez x2, 8f
    sub x31, x30, x31
    j 9f
8:  mv x31, x30
9:  lhu x31, 0(x31)
    andi x31, x31, 3
    addi x31, x31, -3
    snez x31, x31
    slli x31, x31, 1
    sub x30, x30, x31
    addi x30, x30, 4
    csrw sepc, x30
    sret
7:  li x29, 3
    ecall
give_up:
    la x30, finish
    jr x30
.option pop
begin:
