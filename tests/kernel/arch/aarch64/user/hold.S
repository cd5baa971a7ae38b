/*
 * hold.S: uint64_t hold(uint64_t seed, uint64_t yields, uint64_t spins)
 *
 * Fills the registers with seed + number, and TPIDR_EL0 with the seed; makes `yields` system calls YIELD (number 1),
 * after each of which x13-x30 must be as before; then counts `spins` down in x0 and looks at x1-x30. Returns the number
 * of the first register that changed (32 TPIDR_EL0, 33 flags), 0 if none did.
 */
.equ SEED, 96
.equ YIELDS, 104
.equ SPINS, 112

.macro FILL from, to
    .altmacro
    number = \from
    .rept \to - \from + 1
    FILL_ONE %number
    number = number + 1
    .endr
.endm
.macro FILL_ONE number
    add x\number, x0, #\number
.endm
.macro COMPARE from, to
    .altmacro
    number = \from
    .rept \to - \from + 1
    COMPARE_ONE %number
    number = number + 1
    .endr
.endm
/* Uses x0. */
.macro COMPARE_ONE number
    ldr x0, [sp, #SEED]
    add x0, x0, #\number
    sub x0, x\number, x0
    cbz x0, 9f
    mov x0, #\number
    b return
9:
.endm

.section .text.hold, "ax"
.globl hold
hold:
    sub sp, sp, #128
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    str x0, [sp, #SEED]
    str x1, [sp, #YIELDS]
    str x2, [sp, #SPINS]
    msr tpidr_el0, x0
    FILL 13, 30
1:  mov x8, #1
    mov x9, #0
    mov x10, #0
    mov x11, #0
    mov x12, #0
    cmp x8, x8                  /* Z and C */
    svc #0
    b.ne flags
    b.lo flags
    COMPARE 13, 30
    ldr x0, [sp, #YIELDS]
    subs x0, x0, #1
    str x0, [sp, #YIELDS]
    b.ne 1b
    ldr x0, [sp, #SEED]
    FILL 1, 12
    ldr x0, [sp, #SPINS]
2:  sub x0, x0, #1
    cbnz x0, 2b
    COMPARE 1, 30
    ldr x0, [sp, #SEED]
    mrs x1, tpidr_el0
    cmp x0, x1
    mov x0, #32
    b.ne return
    mov x0, #0
return:
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    add sp, sp, #128
    ret
flags:
    mov x0, #33
    b return
