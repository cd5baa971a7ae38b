// First light: a loop, a function, memory.
#include "macros.h"
BEGIN
    TEST(1)
    li a0, 10
    li a1, 0
1:  add a1, a1, a0
    addi a0, a0, -1
    bnez a0, 1b
    EXPECT(a1, 55)
    TEST(2)
    la a0, word
    ld a1, 0(a0)
    EXPECT(a1, 0x1122334455667788)
    li a2, 0xAB
    sb a2, 3(a0)
    ld a1, 0(a0)
    EXPECT(a1, 0x11223344AB667788)
    j pass
END
    .data
    .align 3
word: .dword 0x1122334455667788
