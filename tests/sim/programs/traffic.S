/* Stores into LINES lines of 32 bytes and loads them again, more than the second-level cache holds: SDRAM rows open and
   close, lines are filled and written back. Ends with success if every word is what was stored. */
    .section .text.init, "ax"
    .globl _start
_start:
    la s0, area
    li s1, LINES
    mv t0, s0
    mv t1, s1
store:
    sd t0, 8(t0)
    addi t0, t0, 32
    addi t1, t1, -1
    bnez t1, store

    mv t0, s0
    mv t1, s1
    li a0, 3
load:
    ld t2, 8(t0)
    bne t2, t0, end
    addi t0, t0, 32
    addi t1, t1, -1
    bnez t1, load
    li a0, 1
end:
    la t0, tohost
    sd a0, 0(t0)
loop:
    j loop

    .section .tohost, "aw"
    .balign 64
    .globl tohost
tohost:
    .dword 0

    .bss
    .balign 4096
area:
    .zero 32 * LINES
