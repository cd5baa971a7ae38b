// A extension.
#include "macros.h"
#define AMO(number, op, memory, register, after) \
    TEST(number); la s0, word; li a0, memory; sd a0, 0(s0); li a1, register; op a2, a1, (s0); \
    bne a2, a0, fail; ld a3, 0(s0); EXPECT(a3, after); fence; ld a3, 0(s0); EXPECT(a3, after)
// A word in the upper half; the lower half stays.
#define AMOW(number, op, memory, register, after) \
    TEST(number); la s0, word; li a0, 0x55555555; sw a0, 0(s0); li a0, memory; sw a0, 4(s0); addi s1, s0, 4; \
    li a1, register; op a2, a1, (s1); sext.w a0, a0; bne a2, a0, fail; lw a3, 4(s0); EXPECT(a3, after); \
    lw a3, 0(s0); EXPECT(a3, 0x55555555)
BEGIN
    AMO(1, amoadd.d, 0x7fffffffffffffff, 1, 0x8000000000000000)
    AMO(2, amoswap.d, 5, 6, 6)
    AMO(3, amoxor.d, 0xff00, 0x0ff0, 0xf0f0)
    AMO(4, amoor.d, 0xff00, 0x0ff0, 0xfff0)
    AMO(5, amoand.d, 0xff00, 0x0ff0, 0x0f00)
    AMO(6, amomin.d, -1, 1, -1)
    AMO(7, amomax.d, -1, 1, 1)
    AMO(8, amominu.d, -1, 1, 1)
    AMO(9, amomaxu.d, -1, 1, -1)
    AMO(10, amomin.d, 3, 2, 2)
    AMO(11, amomaxu.d, 3, 4, 4)
    AMOW(20, amoadd.w, 0x7fffffff, 1, 0xffffffff80000000)
    AMOW(21, amoswap.w, -5, 0x1122334455667788, 0x55667788)
    AMOW(22, amomin.w, 0x80000000, 1, 0xffffffff80000000)
    AMOW(23, amomax.w, 0x80000000, 1, 1)
    AMOW(24, amominu.w, 0x80000000, 1, 1)
    AMOW(25, amomaxu.w, 0x80000000, 1, 0xffffffff80000000)
    AMOW(26, amoxor.w, 0x0f0f0f0f, -1, 0xfffffffff0f0f0f0)

    TEST(40)                            // lr/sc succeeds, and only once
    la s0, word
    li a0, 10
    sd a0, 0(s0)
    lr.d a1, (s0)
    EXPECT(a1, 10)
    li a2, 11
    sc.d a3, a2, (s0)
    EXPECT(a3, 0)
    ld a1, 0(s0)
    EXPECT(a1, 11)
    li a2, 12
    sc.d a3, a2, (s0)
    EXPECT(a3, 1)
    ld a1, 0(s0)
    EXPECT(a1, 11)
    TEST(41)                            // a reservation holds for its own address only
    lr.w a1, (s0)
    addi s1, s0, 64
    sc.w a3, a2, (s1)
    EXPECT(a3, 1)
    sc.w a3, a2, (s0)
    EXPECT(a3, 1)
    TEST(42)                            // upper word
    li a0, -2
    sw a0, 4(s0)
    addi s1, s0, 4
    lr.w a1, (s1)
    EXPECT(a1, -2)
    sc.w a3, x0, (s1)
    EXPECT(a3, 0)
    sc.w a3, s1, (s1)
    EXPECT(a3, 1)
    ld a0, 0(s0)
    EXPECT(a0, 11)
    TEST(43)                            // a return from a trap ends it
    la a0, 1f
    csrw mepc, a0
    li a0, 0x1800
    csrs mstatus, a0
    lr.d a1, (s0)
    mret
1:  sc.d a3, x0, (s0)
    EXPECT(a3, 1)
    TEST(44)                            // a lock taken in a loop, data behind it
    li s2, 50
    la s1, word + 128
2:  lr.w.aq a0, (s1)
    addi a0, a0, 1
    sc.w.rl a1, a0, (s1)
    bnez a1, 2b
    addi s2, s2, -1
    bnez s2, 2b
    lw a0, 0(s1)
    EXPECT(a0, 50)
    j pass
END
    .data
    .align 6
word:
    .skip 256
