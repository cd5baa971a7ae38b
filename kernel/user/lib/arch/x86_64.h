/* x86_64.h: see user_call.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <veridian/abi.h>
#include "no_mail.h"

static inline uint64_t user_counter(void)
{
    uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) :: "memory");
    return (uint64_t)high << 32 | low;
}

/* No capability unit has a user-mode instruction here; whoever executes it all the same is ended. */
constexpr bool USER_HAS_CHECK_INSTRUCTION = false;

static inline uint64_t user_check_instruction(uint64_t query)
{
    asm volatile("ud2");
    return query;
}

static inline void user_illegal_instruction(void) { asm volatile("ud2"); }

static inline void user_privileged_instruction(void) { asm volatile("cli"); }

/* There are no custom instructions for the kernel on this architecture. */
static inline void user_kernel_instruction(void) { user_illegal_instruction(); }

/* xorps xmm0, xmm0; bytes, for programs are built without SSE. */
static inline void user_float_instruction(void) { asm volatile(".byte 0x0f, 0x57, 0xc0"); }

/* First page of the kernel image. */
constexpr uintptr_t USER_KERNEL_ADDRESS = 0xffff'ffff'8020'0000;

constexpr uintptr_t USER_ENTRY_STACK = 8;

/* Registers of the console's UART. 16550: IER, its bit for an empty transmitter, and IIR, which clears it when read. */
constexpr unsigned USER_UART_MASK = 1, USER_UART_TRANSMIT = 2, USER_UART_STATUS = 2;
/* For who reads it: the line status, its bit for a character that has come, where that lies; FCR, and FIFOs on. */
constexpr unsigned USER_UART_FLAGS = 5, USER_UART_FLAG = 1, USER_UART_RECEIVED = 1, USER_UART_DATA = 0, USER_UART_BUFFER = 2,
    USER_UART_BUFFER_ON = 1;
