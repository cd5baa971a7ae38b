/*
 * Says S, waits for a character, resets the machine if it is r and ends with code 17 otherwise; with code 18 when a
 * reset has left something in a CSR.
 */
#include <veridian/memory_map.h>

    .section .text.init, "ax"
    .globl _start
_start:
    li s1, FINISHER_BASE
    li t1, 0
    .irp name, mtvec, stvec, mepc, sepc, mtval, stval, mscratch, sscratch, mcause, scause, medeleg, pmpaddr0
    csrr t0, \name
    or t1, t1, t0
    .endr
    li t0, 18 << 16 | 0x3333
    bnez t1, end
    li s0, UART_BASE
    li t0, 'S'
    sb t0, 0(s0)
receive:
    lbu t0, 5(s0)
    andi t0, t0, 1
    beqz t0, receive
    lbu t0, 0(s0)
    li t1, 'r'
    beq t0, t1, restart
    li t0, 17 << 16 | 0x3333
end:
    sw t0, 0(s1)
    j loop
restart:
    li t0, 0x5555555555555554
    .irp name, mtvec, stvec, mepc, sepc, mtval, stval, mscratch, sscratch, mcause, scause, medeleg, pmpaddr0
    csrw \name, t0
    .endr
    /* What a store left in memory must be gone after the reset. */
    la t0, _start
    sd zero, 0(t0)
    fence
    li t0, 0x7777
    sw t0, 0(s1)
loop:
    j loop
