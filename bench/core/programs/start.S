/* Start-up of the bench programs: stack, `main`, and the end by tohost with what `main` returned. */
    .section .text.init, "ax"
    .globl _start
_start:
    la sp, stack_end
    la t0, unexpected_trap
    csrw mtvec, t0
    call main
    j finish

    .balign 4
unexpected_trap:
    li a0, 99
finish:
    slli a0, a0, 1
    ori a0, a0, 1
    la t1, tohost
    sd a0, 0(t1)
1:  j 1b

    .section .tohost, "aw"
    .balign 64
    .globl tohost
tohost:
    .dword 0
    .globl fromhost
fromhost:
    .dword 0
