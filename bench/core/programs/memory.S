/* Loads and stores. */
#include "measure.h"

    .bss
    .balign 4096
cell:
    .zero 4096
    /* More than the caches of the first level hold. */
spread:
    .zero 65536

/* Each load's address is what the one before loaded. */
ROUTINE(load_chain)
    la a1, cell
    sd a1, 0(a1)
    fence
    ld a1, 0(a1)
    START
    .rept 16
    ld a1, 0(a1)
    .endr
    addi a1, a1, 1
    END

ROUTINE(load_free)
    la a1, cell
    ld t0, 0(a1)
    START
    .rept 16
    ld t0, 0(a1)
    .endr
    addi a1, a1, 1
    END

.macro LOAD_ADD name, load
ROUTINE(\name)
    la a1, cell
    ld t0, 0(a1)
    START
    .rept 16
    \load t0, 0(a1)
    addi t1, t0, 1
    .endr
    END
.endm

LOAD_ADD load_use, ld
LOAD_ADD load_byte_use, lb

/* As load_use, and the addition does not wait for the load. */
ROUTINE(load_no_use)
    la a1, cell
    ld t0, 0(a1)
    START
    .rept 16
    ld t0, 0(a1)
    addi t1, a2, 1
    .endr
    END

ROUTINE(store_burst)
    la a1, cell
    fence
    START
    sd a1, 0(a1)
    sd a1, 64(a1)
    sd a1, 128(a1)
    sd a1, 192(a1)
    END

/* To words of different lines, so that nothing can be merged. */
ROUTINE(store_stream)
    la a1, cell
    fence
    START
    .set offset, 0
    .rept 32
    sd a1, offset(a1)
    .set offset, offset + 40
    .endr
    END

/* A store in every fourth instruction. */
ROUTINE(store_sparse)
    la a1, cell
    fence
    START
    .set offset, 0
    .rept 16
    sd a1, offset(a1)
    addi t0, t0, 1
    addi t1, t1, 1
    addi t2, t2, 1
    .set offset, offset + 40
    .endr
    END

ROUTINE(store_sparse_none)
    START
    .rept 16
    addi t3, a1, 1
    addi t0, t0, 1
    addi t1, t1, 1
    addi t2, t2, 1
    .endr
    END

/* A load of the word that was just stored. */
ROUTINE(store_load)
    la a1, cell
    ld t0, 0(a1)
    fence
    START
    sd a1, 0(a1)
    ld t0, 0(a1)
    addi t0, t0, 1
    END

/*
 * Eight loads from eight lines, each waiting for the one before; bit 0 of a0's word: after 2048 loads of random lines
 * elsewhere. In the order of their addresses they could spare a way: the cache's choice of a victim may follow the order.
 */
ROUTINE(load_lines)
    ld a2, 0(a0)
    la a1, cell
    /* Line n of a chain with a stride of nine lines. */
    mv t0, a1
    li t1, 8
1:  addi t2, t0, 288
    sd t2, 0(t0)
    mv t0, t2
    addi t1, t1, -1
    bnez t1, 1b
    fence
    mv t0, a1
    .rept 8
    ld t0, 0(t0)
    .endr
    beqz a2, 3f
    la a3, spread
    li a4, 2048
    li a5, 0xffe0
    /* Marsaglia's xorshift. */
    li t0, 88172645463325252
2:  slli t1, t0, 13
    xor t0, t0, t1
    srli t1, t0, 7
    xor t0, t0, t1
    slli t1, t0, 17
    xor t0, t0, t1
    and t1, t0, a5
    add t1, a3, t1
    ld t2, 0(t1)
    addi a4, a4, -1
    bnez a4, 2b
3:  START
    .rept 8
    ld a1, 0(a1)
    .endr
    addi a1, a1, 1
    END

/* Eight jumps to eight lines; bit 0 of a0's word: after fence.i, so that the instruction cache is empty. */
ROUTINE(fetch_lines)
    ld a2, 0(a0)
    beqz a2, 2f
    fence.i
    j 2f
    .balign 32
2:  nop
    nop
    START
    .rept 8
    j 1f
    .balign 32
1:
    .endr
    END
