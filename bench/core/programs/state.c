#include "kernels.h"

/* Scans comma-separated fields and says of each what kind of number it is. */

constexpr int text_bytes = 512, rounds = 4, damage_step = 11;

enum state : uint8_t { start, sign, integer, point, fraction, exponent, exponent_sign, exponent_digits, invalid };
constexpr int states = invalid + 1;

static const char *const fields[] = {
    "42", "90210", "-7", "+331", "3.14159", "-2.71828", ".5", "+.0625", "6.02e23", "-1.6E-19", "+9e9", ".25e+08",
    "-", "1.", "8e", "4e-", "0x1f", "12:30", "1.2.3", "e10",
};

static bool is_digit(char character) { return character >= '0' && character <= '9'; }

static enum state step(enum state now, char character) {
    switch (now) {
    case start:
        return is_digit(character) ? integer : character == '.' ? point
             : character == '+' || character == '-' ? sign : invalid;
    case sign: return is_digit(character) ? integer : character == '.' ? point : invalid;
    case integer:
        return is_digit(character) ? integer : character == '.' ? fraction
             : character == 'e' || character == 'E' ? exponent : invalid;
    case point: return is_digit(character) ? fraction : invalid;
    case fraction:
        return is_digit(character) ? fraction : character == 'e' || character == 'E' ? exponent : invalid;
    case exponent:
        return is_digit(character) ? exponent_digits : character == '+' || character == '-' ? exponent_sign : invalid;
    case exponent_sign:
    case exponent_digits: return is_digit(character) ? exponent_digits : invalid;
    default: return invalid;
    }
}

/* Counts in which state fields end, and how many characters changed the state. */
static uint32_t scan(const char *text, uint16_t ends[static states]) {
    uint32_t changes = 0;
    enum state now = start;
    for (;; text++) {
        if (*text == ',' || *text == '\0') {
            ends[now]++;
            now = start;
            if (*text == '\0') return changes;
        } else {
            const enum state next = step(now, *text);
            changes += next != now;
            now = next;
        }
    }
}

static void write_text(char text[static text_bytes + 1], uint32_t *random) {
    int used = 0;
    for (;;) {
        const char *field = fields[random_next(random) % (sizeof fields / sizeof *fields)];
        int length = 0;
        while (field[length] != '\0') length++;
        if (used + length + 1 > text_bytes) break;
        for (int i = 0; i < length; i++) text[used++] = field[i];
        text[used++] = ',';
    }
    text[used - 1] = '\0';
}

uint16_t state_kernel(uint32_t seed) {
    static char text[text_bytes + 1];
    write_text(text, &seed);
    uint16_t crc = 0;
    for (int round = 0; round < rounds; round++) {
        uint16_t ends[states] = {};
        uint32_t changes = scan(text, ends);
        /* Some characters become others: the field falls apart, or means something else. */
        for (int i = round; text[i] != '\0'; i += damage_step) {
            if (text[i] != ',') text[i] ^= 1;
        }
        changes = changes * 1000 + scan(text, ends);
        crc = crc_word(crc, changes);
        for (int state = 0; state < states; state++) crc = crc_half(crc, ends[state]);
    }
    return crc;
}
