/* Branches, jumps, calls and returns, predicted and not. */
#include "measure.h"

ROUTINE(branch_not_taken)
    START
    .rept 16
    bne zero, zero, 1f
    .endr
1:  END

.macro HOPS name, jump:vararg
ROUTINE(\name)
    START
    .rept 16
    \jump
    nop
    nop
    nop
1:
    .endr
    END
.endm

HOPS branch_taken, beq zero, zero, 1f
HOPS jump, j 1f

/* Eight calls of a function that only returns, and of one that does eight additions. */
.macro CALLS name, function
ROUTINE(\name)
    mv a2, ra
    START
    .rept 8
    jal \function
    nop
    nop
    nop
    .endr
    STOP
    jr a2
ROUTINE(\function)
.endm

CALLS call_empty, leaf
    ret
CALLS call_short, short
    .rept 8
    addi t0, t0, 1
    .endr
    ret

/*
 * One branch, taken or not as the bits of a0's word say from the least significant on; the highest one bit only ends the
 * list. Returns the cycles around the branch when it ran last. In each direction three instructions stand between the
 * branch and the second read, so a direction's cycles can be compared with the same direction's.
 */
ROUTINE(branch_pattern)
    ld a1, 0(a0)
    li a2, 1
1:  andi a3, a1, 1
    srli a1, a1, 1
    nop
    nop
    START
    bnez a3, 2f
    nop
    nop
    nop
    STOP
    bne a1, a2, 1b
    ret
    .balign 32
2:  nop
    nop
    nop
    STOP
    bne a1, a2, 1b
    ret

/* The same with an indirect jump to one of two targets. */
ROUTINE(jump_pattern)
    ld a1, 0(a0)
    li a2, 1
    la a4, 2f
    la a5, 3f
1:  andi a3, a1, 1
    srli a1, a1, 1
    mv a6, a4
    beqz a3, 4f
    mv a6, a5
4:  nop
    nop
    START
    jr a6
    .balign 32
2:  STOP
    bne a1, a2, 1b
    ret
    .balign 32
3:  STOP
    bne a1, a2, 1b
    ret

/* The same with a return: to its caller, or where the bit is set to somewhere else. */
ROUTINE(return_pattern)
    ld a1, 0(a0)
    li a2, 1
    mv a7, ra
    la a5, 3f
1:  andi a3, a1, 1
    srli a1, a1, 1
    call returns
    STOP
    bne a1, a2, 1b
    jr a7
    .balign 32
3:  STOP
    bne a1, a2, 1b
    jr a7
ROUTINE(returns)
    beqz a3, 1f
    mv ra, a5
1:  nop
    nop
    nop
    START
    ret

/* Sixteen jumps that no predictor has room for, because 2048 others ran in between (bit 0 of a0's word: they ran). */
ROUTINE(jump_first_seen)
    ld a1, 0(a0)
    beqz a1, 3f
    .rept 2048
    j 2f
2:
    .endr
    /* Bring the measured lines back into the cache without running their jumps: they are read as data nowhere else. */
3:  nop
    START
    .rept 16
    j 1f
    nop
    nop
    nop
1:
    .endr
    END
