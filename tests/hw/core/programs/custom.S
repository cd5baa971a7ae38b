// Custom-0 instructions, against the example unit of conftest.py.
#include "macros.h"
#define SCUSTOM 0x5c0
#define CUSTOM(f3, rd, rs1, rs2) .insn r 0x0b, f3, 0, rd, rs1, rs2
#define OTHER(f3, rd, rs1, rs2) .insn r 0x0b, f3, 9, rd, rs1, rs2
#define NOBODY(f3, rd, rs1, rs2) .insn r 0x0b, f3, 8, rd, rs1, rs2
BEGIN
    la t0, m_handler
    csrw mtvec, t0
    TEST(1)                             // accumulator: results in order, forwarded at once
    li a0, 5
    CUSTOM(0, a1, a0, x0)
    addi a2, a1, 1
    EXPECT(a1, 0)
    EXPECT(a2, 1)
    CUSTOM(0, a1, a0, x0)
    CUSTOM(0, a2, a1, x0)
    CUSTOM(0, a3, a2, x0)
    add a4, a3, a2
    EXPECT(a1, 5)
    EXPECT(a2, 10)
    EXPECT(a3, 15)
    EXPECT(a4, 25)
    TEST(2)                             // slow ones, mixed with quick ones
    CUSTOM(1, a1, x0, x0)
    CUSTOM(0, a2, a0, x0)
    CUSTOM(1, a3, a0, x0)
    EXPECT(a1, 25)
    EXPECT(a2, 25)
    EXPECT(a3, 30)
    TEST(3)                             // operands from a load, result to a store
    la s0, word
    ld a0, 0(s0)
    CUSTOM(0, a1, a0, x0)
    sd a1, 8(s0)
    ld a2, 8(s0)
    EXPECT(a2, 35)
    CUSTOM(0, a1, x0, x0)
    EXPECT(a1, 0x1000000023)
    TEST(4)                             // no result: rd keeps its value
    li a1, 77
    CUSTOM(3, a1, a0, x0)
    addi a2, a1, 0
    EXPECT(a2, 77)
    CUSTOM(0, x0, x0, x0)               // rd = x0
    TEST(5)                             // refused: illegal instruction with its bits
    EXPECT_TRAP(2, 0, 2f)
    la s9, 1f
    lwu s7, 0(s9)
    .balign 4
1:  CUSTOM(7, a1, a0, x0)
    j fail
2:  EXPECT(a1, 77)
    TEST(6)                             // exception with a custom cause; nothing behind it happens
    EXPECT_TRAP(27, 0, 2f)
    la s9, 1f
    li a0, 27
    li a1, 5
    nop
1:  CUSTOM(2, a1, a0, x0)
    CUSTOM(0, a1, a0, x0)               // issued, then killed
    li a1, 6
    j fail
2:  EXPECT(a1, 5)
    CUSTOM(0, a1, x0, x0)
    EXPECT(a1, 0x1000000023)
    TEST(7)                             // in the shadow of a branch, of a trap and of a CSR write: never happened
    li a0, 1
    beq x0, x0, 1f
    CUSTOM(0, a1, a0, x0)
1:  EXPECT_TRAP(11, 0, 1f)
    ecall
    CUSTOM(0, a1, a0, x0)
1:  EXPECT_TRAP(5, 0x40000000, 1f)
    li a2, 0x40000000
    ld a1, 0(a2)
    CUSTOM(0, a1, a0, x0)
    CUSTOM(0, a1, a0, x0)
1:  csrw mie, x0
    CUSTOM(0, a1, a0, x0)               // once
    CUSTOM(0, a1, x0, x0)
    EXPECT(a1, 0x1000000024)
    TEST(8)                             // fence: the store buffer is empty first
    sd a0, 0(s0)
    sd a0, 8(s0)
    CUSTOM(5, a1, x0, x0)
    EXPECT(a1, 0x1000000024)
    TEST(9)                             // privilege
    CUSTOM(4, a1, x0, x0)
    EXPECT(a1, 3)
    EXPECT_TRAP(9, 0, 2f)
    ENTER(MPP_S, 1f)
1:  CUSTOM(4, a1, x0, x0)
    ecall
2:  EXPECT(a1, 1)
    TEST(10)                            // U only with SCUSTOM
    EXPECT_TRAP(2, 0, 2f)
    la s7, 1f
    lwu s7, 0(s7)
    ENTER(0, 1f)
    .balign 4
1:  CUSTOM(4, a1, x0, x0)
    ecall
2:  li a0, -1
    csrw SCUSTOM, a0
    csrr a0, SCUSTOM
    EXPECT(a0, 1)
    EXPECT_TRAP(8, 0, 2f)
    ENTER(0, 1b)
2:  EXPECT(a1, 0)
    csrw SCUSTOM, x0

    TEST(11)                            // two units in turn: each has its own state, results in order
    CUSTOM(0, s4, x0, x0)
    li a0, 3
    OTHER(0, a1, a0, x0)
    CUSTOM(0, a2, a0, x0)
    OTHER(1, a3, a0, x0)
    CUSTOM(0, a4, a0, x0)
    OTHER(0, a5, a0, x0)
    OTHER(0, a6, x0, x0)
    sub a2, a2, s4
    sub a4, a4, s4
    EXPECT(a1, 0)
    EXPECT(a2, 0)
    EXPECT(a3, 3)
    EXPECT(a4, 3)
    EXPECT(a5, 6)
    EXPECT(a6, 9)
    TEST(12)                            // an exception of one kills what waits for the other
    EXPECT_TRAP(27, 0, 2f)
    la s9, 1f
    li a0, 27
    li a1, 5
    OTHER(1, a6, x0, x0)
1:  CUSTOM(2, a1, a0, x0)
    OTHER(0, a1, a0, x0)
    j fail
2:  EXPECT(a1, 5)
    EXPECT(a6, 9)
    OTHER(0, a1, x0, x0)
    EXPECT(a1, 9)
    TEST(13)                            // what no unit knows is illegal, whoever is busy
    EXPECT_TRAP(2, 0, 2f)
    la s9, 1f
    lwu s7, 0(s9)
    OTHER(1, a6, x0, x0)
    .balign 4
1:  NOBODY(0, a1, a0, x0)
    j fail
2:  EXPECT(a6, 9)
    OTHER(0, s5, x0, x0)

    TEST(20)                            // a timer that hits a loop of them at every place: each happens once
    CUSTOM(0, s4, x0, x0)
    la t0, ticker
    csrw mtvec, t0
    li s1, CLINT + 0x4000
    csrr a0, time
    addi a0, a0, 9
    sd a0, 0(s1)
    li a0, 0x80
    csrw mie, a0
    li s2, 0
    li s3, 3
    csrsi mstatus, 8
    li a0, 1
    li a2, 1000
1:  CUSTOM(0, a1, a0, x0)
    OTHER(0, a6, a0, x0)
    CUSTOM(0, a3, a0, x0)
    OTHER(1, a6, a0, x0)
    OTHER(5, a6, a0, x0)
    CUSTOM(1, a4, a0, x0)
    CUSTOM(5, a5, a0, x0)
    sd a5, 0(s0)
    addi a2, a2, -1
    bnez a2, 1b
    csrci mstatus, 8
    CUSTOM(0, a1, x0, x0)
    sub a1, a1, s4
    EXPECT(a1, 4000)
    OTHER(0, a1, x0, x0)
    sub a1, a1, s5
    EXPECT(a1, 3000)
    li a0, 100
    bltu s2, a0, fail
    j pass
    .align 2
ticker:
    addi s2, s2, 1
    addi s3, s3, 1
    andi s3, s3, 15
    csrr s10, time
    add s10, s10, s3
    addi s10, s10, 5
    sd s10, 0(s1)
    mret
    M_HANDLER
END
    .data
    .align 3
word: .dword 0x1000000000, 0
