/* trap.S (riscv64): the way into the kernel and out of it. Offsets are those of struct arch_context (arch_types.h). */
.section .text
.balign 4
.globl trap_entry
trap_entry:
    j trap_entry
