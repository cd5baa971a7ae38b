/* Uses the bit unit: ones of a word, a CRC-32, and what the core does with instructions that must not happen. */
#include <stddef.h>
#include <stdint.h>

#include "bits.h"
#include "console.h"

/* Cause of the trap in which `crc_add` of `count` bytes ends, 0 if it does not; t0 survives only here. */
static uint64_t cause_of_add(uint64_t word, uint64_t count) {
    uint64_t cause = 0, vector;
    __asm__ volatile(
        "la t0, 1f\n"
        "csrrw %[vector], mtvec, t0\n"
        ".insn r %[opcode], %[add], %[unit], x0, %[word], %[count]\n"
        "j 2f\n"
        ".balign 4\n"
        "1: csrr %[cause], mcause\n"
        "2: csrw mtvec, %[vector]\n"
        : [cause] "+r"(cause), [vector] "=&r"(vector)
        : [word] "r"(word), [count] "r"(count), [opcode] "i"(CUSTOM_0), [add] "i"(BITS_ADD), [unit] "i"(BITS_FUNCT7)
        : "t0");
    return cause;
}

/* A swap right behind a call of M-mode: issued, and killed when the call traps. The trap leads behind it. */
static void swap_behind_trap(uint64_t value) {
    uint64_t vector;
    __asm__ volatile(
        "la t0, 1f\n"
        "csrrw %[vector], mtvec, t0\n"
        ".balign 4\n"
        "ecall\n"
        ".insn r %[opcode], %[swap], %[unit], x0, %[value], x0\n"
        ".balign 4\n"
        "1: csrw mtvec, %[vector]\n"
        : [vector] "=&r"(vector)
        : [value] "r"(value), [opcode] "i"(CUSTOM_0), [swap] "i"(BITS_SWAP), [unit] "i"(BITS_FUNCT7)
        : "t0");
}

static uint64_t cycles(void) {
    uint64_t value;
    __asm__ volatile("csrr %0, mcycle" : "=r"(value));
    return value;
}

static uint32_t crc_of(const uint8_t *bytes, size_t count) {
    crc_swap(UINT32_MAX);
    for (; count >= 8; bytes += 8, count -= 8) crc_add(*(const uint64_t *)bytes, 8);
    for (; count > 0; bytes++, count--) crc_add(*bytes, 1);
    return ~(uint32_t)crc_swap(0);
}

/* The same without the unit. */
static uint32_t crc_in_software(const uint8_t *bytes, size_t count) {
    uint32_t crc = UINT32_MAX;
    for (; count > 0; bytes++, count--) {
        crc ^= *bytes;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ ((crc & 1) != 0 ? BITS_POLYNOMIAL : 0);
    }
    return ~crc;
}

static uint8_t message[1024] __attribute__((aligned(8)));

int main(void) {
    if (count_ones(0) != 0 || count_ones(0x8000000000000001) != 2 || count_ones(UINT64_MAX) != 64) return 1;

    /* The check value that every description of this CRC gives. */
    static const uint8_t check[] __attribute__((aligned(8))) = "123456789";
    if (crc_of(check, 9) != 0xcbf43926) return 2;

    /* A result exception: the trap has its cause, and the CRC is as before. */
    crc_swap(5);
    if (cause_of_add(0, 9) != BITS_CAUSE || crc_swap(5) != 5) return 3;
    if (cause_of_add(0, 0) != 0 || crc_swap(5) != 5) return 4;

    /* Killed before its commit: nothing has changed. */
    swap_behind_trap(6);
    if (crc_swap(0) != 5) return 5;

    for (size_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)(i * 7 + (i >> 3));
    uint64_t start = cycles();
    const uint32_t expected = crc_in_software(message, sizeof message);
    const uint64_t software = cycles() - start;
    start = cycles();
    const uint32_t actual = crc_of(message, sizeof message);
    const uint64_t hardware = cycles() - start;
    print_text("crc32 of 1024 bytes, cycles:");
    print_pair("software", software);
    print_pair("unit", hardware);
    print_text("\n");
    return actual == expected ? 0 : 6;
}
