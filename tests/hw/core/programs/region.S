// A jump whose second half is the first halfword of a MiB. The predictor knows a jump that ends there in another MiB,
// to the same place within it, and its tags cannot tell: the guess names the MiB of the second half, the jump goes to
// that of its first. Both places hold code; only one of them is right.
#include "macros.h"
BEGIN
    li s0, 0x80400000
    la a1, learned
    li a2, 0x80400000
    jal s4, copy
    la a1, leave
    li a2, 0x80400100
    jal s4, copy
    la a1, victim
    li a2, 0x805ffffe
    jal s4, copy
    la a1, right
    li a2, 0x80500100
    jal s4, copy
    la a1, wrong
    li a2, 0x80600100
    jal s4, copy
    fence.i
    li s0, 0x80400000
    li s1, 0x805ffffe
    li a0, 0
    li a3, 0
    jalr ra, s1                         // all lines are in the cache from here on
    .rept 3
    jalr ra, s0
    jalr ra, s1
    .endr
    TEST(1)
    EXPECT(a3, 0)
    TEST(2)
    EXPECT(a0, 4)

    // A jump that ends with the last halfword of its MiB: when its guess is followed, fetch already is in the next one.
    la a1, edge
    li a2, 0x804ffffa
    jal s4, copy
    la a1, right
    li a2, 0x80400200
    jal s4, copy
    la a1, wrong
    li a2, 0x80500200
    jal s4, copy
    fence.i
    li s0, 0x804ffffa
    li a0, 0
    li a3, 0
    .rept 4
    jalr ra, s0
    .endr
    TEST(3)
    EXPECT(a3, 0)
    TEST(4)
    EXPECT(a0, 4)
    j pass

copy:                                   // 6 bytes from a1 to a2
    .rept 3
    lhu t0, 0(a1)
    sh t0, 0(a2)
    addi a1, a1, 2
    addi a2, a2, 2
    .endr
    jr s4
END
    .section .rodata, "a"
    .balign 8
    .option push
    .option rvc
learned:
    c.j . + 0x100                       // its only halfword is the first of its MiB
    c.nop
    c.nop
leave:
    c.jr ra
    c.nop
    c.nop
    .option norvc
victim:
    j . - 0xffefe                       // to `right`
    .option rvc
    c.nop
edge:
    c.nop
    .option norvc
    j . - 0xffdfc                       // to 0x80400200
    .option rvc
right:
    addi a0, a0, 1
    c.jr ra
    c.nop
wrong:
    addi a3, a3, 1
    c.jr ra
    c.nop
    .option pop
