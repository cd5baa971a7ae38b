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
