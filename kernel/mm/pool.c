/* pool.c: see pool.h. */
#include "lib/memory.h"
#include "mm/direct.h"
#include "mm/frame.h"
#include "mm/pool.h"

void pool_free(struct pool *pool, void *record)
{
    *(void **)record = pool->free;
    pool->free = record;
}

bool pool_grow(struct pool *pool)
{
    paddr_t frame = frame_alloc();
    if (frame == 0) return false;
    frame_keep(1);
    char *page = direct_map(frame);
    for (size_t at = 0; at + pool->bytes <= PAGE_BYTES; at += pool->bytes) pool_free(pool, page + at);
    return true;
}

void *pool_alloc(struct pool *pool)
{
    void *record = pool_take(pool);
    if (record != nullptr) memset(record, 0, pool->bytes);
    return record;
}
