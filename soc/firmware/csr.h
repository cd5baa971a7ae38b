/*
 * Machine-mode CSRs (RISC-V privileged specification, chapters 2 and 3) and single instructions.
 * May be called anywhere; nothing here can fail.
 */
#pragma once

#include <stdint.h>

enum : uint64_t {
    MSTATUS_MIE = 1u << 3,
    MSTATUS_MPIE = 1u << 7,
    MSTATUS_MPP_S = 1u << 11,
    MSTATUS_MPP_MASK = 3u << 11,
    MIP_SSIP = 1u << 1,
    MIP_MSIP = 1u << 3,
    MIP_STIP = 1u << 5,
    MIP_MTIP = 1u << 7,
    MIP_SEIP = 1u << 9,
    MENVCFG_STCE = UINT64_C(1) << 63,
    INTERRUPT_BIT = UINT64_C(1) << 63,
    INTERRUPT_MACHINE_SOFTWARE = INTERRUPT_BIT | 3,
    EXCEPTION_BREAKPOINT = 3,
    EXCEPTION_ECALL_U = 8,
    EXCEPTION_ECALL_S = 9,
    EXCEPTION_ECALL_M = 11,
};

#define CSR_READ(name) ({ uint64_t value_; __asm__ volatile("csrr %0, " #name : "=r"(value_)); value_; })
#define CSR_WRITE(name, value) __asm__ volatile("csrw " #name ", %0" : : "rK"((uint64_t)(value)) : "memory")
#define CSR_SET(name, value) __asm__ volatile("csrs " #name ", %0" : : "rK"((uint64_t)(value)) : "memory")
#define CSR_CLEAR(name, value) __asm__ volatile("csrc " #name ", %0" : : "rK"((uint64_t)(value)) : "memory")

static inline void wait_for_interrupt(void) { __asm__ volatile("wfi" : : : "memory"); }
