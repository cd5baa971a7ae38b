/* riscv64.h: see user_call.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <veridian/abi.h>

static inline uint64_t user_counter(void)
{
    uint64_t value;
    asm volatile("rdcycle %0" : "=r"(value) :: "memory");
    return value;
}

constexpr bool USER_HAS_CHECK_INSTRUCTION = true;

static inline uint64_t user_check_instruction(uint64_t query)
{
    uint64_t answer;
    asm volatile(".insn r %1, %2, %3, %0, %4, x0" : "=r"(answer)
                 : "i"(CUSTOM_0), "i"(INSN_CAP_CHECK_FUNCT3), "i"(INSN_CAP_CHECK_FUNCT7), "r"(query) : "memory");
    return answer;
}

constexpr bool USER_HAS_MAIL_INSTRUCTIONS = true;

/* mail.putN, of two words. */
#define USER_MAIL_PUT(NUMBER, WORDS) \
    asm volatile(".insn r %0, %1, %2, x0, %3, %4" \
                 :: "i"(CUSTOM_0), "i"(INSN_MAIL_PUT##NUMBER##_FUNCT3), "i"(INSN_MAIL_PUT##NUMBER##_FUNCT7), \
                    "r"((WORDS)[2 * NUMBER]), "r"((WORDS)[2 * NUMBER + 1]) : "memory")

/* mail.getN. */
#define USER_MAIL_GET(NUMBER, WORDS) \
    asm volatile(".insn r %1, %2, %3, %0, x0, x0" : "=r"((WORDS)[NUMBER]) \
                 : "i"(CUSTOM_0), "i"(INSN_MAIL_GET##NUMBER##_FUNCT3), "i"(INSN_MAIL_GET##NUMBER##_FUNCT7) : "memory")

static_assert(MESSAGE_WORDS == 8);

static inline void user_mail_stage(uint64_t const words[MESSAGE_WORDS])
{
    USER_MAIL_PUT(0, words);
    USER_MAIL_PUT(1, words);
    USER_MAIL_PUT(2, words);
    USER_MAIL_PUT(3, words);
}

static inline uint64_t user_mail_send(uint32_t handle)
{
    uint64_t answer;
    asm volatile(".insn r %1, %2, %3, %0, %4, x0" : "=r"(answer)
                 : "i"(CUSTOM_0), "i"(INSN_MAIL_SEND_FUNCT3), "i"(INSN_MAIL_SEND_FUNCT7), "r"((uint64_t)handle) : "memory");
    return answer;
}

static inline uint64_t user_mail_receive(uint32_t handle)
{
    uint64_t answer;
    asm volatile(".insn r %1, %2, %3, %0, %4, x0" : "=r"(answer)
                 : "i"(CUSTOM_0), "i"(INSN_MAIL_RECEIVE_FUNCT3), "i"(INSN_MAIL_RECEIVE_FUNCT7), "r"((uint64_t)handle)
                 : "memory");
    return answer;
}

static inline void user_mail_read(uint64_t words[MESSAGE_WORDS])
{
    USER_MAIL_GET(0, words);
    USER_MAIL_GET(1, words);
    USER_MAIL_GET(2, words);
    USER_MAIL_GET(3, words);
    USER_MAIL_GET(4, words);
    USER_MAIL_GET(5, words);
    USER_MAIL_GET(6, words);
    USER_MAIL_GET(7, words);
}

static inline uint64_t user_mail_pop(void)
{
    uint64_t answer;
    asm volatile(".insn r %1, %2, %3, %0, x0, x0" : "=r"(answer)
                 : "i"(CUSTOM_0), "i"(INSN_MAIL_POP_FUNCT3), "i"(INSN_MAIL_POP_FUNCT7) : "memory");
    return answer;
}

/* All bits zero is illegal by the unprivileged specification. */
static inline void user_illegal_instruction(void) { asm volatile(".2byte 0"); }

static inline void user_privileged_instruction(void) { asm volatile("csrw sscratch, zero"); }

/* cap.inv.space of space 1: makes the unit forget, which user mode must not do. */
static inline void user_kernel_instruction(void)
{
    uint64_t result;
    asm volatile(".insn r %1, %2, %3, %0, x0, %4" : "=r"(result)
                 : "i"(CUSTOM_0), "i"(INSN_CAP_INV_SPACE_FUNCT3), "i"(INSN_CAP_INV_SPACE_FUNCT7), "r"(1ull) : "memory");
}

/* fmv.d.x f0, zero; a word, for programs are built without floating point. */
static inline void user_float_instruction(void) { asm volatile(".4byte 0xf2000053"); }

constexpr uintptr_t USER_KERNEL_ADDRESS = 0xffff'ffff'8000'0000;

constexpr uintptr_t USER_ENTRY_STACK = 0;

/* Registers of the console's UART. 16550: IER, its bit for an empty transmitter, and IIR, which clears it when read. */
constexpr unsigned USER_UART_MASK = 1, USER_UART_TRANSMIT = 2, USER_UART_STATUS = 2;
/* For who reads it: the line status, its bit for a character that has come, where that lies; FCR, and FIFOs on. */
constexpr unsigned USER_UART_FLAGS = 5, USER_UART_FLAG = 1, USER_UART_RECEIVED = 1, USER_UART_DATA = 0, USER_UART_BUFFER = 2,
    USER_UART_BUFFER_ON = 1;
