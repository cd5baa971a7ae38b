/*
 * Four integer kernels, of the kind that CoreMark made usual: a linked list, small matrices, a state machine, a checksum.
 * Each returns a CRC-16 of what it computed, which bench/core/reference.py computes by other means.
 */
#pragma once
#include <stdint.h>

/* Next of a linear congruential sequence (Numerical Recipes' constants); the upper 16 bits are used. */
static inline uint32_t random_next(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* CRC-16 of polynomial 0x1021, most significant bit first, with one byte, two or four (highest first) more. */
uint16_t crc_byte(uint16_t crc, uint8_t byte);
uint16_t crc_half(uint16_t crc, uint16_t value);
uint16_t crc_word(uint16_t crc, uint32_t value);

uint16_t list_kernel(uint32_t seed);
uint16_t matrix_kernel(uint32_t seed);
uint16_t state_kernel(uint32_t seed);
uint16_t crc_kernel(uint32_t seed);
