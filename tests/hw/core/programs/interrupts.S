// Interrupts: enables, priorities, delegation, vectors, wfi, timers, precision.
#include "macros.h"
#define INT (1 << 63)
BEGIN
    la t0, m_handler
    csrw mtvec, t0
    li s0, DEVICE
    li s1, CLINT
    TEST(1)                             // pending bits follow the lines
    csrr a0, mip
    EXPECT(a0, 0)
    li a0, 1
    sd a0, 0(s0)
    fence
    csrr a0, mip
    csrr a0, mip
    EXPECT(a0, 0x800)
    li a0, 2
    sd a0, 0(s0)
    nop
    nop
    csrr a0, mip
    EXPECT(a0, 0x200)
    csrrci a1, mip, 0                   // a set or clear does not copy the line into the software bit
    li a0, 2
    csrs mip, a0
    sd x0, 0(s0)
    nop
    nop
    csrr a0, mip
    EXPECT(a0, 2)
    csrw mip, x0

    TEST(2)                             // not taken while MIE is clear, taken as soon as it is set
    li a0, 0x800
    csrw mie, a0
    li a0, 1
    sd a0, 0(s0)
    fence
    nop
    nop
    EXPECT_TRAP(INT + 11, 0, 2f)
    la s9, 1f
    csrsi mstatus, 8
1:  j fail
2:  csrr a0, mstatus                    // MIE went to MPIE
    andi a0, a0, 0x88
    EXPECT(a0, 0x80)
    li a0, MPP_M
    csrr a1, mstatus
    and a1, a1, a0
    EXPECT(a1, MPP_M)
    sd x0, 0(s0)
    fence

    TEST(3)                             // priorities among M interrupts: external, software, timer
    li a0, 0x888
    csrw mie, a0
    li a0, 1
    sw a0, 0(s1)                        // msip
    li a1, 0x4000
    add a1, a1, s1
    sd x0, 0(a1)                        // mtimecmp = 0
    sd a0, 0(s0)                        // meip
    nop
    nop
    csrr a0, mip
    EXPECT(a0, 0x888)
    EXPECT_TRAP(INT + 11, 0, 2f)
    csrsi mstatus, 8
    j fail
2:  sd x0, 0(s0)
    EXPECT_TRAP(INT + 3, 0, 2f)
    csrsi mstatus, 8
    j fail
2:  sw x0, 0(s1)
    EXPECT_TRAP(INT + 7, 0, 2f)
    csrsi mstatus, 8
    j fail
2:  li a0, -1
    sd a0, 0(a1)

    TEST(4)                             // in U, M interrupts come whatever MIE says
    EXPECT_TRAP(INT + 7, 0, 2f)
    csrr a2, time
    addi a2, a2, 40
    sd a2, 0(a1)
    csrci mstatus, 8
    li a3, 0x80
    csrc mstatus, a3
    ENTER(0, 1f)
1:  j 1b
2:  li a0, -1
    sd a0, 0(a1)
    csrr a0, mstatus
    li a2, MPP_M
    and a0, a0, a2
    EXPECT(a0, 0)

    TEST(5)                             // vectored: interrupts to base + 4 * cause, exceptions to base
    la t0, vectors + 1
    csrw mtvec, t0
    li s6, 0
    li a0, 1
    sw a0, 0(s1)
    csrsi mstatus, 8
    nop
    nop
    EXPECT(s6, 3)
    ecall
    EXPECT(s6, 100)
    csrci mstatus, 8
    la t0, m_handler
    csrw mtvec, t0

    TEST(6)                             // wfi wakes though MIE is clear, and does not trap
    csrr a2, time
    addi a2, a2, 30
    sd a2, 0(a1)
    li a0, 0x80
    csrw mie, a0
    csrci mstatus, 8
    wfi
    csrr a3, time
    bltu a3, a2, fail
    TEST(7)                             // and with MIE set traps behind itself
    EXPECT_TRAP(INT + 7, 0, 2f)
    la s9, 1f
    li a0, -1
    sd a0, 0(a1)
    csrr a2, time
    addi a2, a2, 60
    sd a2, 0(a1)
    csrsi mstatus, 8
    wfi
1:  j fail
2:  li a0, -1
    sd a0, 0(a1)

    TEST(10)                            // delegation to S: seip, from U
    la t0, s_handler
    csrw stvec, t0
    li t0, 0x222
    csrw mideleg, t0
    li t0, 0xaaa
    csrw mie, t0
    EXPECT_TRAP(INT + 9, 0, 2f)
    ENTER(0, 1f)
1:  li s0, DEVICE
    li a0, 2
    sd a0, 0(s0)
    j .
2:  csrr a0, sip                        // now in S with SIE clear
    EXPECT(a0, 0x200)
    csrr a0, sie
    EXPECT(a0, 0x222)
    sd x0, 0(s0)
    nop
    nop
    TEST(11)                            // ssip, set by S itself
    csrsi sip, 2
    csrr a0, sip
    EXPECT(a0, 2)
    EXPECT_TRAP(INT + 1, 0, 2f)
    la s9, 1f
    csrsi sstatus, 2
1:  j fail
2:  csrci sip, 2
    TEST(12)                            // S cannot raise its own external or timer interrupt
    li a0, 0x222
    csrw sip, a0
    csrr a0, sip
    EXPECT(a0, 2)
    csrw sip, x0
    TEST(13)                            // an M interrupt takes S in the middle, delegated ones do not reach M
    EXPECT_TRAP(INT + 3, 0, 2f)
    li s1, CLINT
    li a0, 1
    sw a0, 0(s1)
    j .
2:  sw x0, 0(s1)                        // M
    li a0, 2
    csrs mip, a0
    csrsi mstatus, 8                    // delegated, so not taken in M
    nop
    nop
    nop
    csrci mstatus, 8
    csrw mip, x0

    TEST(14)                            // Sstc: stimecmp raises STIP for S
    li a0, 1 << 63
    csrw menvcfg, a0
    li a0, 7
    csrw mcounteren, a0
    li a0, 0x20
    csrs mip, a0                        // STIP is not writable now
    csrr a0, mip
    EXPECT(a0, 0)
    EXPECT_TRAP(INT + 5, 0, 2f)
    ENTER(MPP_S, 1f)
1:  csrr a0, time
    addi a0, a0, 30
    csrw 0x14d, a0
    csrsi sstatus, 2
3:  wfi
    j 3b
2:  csrr a1, time
    bltu a1, a0, s_fail
    csrr a1, sip
    andi a1, a1, 0x20
    EXPECT(a1, 0x20)
    li a0, -1
    csrw 0x14d, a0
    nop
    nop
    csrr a1, sip
    EXPECT(a1, 0)
    TEST(15)                            // among S interrupts: external, software, timer
    csrwi 0x14d, 0
    csrsi sip, 2
    EXPECT_TRAP(INT + 1, 0, 2f)
    csrsi sstatus, 2
    j s_fail
2:  li s0, DEVICE
    li a0, 2
    sd a0, 0(s0)
    nop
    EXPECT_TRAP(INT + 9, 0, 2f)
    csrsi sstatus, 2
    j s_fail
2:  sd x0, 0(s0)
    csrci sip, 2
    EXPECT_TRAP(INT + 5, 0, 2f)
    csrsi sstatus, 2
    j s_fail
2:  li a0, -1
    csrw 0x14d, a0

    TEST(20)                            // a timer that hits a busy loop at every place: nothing is lost or done twice
    EXPECT_TRAP(9, 0, 2f)
    ecall
2:  la t0, ticker
    csrw mtvec, t0
    li s1, CLINT + 0x4000
    csrr a0, time
    addi a0, a0, 7
    sd a0, 0(s1)
    li a0, 0x80
    csrw mie, a0
    li s2, 0                            // ticks
    li s3, 7                            // period
    csrsi mstatus, 8
    li a0, 0
    la a1, counters
    li a2, 3000
1:  ld a3, 0(a1)
    addi a3, a3, 1
    sd a3, 0(a1)
    li a4, 1
    addi a5, a1, 8
    amoadd.w a5, a4, (a5)
    mul a6, a4, a4
    div a6, a6, a4
    add a0, a0, a6
    ld a7, 72(a1)
    add a7, a7, a6
    sd a7, 72(a1)
    addi a2, a2, -1
    bnez a2, 1b
    csrci mstatus, 8
    EXPECT(a0, 3000)
    ld a3, 0(a1)
    EXPECT(a3, 3000)
    ld a3, 72(a1)
    EXPECT(a3, 3000)
    lw a3, 8(a1)
    EXPECT(a3, 3000)
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

    .align 2
vectors:
    .option push
    .option norvc
    j v_exception
    j fail
    j fail
    j v_software
    .rept 8
    j fail
    .endr
    .option pop
v_software:
    li s6, 3
    sw x0, 0(s1)
    fence
    mret
v_exception:
    li s6, 100
    csrr s10, mepc
    addi s10, s10, 4
    csrw mepc, s10
    mret
s_fail:
    j fail
    M_HANDLER
    S_HANDLER
END
    .data
    .align 6
counters: .skip 128
