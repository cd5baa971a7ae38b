/* frame.c: see frame.h. */
#include "arch.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "mm/direct.h"
#include "mm/frame.h"

constexpr size_t WORDS = FRAME_LIMIT / 64;

static uint64_t free_bits[WORDS];
static paddr_t base;             /* of bit 0 */
static size_t used_words;        /* words that may hold set bits */
static size_t hint;              /* no free frame lies below this word */
static size_t free_frames, kept_frames;

static void set_range(size_t first, size_t last, bool free)
{
    for (size_t i = first; i < last;) {
        uint64_t mask = 1ull << (i % 64);
        size_t step = 1;
        if (i % 64 == 0 && last - i >= 64) mask = ~0ull, step = 64;
        if (free) free_bits[i / 64] |= mask;
        else free_bits[i / 64] &= ~mask;
        i += step;
    }
}

/* Marks the whole frames inside (free) or touched by (not free) a range. */
static void mark(struct memory_range range, bool free)
{
    paddr_t end = base + FRAME_LIMIT * PAGE_BYTES;
    paddr_t from = range.base < base ? base : range.base;
    paddr_t to = range.base + range.size > end ? end : range.base + range.size;
    if (free) from = (from + PAGE_BYTES - 1) & ~(paddr_t)(PAGE_BYTES - 1);
    else to = (to + PAGE_BYTES - 1) & ~(paddr_t)(PAGE_BYTES - 1);
    if (from < to) set_range((from - base) / PAGE_BYTES, (to - base) / PAGE_BYTES, free);
}

void frame_init(struct boot_info const *info)
{
    if (info->memory_count == 0) panic("the boot tables list no memory");
    base = UINT64_MAX;
    for (size_t i = 0; i < info->memory_count; i++)
        if (info->memory[i].base < base) base = info->memory[i].base;
    base &= ~(paddr_t)(64 * PAGE_BYTES - 1);
    for (size_t i = 0; i < info->memory_count; i++) mark(info->memory[i], true);
    for (size_t i = 0; i < info->reserved_count; i++) mark(info->reserved[i], false);
    if (base == 0) set_range(0, 1, false);      /* address 0 means "none" */
    for (size_t word = 0; word < WORDS; word++) {
        if (free_bits[word] == 0) continue;
        used_words = word + 1;
        free_frames += free_bits[word] == ~0ull ? 64 : (size_t)__builtin_popcountll(free_bits[word]);
    }
}

paddr_t frame_alloc(void)
{
    for (; hint < used_words; hint++) {
        uint64_t word = free_bits[hint];
        if (word == 0) continue;
        free_bits[hint] = word & (word - 1);
        free_frames--;
        return base + (hint * 64 + (size_t)__builtin_ctzll(word)) * PAGE_BYTES;
    }
    return 0;
}

paddr_t frame_alloc_cleared(void)
{
    paddr_t frame = frame_alloc();
    if (frame != 0) memset(direct_map(frame), 0, PAGE_BYTES);
    return frame;
}

paddr_t frame_alloc_range(size_t count)
{
    if (count == 0) return 0;
    size_t run = 0;
    for (size_t i = hint * 64; i < used_words * 64; i++) {
        run = (free_bits[i / 64] >> (i % 64) & 1) != 0 ? run + 1 : 0;
        if (run < count) continue;
        size_t first = i + 1 - count;
        set_range(first, i + 1, false);
        free_frames -= count;
        return base + first * PAGE_BYTES;
    }
    return 0;
}

void frame_free(paddr_t frame)
{
    size_t index = (frame - base) / PAGE_BYTES;
    KERNEL_ASSERT(frame % PAGE_BYTES == 0 && index < used_words * 64);
    KERNEL_ASSERT((free_bits[index / 64] >> (index % 64) & 1) == 0);
    free_bits[index / 64] |= 1ull << (index % 64);
    if (index / 64 < hint) hint = index / 64;
    free_frames++;
}

size_t frame_count(void) { return free_frames; }

void frame_keep(size_t count) { kept_frames += count; }

size_t frame_kept(void) { return kept_frames; }
