/*
 * The bit unit's instructions. BITS_* come from bits.py by the compiler's command line. May be used in any mode in which
 * custom-0 is enabled.
 */
#pragma once
#include <stdint.h>

#include <veridian/abi.h>

static inline uint64_t count_ones(uint64_t word) {
    uint64_t result;
    __asm__(".insn r %2, %3, %4, %0, %1, x0"
            : "=r"(result) : "r"(word), "i"(CUSTOM_0), "i"(BITS_COUNT), "i"(BITS_FUNCT7));
    return result;
}

/* Set the CRC; the one before. */
static inline uint64_t crc_swap(uint64_t value) {
    uint64_t result;
    __asm__ volatile(".insn r %2, %3, %4, %0, %1, x0"
                     : "=r"(result) : "r"(value), "i"(CUSTOM_0), "i"(BITS_SWAP), "i"(BITS_FUNCT7));
    return result;
}

/* Add the lowest `count` bytes of `word`, at most 8; more trap with BITS_CAUSE. */
static inline void crc_add(uint64_t word, uint64_t count) {
    __asm__ volatile(".insn r %2, %3, %4, x0, %0, %1"
                     : : "r"(word), "r"(count), "i"(CUSTOM_0), "i"(BITS_ADD), "i"(BITS_FUNCT7));
}
