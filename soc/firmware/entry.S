/*
 * First instructions of the firmware and its trap entry.
 *
 * Contract with the boot ROM: a0 = hart id, a1 = device tree; machine mode, interrupts off, nothing else known.
 * mscratch holds the top of this hart's stack while S- or U-mode runs, and 0 while the firmware runs, so that a
 * trap inside the firmware is told from one outside.
 */

#include <veridian/memory_map.h>

    .section .text.entry, "ax"
    .globl _start
_start:
    csrw mie, zero
    la t0, trap_entry
    csrw mtvec, t0
    li t0, HART_COUNT
    bgeu a0, t0, park               /* a hart that the table does not know */
    la sp, stack_end
    li t0, STACK_BYTES
    mul t0, t0, a0
    sub sp, sp, t0
    csrw mscratch, zero
    call firmware_main
park:
    wfi
    j park

    /* Machine trap: save every register of the interrupted program on this hart's stack. */
    .balign 4
trap_entry:
    csrrw sp, mscratch, sp
    beqz sp, trap_in_firmware
    addi sp, sp, -256
    sd x1, 8(sp)
    sd x3, 24(sp)
    sd x4, 32(sp)
    sd x5, 40(sp)
    sd x6, 48(sp)
    sd x7, 56(sp)
    sd x8, 64(sp)
    sd x9, 72(sp)
    sd x10, 80(sp)
    sd x11, 88(sp)
    sd x12, 96(sp)
    sd x13, 104(sp)
    sd x14, 112(sp)
    sd x15, 120(sp)
    sd x16, 128(sp)
    sd x17, 136(sp)
    sd x18, 144(sp)
    sd x19, 152(sp)
    sd x20, 160(sp)
    sd x21, 168(sp)
    sd x22, 176(sp)
    sd x23, 184(sp)
    sd x24, 192(sp)
    sd x25, 200(sp)
    sd x26, 208(sp)
    sd x27, 216(sp)
    sd x28, 224(sp)
    sd x29, 232(sp)
    sd x30, 240(sp)
    sd x31, 248(sp)
    csrrw t0, mscratch, zero
    sd t0, 16(sp)
    mv a0, sp
    call firmware_trap
    addi t0, sp, 256
    csrw mscratch, t0
    ld x1, 8(sp)
    ld x3, 24(sp)
    ld x4, 32(sp)
    ld x5, 40(sp)
    ld x6, 48(sp)
    ld x7, 56(sp)
    ld x8, 64(sp)
    ld x9, 72(sp)
    ld x10, 80(sp)
    ld x11, 88(sp)
    ld x12, 96(sp)
    ld x13, 104(sp)
    ld x14, 112(sp)
    ld x15, 120(sp)
    ld x16, 128(sp)
    ld x17, 136(sp)
    ld x18, 144(sp)
    ld x19, 152(sp)
    ld x20, 160(sp)
    ld x21, 168(sp)
    ld x22, 176(sp)
    ld x23, 184(sp)
    ld x24, 192(sp)
    ld x25, 200(sp)
    ld x26, 208(sp)
    ld x27, 216(sp)
    ld x28, 224(sp)
    ld x29, 232(sp)
    ld x30, 240(sp)
    ld x31, 248(sp)
    ld sp, 16(sp)
    mret

    /* The firmware itself trapped: its stack pointer is in mscratch now; go on there and report. */
trap_in_firmware:
    csrrw sp, mscratch, sp
    call firmware_trap
    j park

#define FIRMWARE_BYTES (KERNEL_BASE - FIRMWARE_BASE)
#if FIRMWARE_BYTES & (FIRMWARE_BYTES - 1) || FIRMWARE_BASE & (FIRMWARE_BYTES - 1)
#error "The firmware's memory must be one NAPOT region"
#endif
/* pmpaddr and pmpcfg (privileged specification, 3.7.1) */
#define NAPOT_REGION(base, bytes) ((base) >> 2 | (((bytes) >> 3) - 1))
#define PMP_NAPOT 0x18
#define PMP_EVERYTHING 0x1f             /* NAPOT, R, W, X */

    /*
     * pmp_protect(): two PMP entries. The first that matches decides: the firmware's memory is nobody's but M-mode's, all
     * else is open. Neither is locked, so M-mode keeps its rights. Where there is only one entry all is open, since
     * without any that matches S-mode would reach nothing. On a core without PMP's CSRs the first write traps, and
     * the trap leads behind the last.
     */
    .globl pmp_protect
pmp_protect:
    la t0, pmp_absent
    csrrw t1, mtvec, t0
    li t0, NAPOT_REGION(FIRMWARE_BASE, FIRMWARE_BYTES)
    csrw pmpaddr0, t0
    li t0, -1
    csrw pmpaddr1, t0
    li t2, PMP_NAPOT | PMP_EVERYTHING << 8
    csrw pmpcfg0, t2
    csrr t3, pmpcfg0
    beq t2, t3, pmp_absent
    csrw pmpaddr0, t0
    li t2, PMP_EVERYTHING
    csrw pmpcfg0, t2
    .balign 4
pmp_absent:
    csrw mtvec, t1
    ret

    .section .bss.stack, "aw", @nobits
    .balign 16
    .space STACK_BYTES * HART_COUNT
    .globl stack_end
stack_end:
