/* Ends by storing TOHOST_VALUE to tohost; 0 stands for a program that never ends. */
    .section .text.init, "ax"
    .globl _start
_start:
    li t0, TOHOST_VALUE
    la t1, tohost
    sd t0, 0(t1)
loop:
    j loop

    .section .tohost, "aw"
    .balign 64
    .globl tohost
tohost:
    .dword 0
    .globl fromhost
fromhost:
    .dword 0
