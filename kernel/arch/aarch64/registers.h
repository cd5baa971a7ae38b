/*
 * registers.h (aarch64): fields of the system registers that this port writes (Arm Architecture Reference Manual,
 * DDI 0487, chapter D17), and how to reach them.
 */
#pragma once
#include <stdint.h>

/* The register's name is part of the instruction, so these two cannot be functions. */
#define READ_REGISTER(name) ({ uint64_t value_; asm volatile("mrs %0, " #name : "=r"(value_) :: "memory"); value_; })
#define WRITE_REGISTER(name, value) asm volatile("msr " #name ", %0" :: "r"((uint64_t)(value)) : "memory")

static inline void instruction_barrier(void) { asm volatile("isb" ::: "memory"); }

/* SCTLR_EL1. Bits that are one in ARMv8.0 and mean "trap" or "as before" where a later version gave them a meaning. */
constexpr uint64_t SCTLR_ONES = 1ull << 29 | 1ull << 28 | 1ull << 22 | 1ull << 20 | 1ull << 11;
enum : uint64_t {
    SCTLR_MMU = 1ull << 0,
    SCTLR_DATA_CACHE = 1ull << 2,
    SCTLR_STACK_ALIGNED = 1ull << 3 | 1ull << 4,          /* SA, SA0: misaligned stack pointers fault */
    SCTLR_NO_AARCH32_RELICS = 1ull << 7 | 1ull << 8,      /* ITD, SED */
    SCTLR_INSTRUCTION_CACHE = 1ull << 12,
    SCTLR_USER_ZERO_LINE = 1ull << 14,                    /* DZE: dc zva, checked like a store */
    SCTLR_USER_CACHE_TYPE = 1ull << 15,                   /* UCT: CTR_EL0 readable */
    SCTLR_USER_WAIT_EVENT = 1ull << 18,                   /* nTWE: wfe is a hint; wfi traps (nTWI clear) */
    SCTLR_WRITABLE_NEVER_EXECUTES = 1ull << 19,           /* WXN: W^X even if a page table says otherwise */
    SCTLR_KEEP_PAN = 1ull << 23,                          /* SPAN: clear, so that a trap to EL1 sets PAN */
};

/* TCR_EL1: 48-bit addresses in both halves, 4 KiB granule, tables cached write-back and inner shareable. */
constexpr uint64_t TCR_BASE = 16ull << 0 | 1ull << 8 | 1ull << 10 | 3ull << 12 | 0ull << 14
                            | 16ull << 16 | 1ull << 24 | 1ull << 26 | 3ull << 28 | 2ull << 30;
enum : uint64_t {
    TCR_ASID_16 = 1ull << 36,
    TCR_NO_USER_PROBE = 1ull << 56,                       /* E0PD1: user access to the upper half faults unwalked */
};
constexpr unsigned TCR_ADDRESS_SIZE = 32;                 /* IPS */
constexpr uint64_t TCR_ADDRESS_SIZE_48 = 5;

/* MAIR_EL1, by the index in a page-table entry: 0 normal write-back memory, 1 device nGnRE. */
constexpr uint64_t MAIR_VALUE = 0xffull << 0 | 0x04ull << 8;

/* Exception class, ESR_EL1 bits 31:26 (only those that this port tells apart). */
enum exception_class : unsigned {
    CLASS_UNKNOWN = 0x00, CLASS_WAIT = 0x01, CLASS_FLOATING_POINT = 0x07, CLASS_POINTER_AUTHENTICATION = 0x09,
    CLASS_BRANCH_TARGET = 0x0d, CLASS_ILLEGAL_STATE = 0x0e, CLASS_SUPERVISOR_CALL = 0x15, CLASS_SYSTEM_REGISTER = 0x18,
    CLASS_SVE = 0x19, CLASS_SME = 0x1d, CLASS_FETCH_USER = 0x20, CLASS_FETCH_KERNEL = 0x21,
    CLASS_PC_ALIGNMENT = 0x22, CLASS_DATA_USER = 0x24, CLASS_DATA_KERNEL = 0x25, CLASS_STACK_ALIGNMENT = 0x26,
};
constexpr unsigned ESR_CLASS = 26;
/* Fault status of an abort, ESR_EL1 bits 5:0. */
constexpr uint64_t FAULT_STATUS = 0x3f, FAULT_ALIGNMENT = 0x21;

/* PSTATE of a fresh thread: EL0, AArch64, nothing masked. */
constexpr uint64_t PSTATE_USER = 0;

/* Performance monitor: 64-bit cycle counter, running, readable from user mode and nothing else. */
constexpr uint64_t PMCR_ENABLE = 1 << 0, PMCR_CYCLE_RESET = 1 << 2, PMCR_LONG_CYCLES = 1 << 6;
constexpr uint64_t PM_CYCLE_COUNTER = 1ull << 31;
constexpr uint64_t PMUSERENR_CYCLES = 1 << 2;

constexpr uint64_t MDSCR_TRAP_USER_DCC = 1 << 12;         /* user mode may not talk to a debugger */
constexpr uint64_t TIMER_ENABLE = 1 << 0;                 /* CNTV_CTL_EL0 */
