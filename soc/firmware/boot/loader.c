/* The loader, from the loader's memory: test the rest of memory, find an image in the flash, else wait for an upload. */

#include <veridian/memory_map.h>

#include "image.h"
#include "serial.h"
#include "upload.h"

/* start.S */
[[noreturn]] void memory_fails(uintptr_t address, uint64_t written, uint64_t read);
[[noreturn]] void loader_enter(uint64_t entry, uint64_t argument);
void cache_flush(void);

[[noreturn]] void loader_main(uint32_t straps);

constexpr char key_upload = 'u';
constexpr uintptr_t dot_bytes = MEMORY_SIZE / 10;
/* Words of a quick test: an odd number of lines apart, so that all rows, banks and columns come up. */
constexpr uintptr_t quick_step = 8168;
constexpr int quick_shift = 5;

/* As that of the loader's memory in start.S. */
static uint64_t pattern(uintptr_t address, uint64_t inverted) { return address / 8 * PATTERN_FACTOR ^ inverted; }

static void check_word(volatile uint64_t *word, uint64_t inverted) {
    const uint64_t written = pattern((uintptr_t)word, inverted);
    const uint64_t read = *word;
    if (read != written) {
        memory_fails((uintptr_t)word, written, read);
    }
}

static bool wants_upload(void) {
    for (int byte; (byte = serial_get(0)) >= 0;) {
        if (byte == key_upload || byte == SERIAL_CAN) {
            return true;
        }
    }
    return false;
}

/* Each address line by itself, both ways: a word for each, and the first. */
static void test_address_lines(void) {
    for (uint64_t inverted = 0;; inverted = ~inverted) {
        *(volatile uint64_t *)MEMORY_BASE = pattern(MEMORY_BASE, inverted);
        for (uintptr_t offset = 8; offset < MEMORY_SIZE; offset <<= 1) {
            *(volatile uint64_t *)(MEMORY_BASE + offset) = pattern(MEMORY_BASE + offset, inverted);
        }
        cache_flush();
        check_word((volatile uint64_t *)MEMORY_BASE, inverted);
        for (uintptr_t offset = 8; offset < MEMORY_SIZE; offset <<= 1) {
            check_word((volatile uint64_t *)(MEMORY_BASE + offset), inverted);
        }
        if (inverted != 0) {
            return;
        }
    }
}

/* Words `step` bytes apart in three passes: write; check and write inverted; check. Tells of a key that asks for upload. */
static bool test_words(uintptr_t step) {
    bool upload = false;
    uint64_t inverted = 0;
    for (int pass = 0; pass < 3; pass++) {
        uintptr_t dot = MEMORY_BASE;
        for (uintptr_t at = MEMORY_BASE; at <= LOADER_BASE - 8; at += step) {
            volatile uint64_t *const word = (volatile uint64_t *)at;
            if (pass != 0) {
                check_word(word, ~inverted);
            }
            *word = pattern(at, inverted);
            if (at >= dot) {
                dot += dot_bytes;
                serial_put('.');
                upload = wants_upload() || upload;
            }
        }
        inverted = ~inverted;
    }
    return upload;
}

static void print_reason(enum image_error error) {
    serial_text("boot: refused: ");
    const char *text = IMAGE_REASONS;
    while (--error != 0) {
        while (*text++ != '\0') {
        }
    }
    serial_text(text);
    serial_text("\r\n");
}

[[noreturn]] static void enter(const struct image *image) {
    serial_text("boot: entering ");
    serial_hexadecimal(image->header.entry, 32);
    serial_text("\r\n");
    loader_enter(image->header.entry, image->header.argument);
}

static void begin(struct image *image) {
    image_begin(image, MEMORY_BASE, LOADER_BASE, (void *)MEMORY_BASE);
}

#if FLASH
/* Codes that all makers share: leave deep power-down, JEDEC identification. */
enum : uint8_t { FLASH_WAKE = 0xab, FLASH_IDENTIFY = 0x9f };
constexpr unsigned identity_bytes = 3;

static volatile uint32_t *flash(uintptr_t offset) { return (volatile uint32_t *)(FLASH_BASE + offset); }

static void flash_wait(void) {
    while ((*flash(FLASH_STATUS) & FLASH_STATUS_BUSY) != 0) {
    }
}

/* One command, and the bytes that come behind its code, most significant first. */
static uint32_t flash_command(uint8_t code, unsigned answer) {
    uint32_t came = 0;
    *flash(FLASH_CONTROL) |= FLASH_CONTROL_SELECT;
    flash_wait();
    for (unsigned byte = 0; byte <= answer; byte++) {
        *flash(FLASH_TRANSFER) = byte == 0 ? code : 0;
        flash_wait();
        came = came << 8 | (*flash(FLASH_TRANSFER) & 0xff);
    }
    *flash(FLASH_CONTROL) &= ~(uint32_t)FLASH_CONTROL_SELECT;
    flash_wait();
    return came & 0xffffff;
}

static const volatile uint64_t *const flash_image = (const volatile uint64_t *)(FLASH_WINDOW_BASE + FLASH_OFFSET);

static enum image_error load(struct image *image) {
    constexpr size_t header_words = IMAGE_HEADER_BYTES / 8;
    begin(image);
    const enum image_error error = image_feed(image, flash_image, header_words);
    if (error != IMAGE_OK) {
        return error;
    }
    if (image->header.length > FLASH_WINDOW_SIZE - FLASH_OFFSET) {
        return IMAGE_TRUNCATED;
    }
    return image_feed(image, flash_image + header_words, image->header.length / 8 - header_words);
}

static enum image_error load_from_flash(struct image *image) {
    /* It takes 35 us at most to wake; the text takes longer on a real line. */
    flash_command(FLASH_WAKE, 0);
    serial_text("boot: flash ");
    serial_hexadecimal(flash_command(FLASH_IDENTIFY, identity_bytes), 8 * identity_bytes);
    /* Whether the chip has quad reads enabled is for each maker another bit; whether they work is seen. */
    const uint64_t magic = *flash_image;
    *flash(FLASH_CONTROL) |= FLASH_CONTROL_QUAD;
    enum image_error error = IMAGE_NONE;
    if (magic == IMAGE_MAGIC && *flash_image == magic) {
        serial_text(", quad\r\n");
        error = load(image);
        if (error == IMAGE_OK) {
            return error;
        }
        print_reason(error);
        serial_text("boot: flash again");
    }
    *flash(FLASH_CONTROL) &= ~(uint32_t)FLASH_CONTROL_QUAD;
    serial_text(", single\r\n");
    return load(image);
}
#endif

static struct image image;

void loader_main(uint32_t straps) {
    const bool quick = (straps & STRAP_QUICK) != 0;
    const uint64_t second = quick ? TIMEBASE_HZ >> quick_shift : TIMEBASE_HZ;
    bool upload = (straps & STRAP_UPLOAD) != 0;
    test_address_lines();
    upload = test_words(quick ? quick_step : 8) || upload;
    serial_text(" good\r\n");
    image_make_tables();
    enum image_error error;
#if FLASH
    if (!upload) {
        error = load_from_flash(&image);
        if (error == IMAGE_OK) {
            enter(&image);
        }
        print_reason(error);
    }
#endif
    while (true) {
        serial_text("boot: send an image by XMODEM\r\n");
        begin(&image);
        error = upload_receive(&image, second);
        if (error == IMAGE_OK) {
            enter(&image);
        }
        print_reason(error);
    }
}
