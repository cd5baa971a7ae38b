/*
 * An image on its way into main memory: header first, then its segments, in pieces of any number of words.
 *
 * Nothing is written before the whole header has been found valid, and then only inside [memory_base, memory_end), at the
 * places that the header names. Whoever calls owns the structure; no function waits or allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <veridian/image.h>

struct image {
    union {
        struct image_header header;
        uint64_t words[IMAGE_HEADER_BYTES / 8];
    };
    uint64_t memory_base, memory_end;  /* where segments may lie */
    uint8_t *memory;                   /* where memory_base can be written; the same on the machine */
    size_t have;                       /* words of the header that have come */
    uint32_t segment;                  /* the one that comes; header.segments: all are there */
    uint32_t offset;                   /* bytes of it that have come */
};

/* Once, before anything else. */
void image_make_tables(void);

void image_begin(struct image *image, uint64_t memory_base, uint64_t memory_end, void *memory);

/* Take the next words. Words behind the end of a whole image have no effect. After an error the image is dead. */
[[nodiscard]] enum image_error image_feed(struct image *image, const volatile uint64_t *words, size_t count);

/* Whether header and all segments have come, and are right. */
bool image_complete(const struct image *image);
