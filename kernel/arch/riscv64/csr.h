/* csr.h (riscv64): control and status registers of S-mode, by name or by number where assemblers do not know them. */
#pragma once
#include <stdint.h>

#define csr_read(name) \
    ({ uint64_t csr_value; asm volatile("csrr %0, " #name : "=r"(csr_value) :: "memory"); csr_value; })
#define csr_write(name, value) asm volatile("csrw " #name ", %0" :: "r"((uint64_t)(value)) : "memory")
#define csr_set(name, bits) asm volatile("csrs " #name ", %0" :: "r"((uint64_t)(bits)) : "memory")
#define csr_clear(name, bits) asm volatile("csrc " #name ", %0" :: "r"((uint64_t)(bits)) : "memory")
#define csr_write_number(number, value) asm volatile("csrw %0, %1" :: "i"(number), "r"((uint64_t)(value)) : "memory")

/* Sstc extension. */
constexpr unsigned CSR_STIMECMP = 0x14d;

constexpr uint64_t SSTATUS_SPP = 1ull << 8;
constexpr uint64_t SSTATUS_VS = 3ull << 9;
constexpr uint64_t SSTATUS_FS = 3ull << 13;
constexpr uint64_t SSTATUS_SUM = 1ull << 18;
constexpr uint64_t SSTATUS_MXR = 1ull << 19;
constexpr uint64_t SIE_TIMER = 1ull << 5;
constexpr uint64_t SIE_EXTERNAL = 1ull << 9;
constexpr uint64_t SATP_SV39 = 8ull << 60;
constexpr unsigned SATP_ASID_SHIFT = 44;
constexpr uint64_t SCAUSE_INTERRUPT = 1ull << 63;
