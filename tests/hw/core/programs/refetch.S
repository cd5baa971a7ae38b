// A jump predicted in the middle of a longer instruction makes fetch begin again there. The instruction in front of
// it, which waits in decode for a slow one, must not be lost. The jump was learned 1 MiB away, where the table
// cannot tell the two apart.
#include "macros.h"
BEGIN
    TEST(1)
    li s0, 0x80200000
    la a1, learned
    mv a2, s0
    jal s4, install
    li s1, 0x80300000
    la a1, victim
    mv a2, s1
    jal s4, install
    fence.i
    li a3, 100
    li a4, 7
    jalr ra, s1                         // the victim's lines are in the cache from here on
    .rept 4
    jalr ra, s0
    .endr
    li a0, 0
    li a1, 0
    jalr ra, s1
    EXPECT(a6, 28)
    TEST(2)
    EXPECT(a0, 1)
    TEST(3)
    EXPECT(a1, 1)
    j pass

install:                                // 32 bytes from a1 to a2
    .rept 4
    ld t0, 0(a1)
    sd t0, 0(a2)
    addi a1, a1, 8
    addi a2, a2, 8
    .endr
    jr s4
END
    .section .rodata, "a"
    .balign 8
    .option push
    .option rvc
learned:
    .rept 6
    c.nop
    .endr
    c.j 1f                              // at offset 12
    c.nop
1:  c.jr ra
    .balign 32, 0
    .option norvc
victim:
    div a5, a3, a4
    add a6, a5, a5
    addi a0, a0, 1                      // at offset 8, waits for the division
    addi a1, a1, 1                      // at offset 12
    ret
    .balign 32, 0
    .option pop
