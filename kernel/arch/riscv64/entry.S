/*
 * entry.S (riscv64): first byte of the image.
 *
 * In: S-mode, translation off, a0 = hart, a1 = physical address of the device tree (RISC-V SBI and Linux boot
 * convention). The image may lie at any 4 KiB boundary. Everything up to `satp` is position independent.
 */
.section .text.entry, "ax"
.globl _start
_start:
    /* RISC-V boot image header (Linux, Documentation/arch/riscv/boot-image-header.rst): whoever loads the image learns
       from it how much memory it wants. */
.option push
.option norvc
.option norelax
    j start
    nop
.option pop
    .quad 0x200000                  /* offset from the start of memory, where there is no reason for another */
    .quad kernel_end - kernel_start
    .quad 0                         /* flags: little-endian */
    .word 2, 0                      /* version 0.2 */
    .quad 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\005"
    .word 0
start:
    csrw sie, zero
    mv s0, a0
    mv s1, a1
    lla t0, bss_start
    lla t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    sd zero, 8(t0)
    addi t0, t0, 16
    j 1b
2:  lla sp, kernel_stack_top
    lla a0, _start
    call early_page_tables          /* a0 = satp value */
    /* The first fetch after satp faults, for nothing maps this address; stvec takes it to the kernel's own address. */
    lla t0, 3f
    lla t1, kernel_start
    sub t0, t0, t1
    ld t1, kernel_base
    add t0, t0, t1
    csrw stvec, t0
    sfence.vma
    csrw satp, a0
    sfence.vma
    jr t0
.balign 4
3:  lla t0, trap_entry
    csrw stvec, t0
    lla sp, kernel_stack_top
    lla t0, boot_context
    csrw sscratch, t0
    mv a0, s0
    mv a1, s1
    call riscv_start
.balign 8
kernel_base:
    .quad kernel_start

/* One stack, with an unmapped page below it. */
.section .noclear, "aw", @nobits
.balign 4096
.globl kernel_stack_guard
kernel_stack_guard:
    .skip 4096
    .skip 16384
.globl kernel_stack_top
kernel_stack_top:

/* Where a trap that comes before the first thread puts its registers. */
.section .bss
.balign 16
boot_context:
    .skip 256
