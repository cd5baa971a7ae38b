// C extension: each instruction written as its encoding's mnemonic, and instructions that straddle words and lines.
#include "macros.h"
BEGIN
    .option rvc
    TEST(1)
    la sp, stack
    c.mv s0, sp
    c.addi4spn a0, sp, 1020
    addi a1, s0, 1020
    bne a0, a1, fail
    TEST(2)
    li a0, 0x123456789abcdef0
    c.sdsp a0, 504(sp)
    ld a1, 504(s0)
    bne a0, a1, fail
    c.ldsp a2, 504(sp)
    bne a0, a2, fail
    c.swsp a0, 252(sp)
    c.lwsp a1, 252(sp)
    EXPECT(a1, 0xffffffff9abcdef0)
    TEST(3)
    c.sd a0, 248(s0)
    c.ld a1, 248(s0)
    bne a0, a1, fail
    c.sw a0, 124(s0)
    c.lw a1, 124(s0)
    EXPECT(a1, 0xffffffff9abcdef0)
    TEST(4)
    c.li a0, -32
    EXPECT(a0, -32)
    c.addi a0, 31
    EXPECT(a0, -1)
    c.addiw a0, -32
    EXPECT(a0, -33)
    c.lui a0, 0xfffe1
    EXPECT(a0, 0xfffffffffffe1000)
    c.lui a0, 31
    EXPECT(a0, 0x1f000)
    TEST(5)
    c.addi16sp sp, -512
    addi a0, s0, -512
    bne a0, sp, fail
    c.addi16sp sp, 496
    addi a0, s0, -16
    bne a0, sp, fail
    TEST(6)
    li a0, 0x8000000000000001
    c.srli a0, 63
    EXPECT(a0, 1)
    li a0, 0x8000000000000001
    c.srai a0, 63
    EXPECT(a0, -1)
    c.andi a0, -3
    EXPECT(a0, -3)
    c.slli a0, 33
    EXPECT(a0, 0xfffffffa00000000)
    TEST(7)
    li a0, 0x100000005
    li a1, 7
    c.sub a0, a1
    EXPECT(a0, 0xfffffffe)
    c.addw a0, a1
    EXPECT(a0, 5)
    c.subw a0, a1
    EXPECT(a0, -2)
    c.xor a0, a1
    EXPECT(a0, 0xfffffffffffffff9)
    c.or a0, a1
    EXPECT(a0, -1)
    c.and a0, a1
    EXPECT(a0, 7)
    c.add a0, a1
    EXPECT(a0, 14)
    c.mv a2, a0
    EXPECT(a2, 14)
    TEST(8)
    c.li a0, 0
    c.beqz a0, 1f
    j fail
1:  c.bnez a0, 2f
    c.j 3f
2:  j fail
3:  c.li a0, 1
    c.beqz a0, 2b
    c.bnez a0, 1f
    j fail
1:  la a0, 1f
    c.jr a0
    j fail
1:  la a0, 2f
    c.jalr a0
1:  j fail
2:  la a1, 1b
    bne ra, a1, fail

    TEST(20)                            // 32-bit instructions at all four places of a word, many lines
    li a0, 0
    li a2, 3
1:
    .rept 40
    c.addi a0, 1
    .option norvc
    addi a0, a0, 2
    addi a0, a0, 3
    .option rvc
    .endr
    addi a2, a2, -1
    bnez a2, 2f
    j 3f
2:  j 1b
3:  EXPECT(a0, 720)

    TEST(21)                            // jump into the middle of a 32-bit instruction
    la a0, 1f + 2
    jr a0
    .align 2
1:  .word 0x04050505                    // upper half: c.addi a0, 1 (0x0405 is c.addi s0, 1)
    addi s1, s0, 0
    la a1, stack + 1
    bne s1, a1, fail
    j pass
END
    .data
    .align 4
    .skip 512
stack:
    .skip 1100
