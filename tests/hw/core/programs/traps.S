// Exceptions, delegation, privilege rules of instructions and CSRs.
#include "macros.h"
BEGIN
    la t0, m_handler
    csrw mtvec, t0

    TEST(1)                             // illegal instruction: mtval is the instruction, mepc its address
    EXPECT_TRAP(2, 0xffffffff, 2f)
    la s9, 1f
1:  .word 0xffffffff
    j fail
2:  TEST(2)
    EXPECT_TRAP(2, 0, 2f)
    la s9, 1f
1:  .half 0
    .half 0
    j fail
2:  TEST(3)
    EXPECT_TRAP(2, 0x8002, 2f)          // c.jr x0
    .half 0x8002
    j fail
2:  TEST(4)                             // c.fld: no floating point
    EXPECT_TRAP(2, 0x2000, 2f)
    .half 0x2000
    j fail
2:  TEST(5)
    EXPECT_TRAP(3, 0, 2f)
    la s7, 1f
    mv s9, s7
1:  ebreak
    j fail
2:  TEST(6)
    EXPECT_TRAP(11, 0, 2f)
    ecall
    j fail
2:  TEST(7)                             // nothing of a trapped instruction happens, nor of those behind it
    la s0, word
    li a0, 1
    li a1, 1
    EXPECT_TRAP(4, 0, 2f)
    la s7, word + 1
    lw a0, 1(s0)
    li a1, 2
    sd a1, 0(s0)
    j fail
2:  EXPECT(a0, 1)
    EXPECT(a1, 1)
    ld a1, 0(s0)
    EXPECT(a1, 0x1122334455667788)
#define MISALIGNED(number, cause, offset, ...) \
    TEST(number); EXPECT_TRAP(cause, 0, 2f); la s7, word + offset; addi a1, s0, offset; __VA_ARGS__; j fail; 2:
    MISALIGNED(10, 4, 1, lh a0, 0(a1))
    MISALIGNED(11, 4, 2, lw a0, 0(a1))
    MISALIGNED(12, 4, 4, ld a0, 0(a1))
    MISALIGNED(13, 6, 1, sh a0, 0(a1))
    MISALIGNED(14, 6, 2, sw a0, 0(a1))
    MISALIGNED(15, 6, 4, sd a0, 0(a1))
    MISALIGNED(16, 6, 2, amoadd.w a0, a0, (a1))
    MISALIGNED(17, 4, 2, lr.w a0, (a1))
    MISALIGNED(18, 6, 4, sc.d a0, a0, (a1))

#define FAULTS(number, cause, address, ...) \
    TEST(number); EXPECT_TRAP(cause, address, 2f); li a1, address; __VA_ARGS__; j fail; 2:
    FAULTS(20, 5, 0x40000000, ld a0, 0(a1))
    FAULTS(21, 7, 0x40000000, sd a0, 0(a1))
    FAULTS(22, 5, 0x180000000, lw a0, 0(a1))
    FAULTS(23, 7, 0x8000000080000000, sw a0, 0(a1))
    FAULTS(24, 7, 0x10000000, amoadd.d a0, a0, (a1))
    FAULTS(25, 5, 0x10000000, lr.d a0, (a1))
    FAULTS(26, 1, 0x40000000, jr a1)
    FAULTS(27, 1, 0x10000000, jr a1)
    FAULTS(28, 1, 0x8000000000000000, jr a1)
    FAULTS(29, 1, 0x00002000, jr a1)

#define ILLEGAL(number, ...) TEST(number); EXPECT_TRAP(2, 0, 2f); la s7, 1f; lwu s7, 0(s7); \
    .option push; .option norvc; .balign 4; 1: __VA_ARGS__; .option pop; j fail; 2:
    ILLEGAL(30, csrw 0xf11, a0)             // read-only
    ILLEGAL(31, csrr a0, 0x7a0)             // no such CSR
    ILLEGAL(32, csrrs a0, cycle, a0)
    ILLEGAL(33, .word 0x2800a02f)  // amo of no kind
    ILLEGAL(34, .word 0x30200073 + 0x80)   // mret with rd
    TEST(35)                            // reading a read-only CSR through csrrs x0 and csrrci 0 is fine
    csrr a0, mhartid
    csrrci a0, mvendorid, 0
    csrr a0, marchid
    csrr a0, mimpid
    csrr a0, mconfigptr
    csrr a0, misa
    EXPECT(a0, 0x8000000000141105)
    csrr a0, 0xb1f
    csrr a0, 0x33f
    csrr a0, 0x3a0
    csrr a0, 0x3ef
    EXPECT(a0, 0)

    TEST(40)                            // WARL fields
    li a0, -1
    csrw medeleg, a0
    csrr a0, medeleg
    EXPECT(a0, 0xff00b3fe)
    csrw medeleg, x0
    li a0, -1
    csrw mideleg, a0
    csrr a0, mideleg
    EXPECT(a0, 0x222)
    csrw mideleg, x0
    li a0, -1
    csrw mie, a0
    csrr a0, mie
    EXPECT(a0, 0xaaa)
    csrw mie, x0
    li a0, -1
    csrw mtvec, a0
    csrr a0, mtvec
    EXPECT(a0, -3)
    la a0, m_handler
    csrw mtvec, a0
    li a0, -1
    csrw mepc, a0
    csrr a0, mepc
    EXPECT(a0, -2)
    csrw mcounteren, a0
    csrr a0, mcounteren
    csrr a0, mstatus
    li a1, MPP_M
    csrc mstatus, a1
    li a1, 0x1000
    csrs mstatus, a1                    // MPP = 2 does not exist
    csrr a0, mstatus
    EXPECT(a0, 0xa00000000)
    li a0, 0x9000000000000123           // satp with mode 9: no effect
    csrw satp, a0
    csrr a0, satp
    EXPECT(a0, 0)
    li a0, 0x7abcde0000080200
    csrw satp, a0
    csrr a0, satp
    EXPECT(a0, 0)
    li a0, 0x80ffff0000080200
    csrw satp, a0
    csrr a0, satp
    bnez a0, 1f
    j fail
1:  csrw satp, x0
    li a0, 0xfff0
    csrw mcause, a0
    csrw mscratch, a0
    csrrc a1, mscratch, a0
    csrr a1, mscratch
    EXPECT(a1, 0)
    csrrsi a1, mscratch, 31
    csrrci a1, mscratch, 1
    EXPECT(a1, 31)
    csrr a1, mscratch
    EXPECT(a1, 30)

    TEST(41)                            // counters
    csrr a0, mcycle
    csrr a1, mcycle
    bgeu a0, a1, fail
    csrw mcycle, x0
    csrr a0, mcycle
    li a1, 100
    bgeu a0, a1, fail
    csrw minstret, x0
    csrr a0, minstret
    EXPECT(a0, 0)
    nop
    csrr a0, minstret
    EXPECT(a0, 4)                       // the first csrr, li, beq, nop
    csrr a0, time

    TEST(50)                            // M to U and back by ecall
    EXPECT_TRAP(8, 0, 2f)
    ENTER(0, 1f)
1:  ecall
    j fail
2:  csrr a0, mstatus
    li a1, MPP_M
    and a0, a0, a1
    EXPECT(a0, 0)
    TEST(51)
    EXPECT_TRAP(9, 0, 2f)
    ENTER(MPP_S, 1f)
1:  ecall
    j fail
2:  csrr a0, mstatus
    li a1, MPP_M
    and a0, a0, a1
    EXPECT(a0, MPP_S)

// An instruction that `mpp` may not execute.
#define ILLEGAL_IN(number, mpp, ...) TEST(number); EXPECT_TRAP(2, 0, 2f); la s7, 1f; lwu s7, 0(s7); \
    ENTER(mpp, 1f); .option push; .option norvc; .balign 4; 1: __VA_ARGS__; .option pop; ecall; j fail; 2:
// One that it may: the trap that comes is its ecall.
#define LEGAL_IN(number, mpp, ...) TEST(number); EXPECT_TRAP(8 + mpp / MPP_S, 0, 2f); ENTER(mpp, 1f); \
    1: __VA_ARGS__; ecall; j fail; 2:
    csrw mcounteren, x0
    csrw scounteren, x0
    csrw menvcfg, x0
    ILLEGAL_IN(60, 0, csrr a0, sstatus)
    ILLEGAL_IN(61, 0, csrr a0, mstatus)
    ILLEGAL_IN(62, MPP_S, csrr a0, mstatus)
    ILLEGAL_IN(63, 0, mret)
    ILLEGAL_IN(64, MPP_S, mret)
    ILLEGAL_IN(65, 0, sret)
    ILLEGAL_IN(66, 0, sfence.vma)
    ILLEGAL_IN(67, 0, wfi)
    ILLEGAL_IN(68, 0, csrr a0, cycle)
    ILLEGAL_IN(69, MPP_S, csrr a0, time)
    ILLEGAL_IN(70, MPP_S, csrr a0, 0x14d)   // stimecmp without STCE
    LEGAL_IN(71, MPP_S, sfence.vma)
    LEGAL_IN(72, MPP_S, csrw satp, x0)
    LEGAL_IN(73, MPP_S, csrr a0, sstatus)
    li a0, 7
    csrw mcounteren, a0
    LEGAL_IN(74, MPP_S, csrr a0, instret)
    ILLEGAL_IN(75, 0, csrr a0, instret)
    li a0, 2
    csrw scounteren, a0
    LEGAL_IN(76, 0, csrr a0, time)
    ILLEGAL_IN(77, 0, csrr a0, cycle)
    ILLEGAL_IN(78, MPP_S, csrr a0, 0x14d)
    li a0, 1 << 63
    csrw menvcfg, a0
    LEGAL_IN(79, MPP_S, csrr a0, 0x14d)
    csrw menvcfg, x0
    li a0, 1 << 20                      // TVM
    csrs mstatus, a0
    ILLEGAL_IN(80, MPP_S, sfence.vma x0, a0)
    ILLEGAL_IN(81, MPP_S, csrr a0, satp)
    li a0, 3 << 20                      // TW instead
    csrc mstatus, a0
    li a0, 2 << 20
    csrs mstatus, a0
    ILLEGAL_IN(82, MPP_S, wfi)
    csrc mstatus, a0
    li a0, 4 << 20                      // TSR
    csrs mstatus, a0
    ILLEGAL_IN(83, MPP_S, sret)
    csrc mstatus, a0
    ILLEGAL_IN(84, 0, .word 0x0000000b)     // custom-0 without SCUSTOM
    ILLEGAL_IN(85, 0, csrr a0, 0x5c0)
    ILLEGAL_IN(86, MPP_S, csrr a0, 0x7c0)

    TEST(90)                            // delegation: from U to S, with sret back
    la t0, s_handler
    csrw stvec, t0
    li t0, 1 << 8
    csrw medeleg, t0
    li t0, 2                            // SIE set: SPIE remembers it
    csrs mstatus, t0
    EXPECT_TRAP(8, 0, 2f)
    ENTER(0, 1f)
1:  ecall
    j fail
2:  csrr a0, sstatus                    // now in S
    EXPECT(a0, 0x200000020)
    la t0, 3f
    csrw sepc, t0
    EXPECT_TRAP(8, 0, 4f)
    sret
3:  ecall                               // U again
    j fail
4:  csrr a0, sstatus
    andi a0, a0, 0x122
    EXPECT(a0, 0x020)
    EXPECT_TRAP(2, 0x30200073, 5f)      // an illegal instruction of S is not delegated
    mret
    j fail
5:  csrr a0, mstatus
    srli a0, a0, 11
    andi a0, a0, 3
    EXPECT(a0, 1)
    li t0, 0x4
    csrs medeleg, t0
    TEST(91)                            // M's own traps never go to S
    EXPECT_TRAP(2, 0xffffffff, 5f)
    .word 0xffffffff
5:  TEST(92)                            // S's do
    EXPECT_TRAP(2, 0xffffffff, 6f)
    ENTER(MPP_S, 5f)
5:  .word 0xffffffff
6:  csrr a0, sstatus                    // SPP = 1
    andi a0, a0, 0x100
    EXPECT(a0, 0x100)
    EXPECT_TRAP(9, 0, 7f)
    ecall
7:  TEST(93)                            // MPRV: cleared by mret to a lower mode
    li t0, 1 << 17
    csrs mstatus, t0
    ENTER(MPP_S, 8f)
8:  EXPECT_TRAP(9, 0, 9f)
    ecall
9:  csrr a0, mstatus
    li a1, 1 << 17
    and a0, a0, a1
    bnez a0, fail
    j pass
s_fail:
    j fail
    M_HANDLER
    S_HANDLER
END
    .data
    .align 3
word: .dword 0x1122334455667788
