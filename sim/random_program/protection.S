// The last entry of physical memory protection lets everybody everywhere; those before it are the program's. PMP is their
// number.
.macro open_protection
.if PMP
    li x31, -1
    csrw 0x3b0 + PMP - 1, x31
    li x31, 0x1f << (((PMP - 1) & 7) * 8)
    csrw 0x3a0 + ((PMP - 1) >> 3) * 2, x31
.endif
.endm

// Only that entry is left; uses x28.
.macro close_regions
.if PMP
    li x28, 0x1f << (((PMP - 1) & 7) * 8)
    csrw 0x3a0 + ((PMP - 1) >> 3) * 2, x28
.if PMP > 8
    csrw 0x3a0, x0
.endif
.endif
.endm
