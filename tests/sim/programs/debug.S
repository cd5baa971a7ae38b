/* Pieces of code for tests of the debug mode; the debugger jumps from one to the next. */
    .option norvc
    .section .text.init, "ax"
    .globl _start
_start:
    la s1, counter
count:
    addi s2, s2, 1
    sd s2, 0(s1)
    j count

    /* Single steps. */
straight:
    .option rvc
    c.nop
    .option norvc
after_compressed:
    addi a0, a0, 1
branch:
    beq zero, zero, taken
    nop
taken:
    bne zero, zero, straight
jump:
    j jumped
    nop
jumped:
    lw a0, 0(a1)
after_load:
    csrr a0, mscratch
after_csr:
    j after_csr

    /* Traps. */
call:
    ecall
illegal:
    .word 0
bad_load:
    ld a0, 0x400(zero)
bad_jump:
    jr a1
    .balign 4
handler:
    nop
    j handler
returns:
    mret

waits:
    wfi
after_wait:
    j after_wait

breaks:
    ebreak
    .option rvc
compressed_break:
    c.ebreak
    .option norvc

    /* Memory accesses to a1. */
accesses:
load_byte:
    lbu a0, 0(a1)
store_byte:
    sb a2, 0(a1)
store_word:
    sd a2, 0(a1)
add:
    amoadd.d a0, a2, (a1)
reserve:
    lr.d a0, (a1)
conditional:
    sc.d a3, a2, (a1)
after_accesses:
    j after_accesses

    /* What only debug mode may do. */
reads_dcsr:
    csrr a0, 0x7b0
leaves:
    .word 0x7b200073

    /* Software sets a trigger of its own: tdata1 from a0, tdata2 from a1. */
sets_trigger:
    csrw 0x7a1, zero
    csrw 0x7a2, a1
    csrw 0x7a1, a0
    csrr a2, 0x7a1
    csrr a3, 0x7a2
    csrr a4, 0x7a4
after_trigger:
    j after_trigger

    /* Ends the program with code a0. */
ends:
    slli a0, a0, 1
    ori a0, a0, 1
    la t1, tohost
    sd a0, 0(t1)
ended:
    j ended

    .section .tohost, "aw"
    .balign 64
    .globl tohost
tohost:
    .dword 0
    .section .data, "aw"
    .balign 64
counter:
    .dword 0
words:
    .dword 0x1111111111111111, 0x2222222222222222, 0x3333333333333333
