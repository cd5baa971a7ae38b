#include "kernels.h"

constexpr int block_bytes = 512, rounds = 3;

uint16_t crc_byte(uint16_t crc, uint8_t byte) {
    constexpr uint16_t polynomial = 0x1021;
    crc ^= (uint16_t)(byte << 8);
    for (int bit = 0; bit < 8; bit++) crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ polynomial : crc << 1);
    return crc;
}

uint16_t crc_half(uint16_t crc, uint16_t value) {
    return crc_byte(crc_byte(crc, (uint8_t)(value >> 8)), (uint8_t)value);
}

uint16_t crc_word(uint16_t crc, uint32_t value) {
    return crc_half(crc_half(crc, (uint16_t)(value >> 16)), (uint16_t)value);
}

/* Checksums of a block, each the start of the next. */
uint16_t crc_kernel(uint32_t seed) {
    static uint8_t block[block_bytes];
    for (int i = 0; i < block_bytes; i++) block[i] = (uint8_t)random_next(&seed);
    uint16_t crc = 0;
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < block_bytes; i++) crc = crc_byte(crc, block[i]);
    }
    return crc;
}
