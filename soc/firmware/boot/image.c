#include "image.h"

/* CRC-32 of IEEE 802.3, reflected, eight bytes at a time (Kounavis and Berry, "Novel table lookup-based algorithms", 2008). */
static uint32_t crc_tables[8][256];

void image_make_tables(void) {
    constexpr uint32_t polynomial = 0xedb88320;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++) {
            value = value >> 1 ^ (polynomial & -(value & 1));
        }
        crc_tables[0][byte] = value;
    }
    for (int table = 1; table < 8; table++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            const uint32_t before = crc_tables[table - 1][byte];
            crc_tables[table][byte] = before >> 8 ^ crc_tables[0][before & 255];
        }
    }
}

static uint32_t crc_of(const uint64_t *words, size_t count) {
    uint32_t crc = ~UINT32_C(0);
    for (; count != 0; count--) {
        uint64_t value = *words++ ^ crc;
        crc = 0;
        for (int table = 7; table >= 0; table--) {
            crc ^= crc_tables[table][value & 255];
            value >>= 8;
        }
    }
    return ~crc;
}

void image_begin(struct image *image, uint64_t memory_base, uint64_t memory_end, void *memory) {
    image->memory_base = memory_base;
    image->memory_end = memory_end;
    image->memory = memory;
    image->have = 0;
    image->segment = 0;
    image->offset = 0;
}

static enum image_error check_header(const struct image *image) {
    const struct image_header *header = &image->header;
    if (header->magic != IMAGE_MAGIC) {
        return IMAGE_NONE;
    }
    if (header->version != IMAGE_VERSION) {
        return IMAGE_VERSION_ERROR;
    }
    /* The last word: the CRC, and zeros above it. */
    constexpr size_t last = IMAGE_HEADER_BYTES / 8 - 1;
    if (image->words[last] != crc_of(image->words, last)) {
        return IMAGE_HEADER_CRC;
    }
    if (header->segments == 0 || header->segments > IMAGE_SEGMENTS_MAX) {
        return IMAGE_SEGMENTS;
    }
    uint64_t lowest = image->memory_base;
    uint64_t length = IMAGE_HEADER_BYTES;
    bool entered = false;
    for (uint32_t index = 0; index < header->segments; index++) {
        const struct image_segment *segment = &header->table[index];
        const uint64_t bytes = segment->bytes;
        if (bytes == 0 || ((segment->address | bytes) & 7) != 0 || segment->address < lowest ||
            segment->address > image->memory_end || bytes > image->memory_end - segment->address) {
            return IMAGE_SEGMENT;
        }
        lowest = segment->address + bytes;
        length += bytes;
        entered = entered || (header->entry >= segment->address && header->entry < lowest);
    }
    if (header->length != length) {
        return IMAGE_LENGTH;
    }
    return entered && (header->entry & 1) == 0 ? IMAGE_OK : IMAGE_ENTRY;
}

bool image_complete(const struct image *image) {
    return image->have == IMAGE_HEADER_BYTES / 8 && image->segment == image->header.segments;
}

enum image_error image_feed(struct image *image, const volatile uint64_t *words, size_t count) {
    while (count != 0 && image->have < IMAGE_HEADER_BYTES / 8) {
        image->words[image->have++] = *words++;
        count--;
        if (image->have == IMAGE_HEADER_BYTES / 8) {
            const enum image_error error = check_header(image);
            if (error != IMAGE_OK) {
                image->have = 0;
                return error;
            }
        }
    }
    while (count != 0 && !image_complete(image)) {
        const struct image_segment *segment = &image->header.table[image->segment];
        uint64_t *const begin = (uint64_t *)(void *)(image->memory + (segment->address - image->memory_base));
        size_t now = (segment->bytes - image->offset) / 8;
        if (now > count) {
            now = count;
        }
        uint64_t *to = begin + image->offset / 8;
        for (size_t word = 0; word < now; word++) {
            *to++ = *words++;
        }
        count -= now;
        image->offset += (uint32_t)now * 8;
        if (image->offset == segment->bytes) {
            /* What memory holds now, not what came. */
            if (crc_of(begin, segment->bytes / 8) != segment->crc) {
                return IMAGE_SEGMENT_CRC;
            }
            image->segment++;
            image->offset = 0;
        }
    }
    return IMAGE_OK;
}
