/* aarch64.h: see user_call.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <veridian/abi.h>
#include "no_mail.h"

static inline uint64_t user_counter(void)
{
    uint64_t value;
    asm volatile("isb\n\tmrs %0, pmccntr_el0" : "=r"(value) :: "memory");
    return value;
}

/* No capability unit has a user-mode instruction here; whoever executes it all the same is ended. */
constexpr bool USER_HAS_CHECK_INSTRUCTION = false;

static inline uint64_t user_check_instruction(uint64_t query)
{
    asm volatile("udf #0");
    return query;
}

static inline void user_illegal_instruction(void) { asm volatile("udf #0"); }

static inline void user_privileged_instruction(void) { asm volatile("msr ttbr0_el1, xzr"); }

/* There are no custom instructions for the kernel on this architecture. */
static inline void user_kernel_instruction(void) { user_illegal_instruction(); }

/* fmov d0, xzr; a word, for programs are built without floating point. */
static inline void user_float_instruction(void) { asm volatile(".4byte 0x9e6703e0"); }

/* First page of the kernel image. */
constexpr uintptr_t USER_KERNEL_ADDRESS = 0xffff'ffff'8000'0000;

constexpr uintptr_t USER_ENTRY_STACK = 0;

/* Registers of the console's UART. PL011: IMSC, its bit for transmission, and MIS. */
constexpr unsigned USER_UART_MASK = 0x38 / 4, USER_UART_TRANSMIT = 1 << 5, USER_UART_STATUS = 0x40 / 4;
/* For who reads it: FR, its bit for no character, DR; LCRH, and 8 bits with FIFOs. */
constexpr unsigned USER_UART_FLAGS = 0x18 / 4, USER_UART_FLAG = 1 << 4, USER_UART_RECEIVED = 0, USER_UART_DATA = 0,
    USER_UART_BUFFER = 0x2c / 4, USER_UART_BUFFER_ON = 0x70;
