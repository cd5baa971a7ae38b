/* riscv64.S: see user_call.h. */
.macro load_words
    ld a1, 8(t5)
    ld a2, 16(t5)
    ld a3, 24(t5)
    ld a4, 32(t5)
    ld a5, 40(t5)
    ld a6, 48(t5)
    ld a7, 56(t5)
    ld t0, 64(t5)
    ld t1, 72(t5)
    ld t2, 80(t5)
    ld t3, 88(t5)
    ld t4, 96(t5)
    ld a0, 0(t5)
.endm
.macro store_words
    sd a0, 0(t5)
    sd a1, 8(t5)
    sd a2, 16(t5)
    sd a3, 24(t5)
    sd a4, 32(t5)
    sd a5, 40(t5)
    sd a6, 48(t5)
    sd a7, 56(t5)
    sd t0, 64(t5)
    sd t1, 72(t5)
    sd t2, 80(t5)
    sd t3, 88(t5)
    sd t4, 96(t5)
.endm

.section .text.user_call, "ax"
.globl user_call
user_call:
    mv t5, a0
    load_words
    ecall
    store_words
    ret

.section .text.user_call_stamped, "ax"
.globl user_call_stamped
user_call_stamped:
    addi sp, sp, -16
    sd s0, 0(sp)
    mv t5, a0
    load_words
    rdcycle s0
    ecall
    rdcycle t6
    store_words
    sd s0, 104(t5)
    sd t6, 112(t5)
    ld s0, 0(sp)
    addi sp, sp, 16
    ret

.section .text.start, "ax"
.globl _start
_start:
    addi sp, sp, -128
    mv t5, sp
    store_words
    mv a0, sp
    call user_start
