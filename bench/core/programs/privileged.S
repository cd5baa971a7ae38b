/* Trap entry and return. */
#include "measure.h"

#define MPP 0x1800
#define MPP_SUPERVISOR 0x0800
#define SPP 0x0100
#define CAUSE_ECALL_USER 8

/* Back in machine mode after an ecall: mtvec as it was (a2), and MPP machine mode. */
.macro BACK
    csrw mtvec, a2
    li t0, MPP
    csrs mstatus, t0
.endm

.macro ENTER label, mode
    la t0, \label
    csrw mepc, t0
    li t0, MPP
    csrc mstatus, t0
    li t0, \mode
    csrs mstatus, t0
    mret
    .balign 64
.endm

/* From an ecall to the first instruction of its handler, machine mode. */
ROUTINE(trap_entry)
    csrr a2, mtvec
    la t0, 1f
    csrw mtvec, t0
    nop
    nop
    START
    ecall
    .balign 64
1:  STOP
    BACK
    ret

/* From user mode to a handler in supervisor mode. */
ROUTINE(trap_entry_delegated)
    csrr a2, mtvec
    li t0, 1 << CAUSE_ECALL_USER
    csrs medeleg, t0
    la t0, 2f
    csrw stvec, t0
    la t0, 3f
    csrw mtvec, t0
    ENTER 1f, 0
1:  nop
    nop
    rdcycle t6
    ecall
    .balign 64
2:  rdcycle a0
    sub a0, a0, t6
    ecall
    .balign 64
3:  BACK
    li t0, 1 << CAUSE_ECALL_USER
    csrc medeleg, t0
    ret

ROUTINE(mret_return)
    la t0, 1f
    csrw mepc, t0
    li t0, MPP
    csrs mstatus, t0
    nop
    nop
    START
    mret
    .balign 64
1:  END

/* From supervisor mode to user mode. */
ROUTINE(sret_return)
    csrr a2, mtvec
    la t0, 3f
    csrw mtvec, t0
    ENTER 1f, MPP_SUPERVISOR
1:  la t0, 2f
    csrw sepc, t0
    li t0, SPP
    csrc sstatus, t0
    nop
    nop
    rdcycle t6
    sret
    .balign 64
2:  rdcycle a0
    sub a0, a0, t6
    ecall
    .balign 64
3:  BACK
    ret
