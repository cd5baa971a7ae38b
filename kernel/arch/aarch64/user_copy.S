/*
 * user_copy.S (aarch64): copies between kernel and user memory with the unprivileged loads and stores (ldtr, sttr), to
 * which the CPU applies the user's rights: a kernel address, or a page the user may not touch, faults. The faulting
 * instruction's entry in .fixups makes the copy return false. PAN does not stop these instructions.
 */

.macro MAY_FAULT label resume
    .pushsection .fixups, "a"
    .long \label - .
    .long \resume - .
    .popsection
.endm

/* bool arch_copy_from_user(void *to, uintptr_t from, size_t bytes) */
.section .text.arch_copy_from_user, "ax"
.globl arch_copy_from_user
arch_copy_from_user:
    orr x3, x0, x1
    tst x3, #7
    b.ne 2f
1:  subs x4, x2, #8                 /* words while both sides are aligned */
    b.lo 2f
    mov x2, x4
10: ldtr x3, [x1]
    MAY_FAULT 10b, copy_fault
    str x3, [x0], #8
    add x1, x1, #8
    b 1b
2:  cbz x2, 3f
11: ldtrb w3, [x1]
    MAY_FAULT 11b, copy_fault
    strb w3, [x0], #1
    add x1, x1, #1
    sub x2, x2, #1
    b 2b
3:  mov w0, #1
    ret

/* bool arch_copy_to_user(uintptr_t to, void const *from, size_t bytes) */
.section .text.arch_copy_to_user, "ax"
.globl arch_copy_to_user
arch_copy_to_user:
    orr x3, x0, x1
    tst x3, #7
    b.ne 2f
1:  subs x4, x2, #8
    b.lo 2f
    mov x2, x4
    ldr x3, [x1], #8
10: sttr x3, [x0]
    MAY_FAULT 10b, copy_fault
    add x0, x0, #8
    b 1b
2:  cbz x2, 3f
    ldrb w3, [x1], #1
11: sttrb w3, [x0]
    MAY_FAULT 11b, copy_fault
    add x0, x0, #1
    sub x2, x2, #1
    b 2b
3:  mov w0, #1
    ret

.section .text.copy_fault, "ax"
copy_fault:
    mov w0, #0
    ret

/* bool semihosting(uint64_t operation, void *argument): the emulator answers hlt 0xf000; without one it is undefined. */
.section .text.semihosting, "ax"
.globl semihosting
semihosting:
10: hlt #0xf000
    MAY_FAULT 10b, copy_fault
    mov w0, #1
    ret
