/* What the loader enters: checks its registers, says so, and ends the machine. Twelve KiB, so that an upload takes a while. */
#include <veridian/memory_map.h>

    .section .text.init, "ax"
    .globl _start
_start:
    bnez a0, fails                      /* hart 0 */
    li t0, DEVICE_TREE_BASE
    bne a1, t0, fails
    la a2, text
    li t1, UART_BASE
1:  lbu t0, 0(a2)
    beqz t0, 3f
2:  lbu t2, 5(t1)
    andi t2, t2, 0x20
    beqz t2, 2b
    sb t0, 0(t1)
    addi a2, a2, 1
    j 1b
3:  li t0, 0x5555
    j end
fails:
    li t0, 0x13333
end:
    li t1, FINISHER_BASE
    sw t0, 0(t1)
    j end

text:
    .asciz "payload runs\n"
    .balign 4096
    .fill 8192, 1, 0x5a
