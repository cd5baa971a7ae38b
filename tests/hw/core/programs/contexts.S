// Thread contexts: register banks, entered by sret, left by traps. The bench has CONTEXTS = 3 of them.
#include "macros.h"
#define SCTXTRAP 0x5c1
#define SCTXRET 0x5c2
#define SCTXADDR 0x5c3
#define SCTXDATA 0x5c4
#define MCTXTRAP 0x7c0
#define A0 10
#define ADDRESS(context, register) ((context) << 8 | (register))
BEGIN
    la t0, m_handler
    csrw mtvec, t0
    TEST(1)                             // WARL: contexts that do not exist become 0
    csrwi SCTXRET, 2
    csrr a0, SCTXRET
    EXPECT(a0, 2)
    csrwi SCTXRET, 3
    csrr a0, SCTXRET
    EXPECT(a0, 0)
    li a0, -1
    csrw SCTXADDR, a0
    csrr a0, SCTXADDR
    EXPECT(a0, 0x1f)
    TEST(2)                             // registers of other contexts: cleared by reset, read and written
    li a0, ADDRESS(1, A0)
    csrw SCTXADDR, a0
    csrr a0, SCTXADDR
    EXPECT(a0, ADDRESS(1, A0))
    csrr a0, SCTXDATA
    EXPECT(a0, 0)
    li a1, 0x1111
    csrw SCTXDATA, a1
    csrr a0, SCTXDATA
    EXPECT(a0, 0x1111)
    csrrwi a0, SCTXDATA, 5
    EXPECT(a0, 0x1111)
    csrrs a0, SCTXDATA, a1
    EXPECT(a0, 5)
    csrr a0, SCTXDATA
    EXPECT(a0, 0x1115)
    EXPECT(a1, 0x1111)                  // own registers untouched
    TEST(3)                             // x0 of any context stays zero
    li a0, ADDRESS(2, 0)
    csrw SCTXADDR, a0
    csrw SCTXDATA, a0
    csrr a0, SCTXDATA
    EXPECT(a0, 0)
    TEST(4)                             // the current context through the window
    li a0, ADDRESS(0, A0)
    csrw SCTXADDR, a0
    li a0, 0x77
    csrr a1, SCTXDATA
    EXPECT(a1, 0x77)
    li a2, 0x88
    csrw SCTXDATA, a2
    EXPECT(a0, 0x88)
    li a0, 1
    addi a0, a0, 1
    csrr a1, SCTXDATA
    addi a1, a1, 1
    EXPECT(a1, 3)

    TEST(10)                            // sret to U enters SCTXRET's context, the trap from there is context 0 again
    la t0, s_handler
    csrw stvec, t0
    li t0, 1 << 8
    csrw medeleg, t0
    li a0, 100
    EXPECT_TRAP(9, 0, 3f)
    ENTER(MPP_S, 1f)
1:  csrwi SCTXRET, 1
    li s6, 8
    li s7, 0
    la s8, 2f
    la t0, user
    csrw sepc, t0
    li t0, SPP
    csrc sstatus, t0
    sret
2:  EXPECT(a0, 100)                     // context 0's
    csrr a1, SCTXTRAP
    EXPECT(a1, 1)
    li a1, ADDRESS(1, A0)
    csrw SCTXADDR, a1
    csrr a1, SCTXDATA
    EXPECT(a1, 0x1116)                  // context 1 counted up
    TEST(11)                            // the other context, then the first again
    csrwi SCTXRET, 2
    li s6, 8
    la s8, 2f
    la t0, user
    csrw sepc, t0
    sret
2:  csrr a1, SCTXTRAP
    EXPECT(a1, 2)
    csrwi SCTXRET, 1
    li s6, 8
    la s8, 2f
    la t0, user
    csrw sepc, t0
    sret
2:  li a1, ADDRESS(1, A0)
    csrw SCTXADDR, a1
    csrr a1, SCTXDATA
    EXPECT(a1, 0x1117)
    li a1, ADDRESS(2, A0)
    csrw SCTXADDR, a1
    csrr a1, SCTXDATA
    EXPECT(a1, 1)
    TEST(12)                            // a trap within S stays in context 0 and says so; sret to S too
    li t0, SPP
    csrs sstatus, t0
    la t0, 2f
    csrw sepc, t0
    sret
2:  EXPECT(a0, 100)
    li s6, 9
    la s8, 3f
    ecall
3:  EXPECT(a0, 100)                     // M
    csrr a1, MCTXTRAP
    EXPECT(a1, 0)
    TEST(13)                            // M interrupts a thread context and mret to U goes back to it
    csrw medeleg, x0
    csrwi SCTXTRAP, 2
    csrwi MCTXTRAP, 1
    EXPECT_TRAP(8, 0, 2f)
    ENTER(0, user)
2:  csrr a1, MCTXTRAP
    EXPECT(a1, 1)
    csrr a1, SCTXTRAP                   // belongs to S
    EXPECT(a1, 2)
    li a1, ADDRESS(1, A0)
    csrw SCTXADDR, a1
    csrr a1, SCTXDATA
    EXPECT(a1, 0x1118)
    EXPECT(a0, 100)
    EXPECT_TRAP(11, 0, 2f)
    ecall
2:  csrr a1, MCTXTRAP                   // M-mode itself runs in context 0
    EXPECT(a1, 0)
    TEST(14)                            // mret to S: context 0
    EXPECT_TRAP(9, 0, 2f)
    ENTER(MPP_S, 1f)
1:  addi a0, a0, 1
    ecall
2:  EXPECT(a0, 101)
    TEST(15)                            // a load that is on its way when the context goes lands in its own
    la a2, word
    csrwi MCTXTRAP, 2
    li a1, ADDRESS(2, 12)
    csrw SCTXADDR, a1
    csrw SCTXDATA, a2
    EXPECT_TRAP(8, 0, 2f)
    ENTER(0, user_load)
2:  EXPECT(a0, 101)
    li a1, ADDRESS(2, A0)
    csrw SCTXADDR, a1
    csrr a1, SCTXDATA
    EXPECT(a1, 0x123456789)
    j pass
    .align 2
user:
    addi a0, a0, 1
    ecall
    j .
    .align 2
user_load:
    ld a0, 0(a2)
    ecall
    j .
s_fail:
    j fail
    M_HANDLER
    S_HANDLER
END
    .data
    .align 3
word: .dword 0x123456789
