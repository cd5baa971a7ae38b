// Every program ends here, in M-mode.
finish:
    li x30, 1
    la x31, tohost
    sd x30, 0(x31)
1:  j 1b

.section .tohost, "aw"
.balign 64
.globl tohost
tohost: .dword 0
.globl fromhost
fromhost: .dword 0
.section .data, "aw"
