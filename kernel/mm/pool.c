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

void *pool_alloc(struct pool *pool)
{
    if (pool->free == nullptr) {
        paddr_t frame = frame_alloc();
        if (frame == 0) return nullptr;
        frame_keep(1);
        char *page = direct_map(frame);
        for (size_t at = 0; at + pool->bytes <= PAGE_BYTES; at += pool->bytes) pool_free(pool, page + at);
    }
    void *record = pool->free;
    pool->free = *(void **)record;
    memset(record, 0, pool->cleared != 0 ? pool->cleared : pool->bytes);
    return record;
}
