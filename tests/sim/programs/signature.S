/* Writes one value of each size, and what the machine says of itself, into the signature. */
    .section .text.init, "ax"
    .globl _start
_start:
    la t0, begin_signature
    li t1, 0x0123456789abcdef
    sd t1, 0(t0)
    sw t1, 8(t0)
    sh t1, 12(t0)
    sb t1, 14(t0)
    csrr t1, mhartid
    sw t1, 16(t0)
    csrr t1, misa
    srli t1, t1, 62
    sw t1, 20(t0)
    amoadd.w t2, t1, (t0)
    sw t2, 24(t0)
    fence
    li t0, 1
    la t1, tohost
    sd t0, 0(t1)
loop:
    j loop

    .section .tohost, "aw"
    .balign 64
    .globl tohost
tohost:
    .dword 0

    .data
    .balign 16
    .globl begin_signature
begin_signature:
    .fill 8, 4, 0xdeadbeef
    .globl end_signature
end_signature:
