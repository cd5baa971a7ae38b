/*
 * entry.S (aarch64): first byte of the image.
 *
 * In: EL1 or EL2, translation off, x0 = physical address of the device tree (Linux arm64 boot protocol). The image may
 * lie at any 4 KiB boundary. Everything before `at_linked_address` is position independent.
 */
.section .text.header, "ax"
.globl image_header
image_header:
    b entry
    .long 0
    .quad 0                             /* text_offset from a 2 MiB boundary: any */
    .quad kernel_bytes                  /* image_size, bss included */
    .quad 0b1010                        /* little endian, 4 KiB pages, anywhere in memory */
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

.section .text
entry:
    msr daifset, #0b1111
    mov x19, x0
    mrs x0, CurrentEL
    cmp x0, #2 << 2
    b.ne 1f
    bl leave_el2
1:  ldr x0, =0x30d00800                 /* SCTLR_EL1: bits that must be one, all off */
    msr sctlr_el1, x0
    isb
    adrp x0, bss_start
    add x0, x0, :lo12:bss_start
    adrp x1, bss_end
    add x1, x1, :lo12:bss_end
2:  cmp x0, x1
    b.hs 3f
    stp xzr, xzr, [x0], #16
    b 2b
3:  adrp x0, kernel_stack_top
    mov sp, x0
    sub sp, sp, #48                     /* struct early_registers */
    adrp x20, kernel_start
    mov x0, x20
    mov x1, x19
    mov x2, sp
    bl early_page_tables
    /* What was written with the caches off must not be hidden by lines that were there before. */
    mov x0, x20
    adrp x1, kernel_end
    mrs x2, ctr_el0
    ubfx x2, x2, #16, #4                /* DminLine: log2 of words */
    mov x3, #4
    lsl x2, x3, x2
    dmb sy
4:  dc ivac, x0
    add x0, x0, x2
    cmp x0, x1
    b.lo 4b
    tlbi vmalle1
    ic iallu
    dsb sy
    ldp x0, x1, [sp]
    ldp x2, x3, [sp, #16]
    ldr x4, [sp, #32]
    msr mair_el1, x0
    msr tcr_el1, x1
    msr ttbr0_el1, x2
    msr ttbr1_el1, x3
    isb
    msr sctlr_el1, x4
    isb
    ldr x0, =at_linked_address
    br x0

/* Drops from EL2 to EL1 and returns there. Uses x0, x1. Nothing stays at EL2: its traps are all off. */
leave_el2:
    mov x0, #1 << 31                    /* HCR_EL2.RW: EL1 is AArch64 */
    msr hcr_el2, x0
    isb
    mov x0, #3                          /* EL1 may use the physical counter and timer */
    msr cnthctl_el2, x0
    msr cntvoff_el2, xzr
    mov x0, #0x33ff                     /* CPTR_EL2: bits that must be one, no traps */
    msr cptr_el2, x0
    msr hstr_el2, xzr
    mrs x0, pmcr_el0
    ubfx x0, x0, #11, #5                /* MDCR_EL2.HPMN: all counters belong to EL1 */
    msr mdcr_el2, x0
    mrs x0, midr_el1
    mrs x1, mpidr_el1
    msr vpidr_el2, x0
    msr vmpidr_el2, x1
    mov x0, #0x3c5                      /* EL1h, all masked */
    msr spsr_el2, x0
    msr elr_el2, x30
    eret

at_linked_address:
    ldr x0, =vectors
    msr vbar_el1, x0
    ldr x0, =kernel_stack_top
    mov sp, x0
    mov x29, xzr
    mov x30, xzr
    mov x0, x20
    mov x1, x19
    b aarch64_start
    .ltorg

/* One stack, with an unmapped page below it. */
.section .noclear, "aw", @nobits
.balign 4096
.globl kernel_stack_guard
kernel_stack_guard:
    .skip 4096
    .skip 16384
.globl kernel_stack_top
kernel_stack_top:
