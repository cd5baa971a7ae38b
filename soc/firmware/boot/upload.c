#include "upload.h"

#include "serial.h"

enum : uint8_t { SOH = 0x01, STX = 0x02, EOT = 0x04, ACK = 0x06, NAK = 0x15, REQUEST = 'C' };

constexpr int errors_max = 10;
/* Seconds for an answer to a request, and between blocks: if a sender is slower, blocks come twice. */
constexpr uint64_t request_seconds = 3, block_seconds = 10;
constexpr size_t short_block = 128, long_block = 1024;

static union {
    uint64_t words[long_block / 8];
    uint8_t bytes[long_block];
} block;

/* CRC-16 of XMODEM (polynomial 0x1021, from 0), a byte at a time. */
static uint16_t crc_step(uint16_t crc, uint8_t byte) {
    uint16_t folded = (uint16_t)(crc >> 8 ^ byte);
    folded ^= folded >> 4;
    return (uint16_t)(crc << 8 ^ folded << 12 ^ folded << 5 ^ folded);
}

/* Drop what comes until the line has been quiet for a while. */
static void purge(uint64_t second) {
    while (serial_get(second / 64) >= 0) {
    }
}

/* Number of a block that has come whole, or -1. */
static int receive_block(size_t bytes, uint64_t second) {
    const int number = serial_get(second);
    const int complement = serial_get(second);
    uint16_t crc = 0;
    for (size_t at = 0; at < bytes + 2; at++) {
        const int byte = serial_get(second);
        if (byte < 0) {
            return -1;
        }
        crc = crc_step(crc, (uint8_t)byte);
        if (at < bytes) {
            block.bytes[at] = (uint8_t)byte;
        }
    }
    /* With its own CRC behind it a message has the CRC zero. */
    return crc == 0 && (number ^ complement) == 0xff ? number : -1;
}

static enum image_error give_up(enum image_error error, uint64_t second) {
    serial_put(SERIAL_CAN);
    serial_put(SERIAL_CAN);
    purge(second);
    return error;
}

enum image_error upload_receive(struct image *image, uint64_t second) {
    bool started = false;
    bool ending = false;
    uint8_t expected = 1;
    int errors = 0;
    purge(second);
    serial_put(REQUEST);
    while (true) {
        const int first = serial_get((started ? block_seconds : request_seconds) * second);
        if (first == SOH || first == STX) {
            const size_t bytes = first == SOH ? short_block : long_block;
            const int number = receive_block(bytes, second);
            if (number == expected) {
                const enum image_error error =
                    image_complete(image) ? IMAGE_TOO_LONG : image_feed(image, block.words, bytes / 8);
                if (error != IMAGE_OK) {
                    return give_up(error, second);
                }
                expected++;
                started = true;
                ending = false;
                errors = 0;
                serial_put(ACK);
                continue;
            }
            if (started && number == (uint8_t)(expected - 1)) {
                /* Our answer to it was lost. */
                serial_put(ACK);
                continue;
            }
            if (number >= 0) {
                return give_up(IMAGE_LOST, second);
            }
        } else if (first == EOT && started) {
            /* Noise can look like an end: one too early must be said twice. */
            if (image_complete(image) || ending) {
                if (!image_complete(image)) {
                    return give_up(IMAGE_TRUNCATED, second);
                }
                serial_put(ACK);
                return IMAGE_OK;
            }
            ending = true;
        } else if (first == SERIAL_CAN && started && serial_get(second) == SERIAL_CAN) {
            return give_up(IMAGE_CANCELLED, second);
        }
        purge(second);
        if (started && ++errors > errors_max) {
            return give_up(IMAGE_LOST, second);
        }
        serial_put(started ? NAK : REQUEST);
    }
}
