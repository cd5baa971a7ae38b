/*
 * First instructions after reset: enter a program that memory holds already, or test the end of memory without using
 * any of it, and start the loader there.
 *
 * Until then there is no stack: the routines for the UART use registers alone. They follow the C calling convention, so
 * the loader calls them too.
 */

#include <veridian/memory_map.h>

/* 16550 (docs/datasheet/uart.md). */
#define UART_DATA 0
#define UART_DIVISOR_LOW 0
#define UART_DIVISOR_HIGH 1
#define UART_FIFO_CONTROL 2
#define UART_LINE_CONTROL 3
#define UART_LINE_STATUS 5
#define FIFO_ENABLE_AND_CLEAR 0x07
#define FORMAT_8N1 0x03
#define DIVISOR_LATCH 0x80
#define DATA_READY 0x01
#define HOLDING_EMPTY 0x20

#define RESET_VECTOR_INSTRUCTIONS 5

    .section .text.entry, "ax"
    .globl _start
_start:
    li t0, STRAPS_BASE
    lw t0, 0(t0)
    andi t0, t0, STRAP_LOADED
    beqz t0, power_on
    /* As QEMU's and Spike's reset vectors leave it: a0, a1, t0 and five instructions retired, so that runs compare. */
    csrr a0, mhartid
    li a1, DEVICE_TREE_BASE
    li t0, FIRMWARE_BASE
    csrwi minstret, RESET_VECTOR_INSTRUCTIONS - 1
    jr t0

power_on:
    csrw mie, zero
    la t0, trap
    csrw mtvec, t0
    li t1, UART_BASE
    li t0, DIVISOR_LATCH | FORMAT_8N1
    sb t0, UART_LINE_CONTROL(t1)
    li t0, UART_DIVISOR & 0xff
    sb t0, UART_DIVISOR_LOW(t1)
    li t0, UART_DIVISOR >> 8
    sb t0, UART_DIVISOR_HIGH(t1)
    li t0, FORMAT_8N1
    sb t0, UART_LINE_CONTROL(t1)
    li t0, FIFO_ENABLE_AND_CLEAR
    sb t0, UART_FIFO_CONTROL(t1)
    la a0, text_hello
    call serial_text

    /*
     * The loader's memory, in three passes: write, check and invert, check. The pattern of a word is its number times
     * an odd constant: any two words differ, and so do any two data lines somewhere. s1: what the pattern is inverted by.
     */
    li s2, LOADER_BASE
    li s3, LOADER_BASE + LOADER_BYTES
    la s4, pattern_factor
    ld s4, 0(s4)
    li s5, 0
    li s1, 0
corner_pass:
    mv s0, s2
corner_word:
    srli t1, s0, 3
    mul t1, t1, s4
    xor a1, t1, s1
    beqz s5, corner_write
    ld a2, 0(s0)
    not a3, a1
    bne a2, a3, corner_fails
corner_write:
    sd a1, 0(s0)
    addi s0, s0, 8
    bltu s0, s3, corner_word
    call cache_flush
    not s1, s1
    addi s5, s5, 1
    li t1, 3
    bltu s5, t1, corner_pass

    /* Run from there. */
    li s0, RESET_VECTOR
    mv t1, s2
copy:
    ld t2, 0(s0)
    sd t2, 0(t1)
    addi s0, s0, 8
    addi t1, t1, 8
    li t2, RESET_VECTOR + BOOT_ROM_SIZE
    bltu s0, t2, copy
    fence.i
    mv sp, s3
    li t0, STRAPS_BASE
    lw a0, 0(t0)
    la t1, loader_main
    li t0, RESET_VECTOR
    sub t1, t1, t0
    add t1, t1, s2
    jr t1

corner_fails:
    mv a0, s0
    mv a1, a3
    /* Falls through. */

    /* [[noreturn]] memory_fails(address, written, read): report, and start again when a character comes. */
    .globl memory_fails
memory_fails:
    mv s0, a0
    mv s1, a1
    mv s2, a2
    la a0, text_fails
    call serial_text
    mv a0, s0
    call serial_address
    la a0, text_written
    call serial_text
    mv a0, s1
    call serial_word
    la a0, text_read
report_word:
    call serial_text
    mv a0, s2
    call serial_word
    la a0, text_again
    call serial_text
    li t1, UART_BASE
1:  lbu t2, UART_LINE_STATUS(t1)
    andi t2, t2, DATA_READY
    beqz t2, 1b
    lbu t2, UART_DATA(t1)
    li t0, RESET_VECTOR                 /* not the copy in the memory that is to be tested */
    jr t0

    /* Nothing here should trap: a bus error of memory or flash, most likely. */
    .balign 4
trap:
    csrr s2, mtval
    csrr s0, mcause
    csrr s1, mepc
    la a0, text_trap
    call serial_text
    mv a0, s0
    li a1, 4
    call serial_hexadecimal
    la a0, text_at
    call serial_text
    mv a0, s1
    call serial_address
    la a0, text_value
    j report_word

    /* cache_flush(): what has been stored lies in memory itself, and is read from there next. */
    .globl cache_flush
cache_flush:
#if L2_CACHE
    li t1, L2_CACHE_BASE
    li t2, L2_FLUSH_AND_INVALIDATE
    sd t2, L2_COMMAND(t1)
1:  ld t2, L2_STATUS(t1)
    andi t2, t2, L2_FLUSHING
    bnez t2, 1b
#else
    fence
#endif
    ret

    /* serial_put(character): wait for room, send. */
    .globl serial_put
serial_put:
    mv t0, ra
put:                                    /* return address in t0 */
    li t1, UART_BASE
1:  lbu t2, UART_LINE_STATUS(t1)
    andi t2, t2, HOLDING_EMPTY
    beqz t2, 1b
    sb a0, UART_DATA(t1)
    jr t0

    /* serial_text(text): up to its zero. Returns the address behind that. */
    .globl serial_text
serial_text:
    mv a1, a0
1:  lbu a0, 0(a1)
    addi a1, a1, 1
    beqz a0, 2f
    jal t0, put
    j 1b
2:  mv a0, a1
    ret

    /* serial_hexadecimal(value, bits): the low bits, a multiple of four. */
    .globl serial_word, serial_address, serial_hexadecimal
serial_address:
    li a1, 32
    j serial_hexadecimal
serial_word:
    li a1, 64
serial_hexadecimal:
    mv a2, a0
1:  addi a1, a1, -4
    srl a0, a2, a1
    andi a0, a0, 15
    addi a0, a0, -10
    bltz a0, 2f
    addi a0, a0, 'a' - '0' - 10
2:  addi a0, a0, '0' + 10
    jal t0, put
    bnez a1, 1b
    ret

    /* [[noreturn]] loader_enter(entry, argument). */
    .globl loader_enter
loader_enter:
    mv t0, a0
    csrw mtvec, zero
    fence.i
    csrr a0, mhartid
    jr t0

    .balign 8
pattern_factor:
    .dword PATTERN_FACTOR
text_hello:
    .asciz "\r\nVeridian boot ROM\r\nboot: memory "
text_fails:
    .asciz "\r\nboot: memory fails at "
text_written:
    .asciz ", wrote "
text_read:
    .asciz ", read "
text_trap:
    .asciz "\r\nboot: trap "
text_at:
    .asciz " at "
text_value:
    .asciz ", value "
text_again:
    .asciz "\r\nboot: any key: again\r\n"
