/* sbi.c (riscv64): calls into the M-mode firmware (RISC-V SBI specification v0.2 and later). */
#include "internal.h"

static int64_t sbi_call(uint64_t extension, uint64_t function, uint64_t first, uint64_t second)
{
    register uint64_t a0 asm("a0") = first;
    register uint64_t a1 asm("a1") = second;
    register uint64_t a6 asm("a6") = function;
    register uint64_t a7 asm("a7") = extension;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
    return (int64_t)a0;
}

constexpr uint64_t EXTENSION_TIME = 0x54494d45;
constexpr uint64_t EXTENSION_RESET = 0x53525354;

void sbi_set_timer(uint64_t time) { sbi_call(EXTENSION_TIME, 0, time, 0); }

void sbi_shutdown(bool failed) { sbi_call(EXTENSION_RESET, 0, 0, failed ? 1 : 0); }
