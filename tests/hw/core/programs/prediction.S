// The branch predictor guesses; nothing may depend on it. Code is replaced under its table: branches become other
// instructions at the same place, and halves of them. Each block adds its number to a0, run after each other block.
#include "macros.h"
#define BLOCK_BYTES 40
BEGIN
    TEST(1)
    li s0, 0x80200000                   // where the blocks run
    jal s1, all_pairs
    TEST(2)                             // over the end of a region of 1 MiB
    li s0, 0x80300000 - 8
    jal s1, all_pairs
    TEST(3)
    li s0, 0x80300000 - 16
    jal s1, all_pairs
    j pass

all_pairs:
    la s2, blocks
1:  la s3, blocks
2:  mv a1, s2
    jal s4, install_and_run
    mv a1, s3
    jal s4, install_and_run
    addi s3, s3, BLOCK_BYTES
    la t0, blocks_end
    bne s3, t0, 2b
    addi s2, s2, BLOCK_BYTES
    bne s2, t0, 1b
    jr s1

install_and_run:                        // a1: block, s4: return address
    mv a2, s0
    .rept 4
    ld a3, 8(a1)
    sd a3, 0(a2)
    addi a1, a1, 8
    addi a2, a2, 8
    .endr
    fence.i
    ld a4, -32(a1)
    li a5, 5
    li a0, 0
3:  jalr ra, s0
    addi a5, a5, -1
    bnez a5, 3b
    slli a5, a4, 2                      // five times the number
    add a5, a5, a4
    bne a5, a0, fail
    jr s4
END
    .section .rodata, "a"
    .macro block number
    .balign 8
    .dword \number
    .endm
    .macro block_end
    .balign 8, 0
    .endm
    .option rvc
    .balign 8
blocks:
    block 1                             // taken, ends at halfword 1
    c.addi a0, 1
    c.j 1f
    c.addi a0, 16
    c.nop
1:  c.jr ra
    .skip 22, 0
    block 6                             // no branch ends there
    .option norvc
    addi a0, a0, 2
    .option rvc
    c.addi a0, 4
    c.jr ra
    .skip 24, 0
    block 3                             // an instruction begins there
    c.addi a0, 1
    .option norvc
    addi a0, a0, 2
    .option rvc
    c.jr ra
    .skip 24, 0
    block 9                             // a straddling jump, ends at halfword 0 of the next word
    c.nop
    c.nop
    c.addi a0, 8
    .option norvc
    j 1f
    .option rvc
    c.addi a0, 16
1:  c.addi a0, 1
    c.jr ra
    .skip 16, 0
    block 5                             // a straddling instruction that is none
    c.nop
    c.nop
    c.nop
    .option norvc
    addi a0, a0, 5
    .option rvc
    c.jr ra
    .skip 20, 0
    block 10                            // an instruction begins where it ended
    c.nop
    c.nop
    c.nop
    c.addi a0, 7
    .option norvc
    addi a0, a0, 3
    .option rvc
    c.jr ra
    .skip 18, 0
    block 12                            // a compressed jump there
    c.nop
    c.nop
    c.addi a0, 11
    c.nop
    c.j 1f
    c.addi a0, 16
1:  c.addi a0, 1
    c.jr ra
    .skip 16, 0
    block 4                             // a loop
    c.li a2, 4
1:  c.addi a0, 1
    c.addi a2, -1
    c.bnez a2, 1b
    c.jr ra
    .skip 22, 0
    block 7                             // calls and returns
    c.mv a3, ra
    .option norvc
    jal ra, 1f
    .option rvc
    c.addi a0, 3
    c.mv ra, a3
    c.jr ra
    c.nop
1:  c.addi a0, 4
    c.jr ra
    .skip 14, 0
    block 2                             // a system instruction, a division and an access where branches were
    c.nop
    .option norvc
    csrr a2, mscratch
    .option rvc
    c.addi a0, 1
    .option norvc
    div a2, a2, a2
    .option rvc
    c.addi a0, 1
    c.jr ra
    .skip 16, 0
blocks_end:
