/*
 * Translation. Data is measured in machine mode with MPRV, so that only loads are translated; fetches in supervisor
 * mode. The argument points to struct translation (micro.c).
 */
#include "measure.h"

#define MPRV 0x20000
#define MPP 0x1800
#define MPP_SUPERVISOR 0x0800

#define SATP_A 0
#define SATP_B 8
#define ADDRESS 16
#define OPTION 24

/* Loads as supervisor with the page tables of a1. */
.macro TRANSLATE
    csrw satp, a1
    li t0, MPP
    csrc mstatus, t0
    li t0, MPRV | MPP_SUPERVISOR
    csrs mstatus, t0
.endm

.macro NO_TRANSLATE
    li t0, MPRV
    csrc mstatus, t0
    li t0, MPP
    csrs mstatus, t0
    csrw satp, zero
.endm

/* A load from a page; option 1: after sfence.vma, with the tables still in the caches. */
ROUTINE(tlb_load)
    ld a1, SATP_A(a0)
    ld a2, ADDRESS(a0)
    ld a3, OPTION(a0)
    TRANSLATE
    ld t0, 0(a2)
    ld t0, 0(a2)
    beqz a3, 1f
    sfence.vma
1:  nop
    nop
    START
    ld t0, 0(a2)
    addi t0, t0, 1
    STOP
    NO_TRANSLATE
    ret

/* 256 loads, each `option` bytes from the one before; each page lies in the same frame. */
ROUTINE(tlb_sweep)
    ld a1, SATP_A(a0)
    ld a2, ADDRESS(a0)
    ld a3, OPTION(a0)
    TRANSLATE
    li a5, 2
1:  mv a6, a2
    li a4, 256
    START
2:  ld t0, 0(a6)
    add a6, a6, a3
    addi a4, a4, -1
    bnez a4, 2b
    STOP
    addi a5, a5, -1
    bnez a5, 1b
    NO_TRANSLATE
    ret

/* A load after satp went to another address space and back. */
ROUTINE(satp_keeps_data)
    ld a1, SATP_A(a0)
    ld a2, ADDRESS(a0)
    ld a3, SATP_B(a0)
    TRANSLATE
    ld t0, 0(a2)
    csrw satp, a3
    ld t0, 0(a2)
    csrw satp, a1
    nop
    nop
    START
    ld t0, 0(a2)
    addi t0, t0, 1
    STOP
    NO_TRANSLATE
    ret

/* Enter supervisor mode at 1f with the tables of a1, traps to 9f; a7 keeps mtvec. */
.macro SUPERVISOR
    csrr a7, mtvec
    la t0, 9f
    csrw mtvec, t0
    csrw satp, a1
    la t0, 1f
    csrw mepc, t0
    li t0, MPP
    csrc mstatus, t0
    li t0, MPP_SUPERVISOR
    csrs mstatus, t0
    mret
    .balign 64
.endm

.macro MACHINE
    ecall
    .balign 64
9:  csrw mtvec, a7
    csrw satp, zero
    li t0, MPP
    csrs mstatus, t0
.endm

/* In translated code: satp to another address space and back. */
ROUTINE(satp_write)
    ld a1, SATP_A(a0)
    ld a3, SATP_B(a0)
    SUPERVISOR
1:  li a5, 3
2:  nop
    nop
    rdcycle t6
    csrw satp, a3
    csrw satp, a1
    rdcycle a0
    sub a0, a0, t6
    addi a5, a5, -1
    bnez a5, 2b
    MACHINE
    ret

/* A call of a function in another page and its return; option 1: after sfence.vma, tables and code in the caches. */
ROUTINE(tlb_fetch)
    ld a1, SATP_A(a0)
    ld a2, ADDRESS(a0)
    ld a3, OPTION(a0)
    SUPERVISOR
1:  li a5, 3
2:  beqz a3, 3f
    sfence.vma
3:  nop
    nop
    nop
    nop
    rdcycle t6
    jalr t5, 0(a2)
    rdcycle a0
    sub a0, a0, t6
    addi a5, a5, -1
    bnez a5, 2b
    MACHINE
    ret

    .balign 4096
    .globl far_leaf
far_leaf:
    jr t5
    .balign 4096
