/* Says S, waits for a character, resets the machine if it is r and ends with code 17 otherwise. */
#include <veridian/memory_map.h>

    .section .text.init, "ax"
    .globl _start
_start:
    li s0, UART_BASE
    li t0, 'S'
    sb t0, 0(s0)
receive:
    lbu t0, 5(s0)
    andi t0, t0, 1
    beqz t0, receive
    lbu t0, 0(s0)
    li t1, 'r'
    li s1, FINISHER_BASE
    beq t0, t1, restart
    li t0, 17 << 16 | 0x3333
    sw t0, 0(s1)
    j loop
restart:
    /* What a store left in memory must be gone after the reset. */
    la t0, _start
    sd zero, 0(t0)
    fence
    li t0, 0x7777
    sw t0, 0(s1)
loop:
    j loop
