// Integer instructions with edge values, branches, jumps, and forwarding between all of them.
#include "macros.h"
#define MIN 0x8000000000000000
#define MAX 0x7fffffffffffffff
BEGIN
    TEST_RR(1, add, 0x8000000000000000, MAX, 1)
    TEST_RR(2, add, 0, -1, 1)
    TEST_RR(3, sub, MAX, MIN, 1)
    TEST_RR(4, sub, -1, 0, 1)
    TEST_RR(5, addw, 0xffffffff80000000, 0x7fffffff, 1)
    TEST_RR(6, subw, 0x7fffffff, 0xffffffff80000000, 1)
    TEST_RR(7, sll, MIN, 1, 63)
    TEST_RR(8, sll, 1, 1, 64)
    TEST_RR(9, srl, 1, MIN, 63)
    TEST_RR(10, sra, -1, MIN, 63)
    TEST_RR(11, sra, 0x0fffffffffffffff, MAX, 3)
    TEST_RR(12, sllw, 0xffffffff80000000, 1, 31)
    TEST_RR(13, sllw, 1, 0xff00000001, 32)
    TEST_RR(14, srlw, 1, 0xffffffff80000000, 31)
    TEST_RR(15, sraw, -1, 0x80000000, 31)
    TEST_RR(16, sraw, 0x3fffffff, 0xffffffff7fffffff, 1)
    TEST_RR(17, slt, 1, MIN, MAX)
    TEST_RR(18, slt, 0, MAX, MIN)
    TEST_RR(19, sltu, 0, MIN, MAX)
    TEST_RR(20, sltu, 1, 1, -1)
    TEST_RR(21, xor, 0xff00ff00ff00ff00, 0xf0f0f0f0f0f0f0f0, 0x0ff00ff00ff00ff0)
    TEST_RR(22, or, 0xfff0fff0fff0fff0, 0xf0f0f0f0f0f0f0f0, 0x0ff00ff00ff00ff0)
    TEST_RR(23, and, 0x00f000f000f000f0, 0xf0f0f0f0f0f0f0f0, 0x0ff00ff00ff00ff0)
    TEST_RR(24, slt, 0, 5, 5)
    TEST_RR(25, sltu, 0, 5, 5)
    TEST_RI(30, addi, 0x7ff, 0, 2047)
    TEST_RI(31, addi, -2048, 0, -2048)
    TEST_RI(32, addiw, 0xffffffff80000000, 0x7fffffff, 1)
    TEST_RI(33, addiw, 0x12345678, 0xabcdef0012345678, 0)
    TEST_RI(34, slti, 1, MIN, -1)
    TEST_RI(35, sltiu, 1, 5, -1)
    TEST_RI(36, xori, -1, 0, -1)
    TEST_RI(37, ori, 0xfffffffffffffff0, 0xf0, -16)
    TEST_RI(38, andi, 0xf0, 0xff, -16)
    TEST_RI(39, slli, 0x1000000000, 1, 36)
    TEST_RI(40, srli, 0x10, 0x1000000000, 32)
    TEST_RI(41, srai, 0xffffffffffffffff, MIN, 63)
    TEST_RI(42, slliw, 0xfffffffff0000000, 0xff, 28)
    TEST_RI(43, srliw, 0xf, 0x00000000f0000000, 28)
    TEST_RI(44, sraiw, -1, 0x00000000f0000000, 28)

    TEST(50)
    lui a0, 0x80000
    EXPECT(a0, 0xffffffff80000000)
1:  auipc a0, 0
    la a1, 1b
    bne a0, a1, fail
    auipc a0, 0x12345
    addi a0, a0, -4

    TEST(51)                            // x0 stays zero, also through forwarding
    li a0, 7
    add x0, a0, a0
    add a1, x0, x0
    EXPECT(a1, 0)
    la a0, word
    ld x0, 0(a0)
    mv a1, x0
    EXPECT(a1, 0)

    TEST(52)                            // jal, jalr and their links
    jal a0, 2f
1:  j fail
2:  la a1, 1b
    bne a0, a1, fail
    la a0, 4f
    jalr a0, 1(a0)                      // bit 0 of the target is ignored
3:  j fail
4:  la a1, 3b
    bne a0, a1, fail
    la a2, 5f - 2044
    jalr x0, 2044(a2)
    j fail
    .align 2
5:

#define TAKEN(number, op, a, b) \
    TEST(number); li a0, a; li a1, b; op a0, a1, 1f; j fail; 1:
#define NOT_TAKEN(number, op, a, b) \
    TEST(number); li a0, a; li a1, b; op a0, a1, 1f; j 2f; 1: j fail; 2:
    TAKEN(60, beq, -1, -1)
    NOT_TAKEN(61, beq, MIN, 0)
    TAKEN(62, bne, MIN, 0)
    NOT_TAKEN(63, bne, 3, 3)
    TAKEN(64, blt, MIN, MAX)
    NOT_TAKEN(65, blt, MAX, MIN)
    NOT_TAKEN(66, blt, 4, 4)
    TAKEN(67, bge, MAX, MIN)
    TAKEN(68, bge, 4, 4)
    NOT_TAKEN(69, bge, -1, 0)
    TAKEN(70, bltu, MAX, MIN)
    NOT_TAKEN(71, bltu, -1, 0)
    TAKEN(72, bgeu, -1, 0)
    NOT_TAKEN(73, bgeu, 0, 1)
    TAKEN(74, bgeu, 9, 9)

    TEST(80)                            // operands from load, multiplication and CSR at once
    la a0, word
    ld a1, 0(a0)
    addi a1, a1, 1
    EXPECT(a1, 0x1122334455667789)
    li a1, 3
    mul a2, a1, a1
    add a3, a2, a1
    EXPECT(a3, 12)
    li a1, 100
    csrw mscratch, a1
    csrrwi a2, mscratch, 5
    add a3, a2, a2
    EXPECT(a3, 200)
    csrr a2, mscratch
    beqz a2, fail
    EXPECT(a2, 5)
    ld a1, 8(a0)                        // address from a load
    ld a2, 0(a1)
    sd a2, 16(a0)                       // data from a load
    ld a3, 16(a0)
    EXPECT(a3, 0x1122334455667788)
    ld a1, 8(a0)                        // jump to a loaded address
    lw a4, 0(a0)
    ld a5, 24(a0)
    jr a5
    j fail
loaded_target:
    EXPECT(a4, 0x55667788)

    TEST(81)                            // a loop that straddles lines, taken and not
    li a0, 0
    li a1, 100
    j 1f
    .align 5
    .skip 28
    .option norvc
1:  addi a0, a0, 3
    .option rvc
    addi a1, a1, -1
    .option norvc
    bnez a1, 1b
    .option rvc
    EXPECT(a0, 300)
    j pass
END
    .data
    .align 3
word:
    .dword 0x1122334455667788, word, 0, loaded_target
