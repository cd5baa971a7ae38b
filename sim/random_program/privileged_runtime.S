// Handlers of privileged programs. They change no register that random code sees, but those that a request names, so an
// interrupt may come anywhere; and they bring the program back to its next block from whatever it got itself into.
#
// Requests are ecalls with a number in x29: 0, 1 or 3: go on in that privilege; 16 more: the same at the start of a block,
// x28 is the block after it; 8: have a timer interrupt soon; 9: clear mstatus.TVM, TW and TSR; others: nothing.
#
// Given from outside: the constants of `PrivilegedProgram.setup`.

.equ SAVE_X30, 0
.equ SAVE_X28, 8
.equ SAVE_X27, 16
.equ SAVE_X31, 24
.equ SAVED_BYTES, 32
.equ FLAG, 64    // what an ecall from the S-mode handler means
.equ TRAPS, 72    // exceptions since the last request
.equ NEXT, 80    // block to go on with if this one is given up
.equ ALL_TRAPS, 88    // of M-mode, interrupts included, since the beginning
.equ FLAG_FORWARD, 1    // the ecall that U-mode made
.equ FLAG_GIVE_UP, 2
.equ FLAG_ACKNOWLEDGE, 3
.equ SSTATUS_TRAPS, 0x7e0000 # TSR, TW, TVM, MXR, SUM and MPRV

.section .text.init, "awx"
.globl _start
_start:
    la x31, machine_table
    ori x31, x31, VECTORED_M
    csrw mtvec, x31
    la x31, supervisor_table
    ori x31, x31, VECTORED_S
    csrw stvec, x31
    la x31, machine_save
    csrw mscratch, x31
    la x31, supervisor_save
    csrw sscratch, x31
    li x31, DELEGATION
    csrw medeleg, x31
    li x31, INTERRUPTS
    csrw mideleg, x31
    li x31, COUNTERS_M
    csrw mcounteren, x31
    li x31, COUNTERS_S
    csrw scounteren, x31
    li x31, -1
    csrw 0x14d, x31    // stimecmp
    li x31, ENVIRONMENT
    csrw 0x30a, x31    // menvcfg
    li x31, CUSTOM
    csrw 0x5c0, x31    // SCUSTOM
    open_protection
    // interrupt controller and UART
    li x30, PLIC + 4 * UART_SOURCE
    li x31, PRIORITY
    sw x31, 0(x30)
    li x30, ENABLES_M_AT
    li x31, ENABLE_M
    sw x31, 0(x30)
    li x30, ENABLES_S_AT
    li x31, ENABLE_S
    sw x31, 0(x30)
    li x30, UART
    li x31, FIFO
    sb x31, 2(x30)
    li x31, 1
    sb x31, 1(x30)
    li x30, MTIME
    ld x31, 0(x30)
    li x29, TICK
    add x31, x31, x29
    li x30, MTIMECMP
    sd x31, 0(x30)
.if CONTEXTS > 1
    // registers of the other contexts: x3 and x4 as usual, the rest depends on its number
    li x30, CONTEXTS - 1
1:  li x31, 31
2:  slli x29, x30, 8
    or x29, x29, x31
    csrw 0x5c3, x29    // SCTXADDR
    mul x29, x29, x29
    la x28, data_area
    li x27, ALIAS
    add x28, x28, x27
    addi x27, x31, -3
    bnez x27, 3f
    mv x29, x28
3:  addi x27, x31, -4
    bnez x27, 4f
    li x29, 1 << 32
4:  csrw 0x5c4, x29    // SCTXDATA
    csrr x28, 0x5c4
    addi x31, x31, -1
    bnez x31, 2b
    addi x30, x30, -1
    bnez x30, 1b
.endif
    li x31, SATP
    csrw satp, x31
    sfence.vma
    li x31, ENABLES
    csrw mie, x31
    la x3, data_area
    li x4, 1 << 32
    j begin

.option push
.option norvc
.balign 256
machine_table:
    .rept 16
    j machine_trap
    .endr

machine_trap:
    csrrw x31, mscratch, x31
    sd x30, SAVE_X30(x31)
    sd x28, SAVE_X28(x31)
    sd x27, SAVE_X27(x31)
    csrr x30, mscratch
    sd x30, SAVE_X31(x31)
    csrw mscratch, x31
    // random code may go round for ever: through what it wrote over itself, or in the middle of a handler
    ld x28, ALL_TRAPS(x31)
    addi x28, x28, 1
    sd x28, ALL_TRAPS(x31)
    srli x28, x28, ALL_TRAPS_BITS
    bnez x28, give_up_all
    csrr x30, mcause
    bltz x30, machine_interrupt
    csrr x28, mtval
    csrr x28, mstatus
    csrr x28, mip
    csrr x28, 0x7c0    // MCTXTRAP
    addi x28, x30, -8
    beqz x28, request
    addi x28, x30, -9
    beqz x28, request
    addi x28, x30, -11
    beqz x28, request
    ld x28, TRAPS(x31)
    addi x28, x28, 1
    sd x28, TRAPS(x31)
    addi x28, x28, -LIMIT
    bgtz x28, give_up
    csrr x28, mepc
    // from the window back to where the leap came from; a fetch that fails elsewhere is beyond help
    srli x27, x28, 32
    bnez x27, machine_leap
    addi x27, x30, -1
    beqz x27, give_up
    addi x27, x30, -12
    beqz x27, give_up
    srli x27, x28, 30
    addi x27, x27, -3
    bnez x27, 1f
    li x27, ALIAS
    sub x28, x28, x27
1:  srli x27, x28, 28
    addi x27, x27, -8
    bnez x27, give_up
    lhu x27, 0(x28)
    andi x27, x27, 3
    addi x27, x27, -3
    snez x27, x27
    slli x27, x27, 1
    addi x27, x27, -4
    csrr x28, mepc
    sub x28, x28, x27
    csrw mepc, x28
machine_return:
    ld x30, SAVE_X30(x31)
    ld x28, SAVE_X28(x31)
    ld x27, SAVE_X27(x31)
    ld x31, SAVE_X31(x31)
    mret
machine_leap:
    // x1 is that of context 0
    csrr x27, 0x7c0
    bnez x27, give_up
    csrw mepc, x1
    j machine_return

// In M-mode at the next block, with everything that the handlers rely on as it was at the start.
give_up:
    ld x28, NEXT(x31)
    addi x27, x28, 1
    sd x27, NEXT(x31)
    sd x0, TRAPS(x31)
    sd x0, FLAG(x31)
    li x27, BLOCKS
    bltu x28, x27, 1f
    mv x28, x27
1:  slli x28, x28, 3
    la x27, block_table
    add x28, x28, x27
    ld x28, 0(x28)
1:  csrw mepc, x28
    close_regions
    li x28, SSTATUS_TRAPS
    csrc mstatus, x28
    li x28, 3 << 11
    csrs mstatus, x28
    la x28, supervisor_save
    csrw sscratch, x28
    la x3, data_area
    li x4, 1 << 32
    j machine_return

give_up_all:
    la x28, finish
    j 1b

request:
    sd x0, TRAPS(x31)
    csrr x28, mepc
    ld x30, FLAG(x31)
    sd x0, FLAG(x31)
    addi x27, x30, -FLAG_GIVE_UP
    beqz x27, give_up
    addi x27, x30, -FLAG_ACKNOWLEDGE
    beqz x27, acknowledge_supervisor
    bnez x30, 2f
    // a flag that could not be set: memory protection shuts S-mode out
    la x27, supervisor_call
    beq x28, x27, give_up
    j 1f
2:  csrr x28, sepc
    li x30, 3 << 11
    csrc mstatus, x30    // the ecall was U-mode's
1:  addi x28, x28, 4
    csrw mepc, x28
    addi x27, x29, -8
    beqz x27, request_timer
    addi x27, x29, -9
    beqz x27, request_clear
    // else x29 is a privilege, or nothing to do
    andi x27, x29, -17
    addi x30, x27, -2
    beqz x30, machine_return
    sltiu x30, x27, 4
    beqz x30, machine_return
    li x30, 3 << 11
    csrc mstatus, x30
    slli x30, x27, 11
    csrs mstatus, x30
    li x30, 1 << 17
    csrc mstatus, x30
    srli x30, x28, 30
    addi x30, x30, -3
    bnez x30, 2f
    li x30, ALIAS
    sub x28, x28, x30
2:  la x3, data_area
    li x4, 1 << 32
    bnez x27, 3f
    csrr x30, satp
    beqz x30, 3f
    li x30, ALIAS
    add x28, x28, x30
    add x3, x3, x30
3:  csrw mepc, x28
    andi x30, x29, 16
    beqz x30, machine_return
    ld x30, SAVE_X28(x31)
    sd x30, NEXT(x31)
    j machine_return
request_timer:
    li x28, MTIME
    ld x30, 0(x28)
    addi x30, x30, 120
    li x28, MTIMECMP
    sd x30, 0(x28)
    li x28, 1 << 7
    csrs mie, x28
    j machine_return
request_clear:
    li x28, 7 << 20
    csrc mstatus, x28
    j machine_return

acknowledge_supervisor:
    csrr x28, mepc
    addi x28, x28, 4
    csrw mepc, x28
    li x28, 0x222
    csrc mip, x28
    li x28, -1
    csrw 0x14d, x28
    li x28, CLAIM_S
    j claim

machine_interrupt:
    csrr x28, mip
    slli x30, x30, 1
    srli x30, x30, 1
    addi x28, x30, -3
    beqz x28, machine_software
    addi x28, x30, -7
    beqz x28, machine_timer
    addi x28, x30, -11
    beqz x28, machine_external
    // one of S-mode's that is not delegated
    li x28, 0x222
    csrc mip, x28
    li x28, -1
    csrw 0x14d, x28
    li x28, CLAIM_S
    j claim
machine_software:
    li x28, CLINT
    sw x0, 0(x28)
    j machine_return
machine_timer:
    li x28, MTIME
    ld x30, 0(x28)
    srli x28, x30, ALL_TIME_BITS
    bnez x28, give_up_all
    li x28, TICK
    add x30, x30, x28
    li x28, MTIMECMP
    sd x30, 0(x28)
    j machine_return
machine_external:
    li x28, CLAIM_M
claim:
    lw x27, 0(x28)
    beqz x27, machine_return
    li x30, UART
    lbu x30, 0(x30)
    sw x27, 0(x28)
    j machine_return

.balign 256
supervisor_table:
    .rept 16
    j supervisor_trap
    .endr

supervisor_trap:
    csrrw x31, sscratch, x31
    sd x30, SAVE_X30(x31)
    sd x28, SAVE_X28(x31)
    sd x27, SAVE_X27(x31)
    csrr x30, sscratch
    sd x30, SAVE_X31(x31)
    csrw sscratch, x31
    csrr x30, scause
    csrr x28, stval
    csrr x28, sstatus
    csrr x28, sip
    csrr x28, 0x5c1    // SCTXTRAP
    bltz x30, supervisor_interrupt
    la x27, machine_save
    addi x28, x30, -8
    beqz x28, supervisor_forward
    ld x28, TRAPS(x27)
    addi x28, x28, 1
    sd x28, TRAPS(x27)
    addi x28, x28, -LIMIT
    bgtz x28, supervisor_give_up
    csrr x28, sepc
    srli x27, x28, 32
    bnez x27, supervisor_leap
    addi x27, x30, -1
    beqz x27, supervisor_give_up
    addi x27, x30, -12
    beqz x27, supervisor_give_up
    srli x27, x28, 30
    addi x27, x27, -3
    bnez x27, 1f
    li x27, ALIAS
    sub x28, x28, x27
1:  srli x27, x28, 28
    addi x27, x27, -8
    bnez x27, supervisor_give_up
    lhu x27, 0(x28)
    andi x27, x27, 3
    addi x27, x27, -3
    snez x27, x27
    slli x27, x27, 1
    addi x27, x27, -4
    csrr x28, sepc
    sub x28, x28, x27
    csrw sepc, x28
supervisor_return:
    ld x30, SAVE_X30(x31)
    ld x28, SAVE_X28(x31)
    ld x27, SAVE_X27(x31)
    ld x31, SAVE_X31(x31)
    sret
supervisor_leap:
    csrr x27, 0x5c1
    bnez x27, supervisor_give_up
    csrw sepc, x1
    j supervisor_return
supervisor_give_up:
    la x27, machine_save
    li x28, FLAG_GIVE_UP
    j 1f
supervisor_forward:
    li x28, FLAG_FORWARD
1:  sd x28, FLAG(x27)
    ld x30, SAVE_X30(x31)
    ld x28, SAVE_X28(x31)
    ld x27, SAVE_X27(x31)
    ld x31, SAVE_X31(x31)
supervisor_call:
    ecall
supervisor_interrupt:
    slli x30, x30, 1
    srli x30, x30, 1
    addi x28, x30, -1
    beqz x28, supervisor_software
    addi x28, x30, -5
    beqz x28, supervisor_timer
    // external: the line by its controller, the bit by M-mode
    li x28, CLAIM_S
    lw x27, 0(x28)
    beqz x27, supervisor_ask
    li x30, UART
    lbu x30, 0(x30)
    sw x27, 0(x28)
    j supervisor_return
supervisor_software:
    csrci sip, 2
    j supervisor_return
supervisor_timer:
    li x28, -1
    csrw 0x14d, x28
    csrr x28, sip
    andi x28, x28, 0x20
    beqz x28, supervisor_return
supervisor_ask:
    la x27, machine_save
    li x28, FLAG_ACKNOWLEDGE
    sd x28, FLAG(x27)
    ecall
    j supervisor_return
.option pop

.balign 64
machine_save: .zero 128
supervisor_save: .zero 128
.balign 8
begin:
