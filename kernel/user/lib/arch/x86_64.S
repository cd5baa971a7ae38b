/*
 * x86_64.S: see user_call.h. The call words take every register but rsp, rcx and r11, and `syscall` destroys the last
 * two, so the address of the struct waits on the stack.
 */
    .macro enter
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdi
    movq %rdi, %r11
    .endm

    .macro leave_and_return
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .endm

    /* All but rdx (word 2) and rax (word 8), which `rdtsc` overwrites. */
    .macro load_words
    movq 0(%r11), %rdi
    movq 8(%r11), %rsi
    movq 24(%r11), %r8
    movq 32(%r11), %r9
    movq 40(%r11), %r10
    movq 48(%r11), %r12
    movq 56(%r11), %r13
    movq 72(%r11), %rbx
    movq 80(%r11), %r14
    movq 88(%r11), %r15
    movq 96(%r11), %rbp
    .endm

    .macro store_words
    movq %rdi, 0(%r11)
    movq %rsi, 8(%r11)
    movq %r8, 24(%r11)
    movq %r9, 32(%r11)
    movq %r10, 40(%r11)
    movq %r12, 48(%r11)
    movq %r13, 56(%r11)
    movq %rbx, 72(%r11)
    movq %r14, 80(%r11)
    movq %r15, 88(%r11)
    movq %rbp, 96(%r11)
    .endm

    .section .text.user_call, "ax"
    .globl user_call
user_call:
    enter
    load_words
    movq 16(%r11), %rdx
    movq 64(%r11), %rax
    syscall
    movq (%rsp), %r11
    movq %rdx, 16(%r11)
    movq %rax, 64(%r11)
    store_words
    leave_and_return

/* The stamps enclose the trap and six moves: the counter is delivered in two registers that are call words. */
    .section .text.user_call_stamped, "ax"
    .globl user_call_stamped
user_call_stamped:
    enter
    load_words
    rdtsc
    movl %eax, 104(%r11)
    movl %edx, 108(%r11)
    movq 16(%r11), %rdx
    movq 64(%r11), %rax
    syscall
    movq %rdx, %rcx
    movq %rax, %r11
    rdtsc
    pushq %r11
    movq 8(%rsp), %r11
    movl %eax, 112(%r11)
    movl %edx, 116(%r11)
    movq %rcx, 16(%r11)
    popq %rax
    movq %rax, 64(%r11)
    store_words
    leave_and_return

    .section .text.start, "ax"
    .globl _start
_start:
    andq $-16, %rsp
    subq $128, %rsp
    movq %rsp, %r11
    movq %rdx, 16(%r11)
    movq %rax, 64(%r11)
    store_words
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call user_start
    ud2
