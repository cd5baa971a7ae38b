/*
 * pool.h: records of one size, cut out of frames. A frame given to a pool stays with it.
 * Interrupts off; one CPU at a time.
 */
#pragma once
#include <stddef.h>

struct pool {
    size_t bytes;                /* of a record: a multiple of 8, at most PAGE_BYTES */
    void *free;                  /* chained through their first word */
};

/* A record of zeros; nullptr without memory. */
[[nodiscard]] void *pool_alloc(struct pool *pool);

/* Cuts a frame into records; false without memory. */
[[nodiscard]] bool pool_grow(struct pool *pool);

/* A record with arbitrary content; nullptr without memory. */
[[nodiscard]] static inline void *pool_take(struct pool *pool)
{
    if (pool->free == nullptr && !pool_grow(pool)) return nullptr;
    void *record = pool->free;
    pool->free = *(void **)record;
    return record;
}

void pool_free(struct pool *pool, void *record);
