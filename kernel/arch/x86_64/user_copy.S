/*
 * user_copy.S: bool user_copy(void *to, void const *from, size_t bytes)
 *
 * One side is user memory of the current address space, which SMAP opens to the kernel for just these instructions. A
 * page fault at one of them continues where the table in .fixups says, and the result is false.
 */
    .text
    .globl user_copy
user_copy:
    movq %rdx, %rcx
    shrq $3, %rcx
    stac
1:  rep movsq
    movl %edx, %ecx
    andl $7, %ecx
2:  rep movsb
    clac
    movl $1, %eax
    ret
3:  clac
    xorl %eax, %eax
    ret

    .section .fixups, "a", @progbits
    .quad 1b, 3b
    .quad 2b, 3b
