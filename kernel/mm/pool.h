/*
 * pool.h: records of one size, cut out of frames. A frame given to a pool stays with it.
 * Interrupts off; one CPU at a time.
 */
#pragma once
#include <stddef.h>

struct pool {
    size_t bytes;                /* of a record: a multiple of 8, at most PAGE_BYTES */
    size_t cleared;              /* bytes of a new record that are zero; 0: all. A multiple of 8, at least 8 */
    void *free;                  /* chained through their first word */
};

/* A record of zeros, as far as the pool says; nullptr without memory. */
[[nodiscard]] void *pool_alloc(struct pool *pool);

void pool_free(struct pool *pool, void *record);
