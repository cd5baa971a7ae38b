/* Echoes what the UART receives until a full stop, then ends through the test finisher with code ECHO_CODE. */
#include <veridian/memory_map.h>

#define UART_LINE_STATUS 5
#define DATA_READY 0x01
#define TRANSMIT_EMPTY 0x20

    .section .text.init, "ax"
    .globl _start
_start:
    li s0, UART_BASE
    li s2, '.'
receive:
    lbu t0, UART_LINE_STATUS(s0)
    andi t0, t0, DATA_READY
    beqz t0, receive
    lbu s1, 0(s0)
send:
    lbu t0, UART_LINE_STATUS(s0)
    andi t0, t0, TRANSMIT_EMPTY
    beqz t0, send
    sb s1, 0(s0)
    bne s1, s2, receive
    /* All sent? */
drain:
    lbu t0, UART_LINE_STATUS(s0)
    andi t0, t0, 0x40
    beqz t0, drain
    li t0, FINISHER_BASE
    li t1, ECHO_CODE << 16 | 0x3333
    sw t1, 0(t0)
loop:
    j loop
