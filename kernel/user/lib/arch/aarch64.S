/* aarch64.S: see user_call.h. */
.macro load_words
    ldp x2, x3, [x16, #16]
    ldp x4, x5, [x16, #32]
    ldp x6, x7, [x16, #48]
    ldp x8, x9, [x16, #64]
    ldp x10, x11, [x16, #80]
    ldr x12, [x16, #96]
    ldp x0, x1, [x16, #0]
.endm
.macro store_words
    stp x0, x1, [x16, #0]
    stp x2, x3, [x16, #16]
    stp x4, x5, [x16, #32]
    stp x6, x7, [x16, #48]
    stp x8, x9, [x16, #64]
    stp x10, x11, [x16, #80]
    str x12, [x16, #96]
.endm

.section .text.user_call, "ax"
.globl user_call
user_call:
    mov x16, x0
    load_words
    svc #0
    store_words
    ret

/* No barrier between the stamps: the trap and the return from it are barriers themselves. */
.section .text.user_call_stamped, "ax"
.globl user_call_stamped
user_call_stamped:
    mov x16, x0
    load_words
    isb
    mrs x14, pmccntr_el0
    svc #0
    mrs x15, pmccntr_el0
    store_words
    stp x14, x15, [x16, #104]
    ret

.section .text.start, "ax"
.globl _start
_start:
    sub sp, sp, #128
    mov x16, sp
    store_words
    mov x0, sp
    mov x29, xzr
    mov x30, xzr
    bl user_start
    udf #0
