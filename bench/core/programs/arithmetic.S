/* Arithmetic and CSR access. */
#include "measure.h"

/* Nothing: what two reads of mcycle take. */
ROUTINE(empty)
    START
    END

/* Chains of sixteen, and a use of the last result. */
ROUTINE(add_chain)
    START
    .rept 16
    addi a1, a1, 1
    .endr
    addi a1, a1, 1
    END

ROUTINE(mul_chain)
    li a1, 3
    START
    .rept 16
    mul a1, a1, a1
    .endr
    addi a1, a1, 1
    END

ROUTINE(mulh_chain)
    li a1, -3
    START
    .rept 16
    mulh a1, a1, a1
    .endr
    addi a1, a1, 1
    END

ROUTINE(mul_free)
    START
    .rept 8
    mul t0, a1, a2
    mul t1, a1, a2
    .endr
    END

/* Four divisions of the dividend and divisor that a0 points to, each waiting for the one before. */
ROUTINE(divide)
    ld a1, 0(a0)
    ld a2, 8(a0)
    START
    .rept 4
    divu t0, a1, a2
    and t0, t0, zero
    add a1, a1, t0
    .endr
    END

ROUTINE(divide_signed)
    ld a1, 0(a0)
    ld a2, 8(a0)
    START
    .rept 4
    rem t0, a1, a2
    and t0, t0, zero
    add a1, a1, t0
    .endr
    END

/* The same with an addition in place of the division. */
ROUTINE(divide_none)
    ld a1, 0(a0)
    ld a2, 8(a0)
    START
    .rept 4
    add t0, a1, a2
    and t0, t0, zero
    add a1, a1, t0
    .endr
    END

ROUTINE(csr_read)
    START
    .rept 16
    csrr t0, mscratch
    .endr
    END

/* A read whose value the next instruction uses. */
ROUTINE(csr_read_use)
    START
    .rept 16
    csrr t0, mscratch
    addi t1, t0, 1
    .endr
    END

/* What csr_read_use does without its reads. */
ROUTINE(csr_read_none)
    START
    .rept 16
    addi t0, a1, 0
    addi t1, a1, 1
    .endr
    END

.macro CSR_WRITES name, csr
ROUTINE(csr_write_\name)
    csrr t0, \csr
    START
    .rept 16
    csrw \csr, t0
    .endr
    STOP
    ret
.endm

CSR_WRITES mscratch, mscratch
CSR_WRITES mepc, mepc
CSR_WRITES mtvec, mtvec
CSR_WRITES mie, mie
CSR_WRITES mcounteren, mcounteren
/* Changes what is fetched and how: here a flush is right. */
CSR_WRITES mstatus, mstatus

ROUTINE(fence_empty)
    fence
    START
    .rept 4
    fence
    .endr
    END
