// Loads, stores, the cache and the store buffer, fence.i, I/O.
#include "macros.h"
BEGIN
    la s0, bytes
#define LOAD(number, op, offset, value) TEST(number); op a0, offset(s0); EXPECT(a0, value)
    LOAD(1, lb, 0, 0xffffffffffffff80)
    LOAD(2, lbu, 0, 0x80)
    LOAD(3, lb, 7, 0x77)
    LOAD(4, lh, 2, 0xffffffffffffb3a2)
    LOAD(5, lhu, 2, 0xb3a2)
    LOAD(6, lh, 6, 0x7766)
    LOAD(7, lw, 0, 0xffffffffb3a29180)
    LOAD(8, lwu, 0, 0xb3a29180)
    LOAD(9, lw, 4, 0x776655c4)
    LOAD(10, ld, 0, 0x776655c4b3a29180)

#define STORE(number, op, offset, value, after) \
    TEST(number); la s1, scratch; sd x0, 0(s1); li a0, value; op a0, offset(s1); ld a1, 0(s1); EXPECT(a1, after)
    STORE(20, sb, 5, 0x1122, 0x0000220000000000)
    STORE(21, sh, 2, 0x112233, 0x22330000)
    STORE(22, sw, 4, 0x1122334455, 0x2233445500000000)
    STORE(23, sd, 0, 0x1122334455667788, 0x1122334455667788)

    TEST(30)                            // stores to a line that is not cached, then a load of it: order is kept
    la s1, scratch + 4096
    li a0, 0
1:  slli a1, a0, 3
    add a1, a1, s1
    sd a0, 0(a1)
    addi a0, a0, 1
    li a2, 64
    bne a0, a2, 1b
    li a0, 0
1:  slli a1, a0, 3
    add a1, a1, s1
    ld a3, 0(a1)
    bne a3, a0, fail
    addi a0, a0, 1
    bne a0, a2, 1b

    TEST(31)                            // bytes of one word, one after the other, merge in the buffer
    li a0, 0
    sd x0, 512(s1)
1:  add a1, s1, a0
    sb a0, 512(a1)
    addi a0, a0, 1
    li a2, 8
    bne a0, a2, 1b
    ld a0, 512(s1)
    EXPECT(a0, 0x0706050403020100)

    TEST(32)                            // five lines that share a set of a two-way cache
    la s1, scratch
    li s2, 4096
    li a0, 5
    mv a1, s1
1:  sd a0, 64(a1)
    add a1, a1, s2
    addi a0, a0, -1
    bnez a0, 1b
    li s3, 3                            // three rounds
2:  li a0, 5
    mv a1, s1
1:  ld a2, 64(a1)
    bne a2, a0, fail
    add a1, a1, s2
    addi a0, a0, -1
    bnez a0, 1b
    addi s3, s3, -1
    bnez s3, 2b

    TEST(33)                            // store then load of the same word, at once
    li a0, 0x1234567890abcdef
    sd a0, 72(s1)
    ld a1, 72(s1)
    bne a0, a1, fail
    sw x0, 76(s1)
    ld a1, 72(s1)
    EXPECT(a1, 0x90abcdef)

    TEST(40)                            // self-modifying code: new instruction after fence.i
    la a0, patch
    lw a1, replacement
    jal ra, patch
    EXPECT(a2, 1)
    sw a1, 0(a0)
    fence.i
    jal ra, patch
    EXPECT(a2, 2)

    TEST(50)                            // I/O: every read counts once, in order, none speculative
    li s0, DEVICE
    ld a0, 8(s0)
    EXPECT(a0, 0)
    ld a0, 8(s0)
    ld a1, 8(s0)
    EXPECT(a0, 1)
    EXPECT(a1, 2)
    beq x0, x0, 1f
    ld a0, 8(s0)                        // not executed
    ld a0, 8(s0)
1:  ld a0, 8(s0)
    EXPECT(a0, 3)
    li a0, 0x42
    sd a0, 72(s1)
    fence
    j pass
    .align 2
    .option norvc
patch:
    li a2, 1
    ret
replacement:
    li a2, 2
    .option rvc
END
    .data
    .align 12
scratch:
    .skip 4096 * 6
bytes:
    .byte 0x80, 0x91, 0xa2, 0xb3, 0xc4, 0x55, 0x66, 0x77
