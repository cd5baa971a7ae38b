/* The loader's image and upload code on a host. Main memory is exactly as large as the loader may write, so that
 * AddressSanitizer sees every byte outside; the serial line is the test's. */

#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "serial.h"
#include "upload.h"

static struct image image;
static uint8_t *memory;
static int (*get)(uint64_t ticks);
static void (*put)(int byte);

/* Returns main memory, `bytes` from `base` on, filled with `fill`. */
uint8_t *host_begin(uint64_t base, size_t bytes, int fill) {
    free(memory);
    memory = malloc(bytes);
    memset(memory, fill, bytes);
    image_make_tables();
    image_begin(&image, base, base + bytes, memory);
    return memory;
}

int host_feed(const uint8_t *bytes, size_t words) {
    uint64_t *const copy = malloc(words * 8);
    memcpy(copy, bytes, words * 8);
    const int error = image_feed(&image, copy, words);
    free(copy);
    return error;
}

int host_complete(void) { return image_complete(&image); }

int host_upload(int (*new_get)(uint64_t ticks), void (*new_put)(int byte), uint64_t second) {
    get = new_get;
    put = new_put;
    return upload_receive(&image, second);
}

int serial_get(uint64_t ticks) { return get(ticks); }
void serial_put(uint8_t byte) { put(byte); }
