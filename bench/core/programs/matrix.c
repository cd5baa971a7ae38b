#include "kernels.h"

constexpr int size = 11, rounds = 4;

typedef int16_t matrix[size][size];
typedef int32_t products[size][size];

static void fill(matrix target, uint32_t *random) {
    for (int row = 0; row < size; row++) {
        for (int column = 0; column < size; column++) target[row][column] = (int16_t)(random_next(random) % 255 - 127);
    }
}

static void add_constant(matrix target, int16_t constant) {
    for (int row = 0; row < size; row++) {
        for (int column = 0; column < size; column++) target[row][column] = (int16_t)(target[row][column] + constant);
    }
}

static void multiply_constant(products target, const matrix left, int32_t constant) {
    for (int row = 0; row < size; row++) {
        for (int column = 0; column < size; column++) target[row][column] = left[row][column] * constant;
    }
}

static void multiply_vector(int32_t target[size], const matrix left, const int16_t vector[size]) {
    for (int row = 0; row < size; row++) {
        int32_t sum = 0;
        for (int column = 0; column < size; column++) sum += left[row][column] * vector[column];
        target[row] = sum;
    }
}

static void multiply(products target, const matrix left, const matrix right) {
    for (int row = 0; row < size; row++) {
        for (int column = 0; column < size; column++) {
            int32_t sum = 0;
            for (int inner = 0; inner < size; inner++) sum += left[row][inner] * right[inner][column];
            target[row][column] = sum;
        }
    }
}

/* Sums of a product's bits 7:3 times its bits 14:9. */
static void multiply_fields(products target, const matrix left, const matrix right) {
    for (int row = 0; row < size; row++) {
        for (int column = 0; column < size; column++) {
            int32_t sum = 0;
            for (int inner = 0; inner < size; inner++) {
                const int32_t product = left[row][inner] * right[inner][column];
                sum += (product >> 3 & 0x1f) * (product >> 9 & 0x3f);
            }
            target[row][column] = sum;
        }
    }
}

/* Sums up until the sum passes `limit`, then starts again and counts 16; counts one where values rise. */
static uint32_t climb(const products values, int32_t limit) {
    int32_t sum = 0, before = 0;
    uint32_t result = 0;
    for (int row = 0; row < size; row++) {
        for (int column = 0; column < size; column++) {
            const int32_t value = values[row][column];
            sum += value;
            if (sum > limit) {
                result += 16;
                sum = 0;
            } else if (value > before) {
                result++;
            }
            before = value;
        }
    }
    return result;
}

uint16_t matrix_kernel(uint32_t seed) {
    static matrix left, right;
    static products result;
    int32_t vector[size];
    uint16_t crc = 0;
    fill(left, &seed);
    fill(right, &seed);
    for (int round = 0; round < rounds; round++) {
        const int16_t constant = (int16_t)(random_next(&seed) % 64);
        add_constant(left, constant);
        multiply_constant(result, left, constant);
        crc = crc_half(crc, (uint16_t)climb(result, 2000));
        multiply_vector(vector, left, right[round]);
        for (int row = 0; row < size; row++) crc = crc_half(crc, (uint16_t)vector[row]);
        multiply(result, left, right);
        crc = crc_half(crc, (uint16_t)climb(result, 20000));
        multiply_fields(result, left, right);
        crc = crc_half(crc, (uint16_t)climb(result, 4000));
        add_constant(left, (int16_t)-constant);
    }
    return crc;
}
