/* frame.c: see frame.h. */
#include "arch.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "mm/direct.h"
#include "mm/frame.h"

static uint64_t *free_bits;      /* lie in memory that they describe */
static size_t frames;            /* that have a bit */
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
    paddr_t end = base + frames * PAGE_BYTES;
    paddr_t from = range.base < base ? base : range.base;
    paddr_t to = range.base + range.size > end ? end : range.base + range.size;
    if (free) from = (from + PAGE_BYTES - 1) & ~(paddr_t)(PAGE_BYTES - 1);
    else to = (to + PAGE_BYTES - 1) & ~(paddr_t)(PAGE_BYTES - 1);
    if (from < to) set_range((from - base) / PAGE_BYTES, (to - base) / PAGE_BYTES, free);
}

static paddr_t page_up(paddr_t address) { return (address + PAGE_BYTES - 1) & ~(paddr_t)(PAGE_BYTES - 1); }

/* The first `bytes` of usable memory that touch nothing reserved, from a page's beginning on; 0 if there are none. */
static paddr_t find_room(struct boot_info const *info, uint64_t bytes)
{
    for (size_t i = 0; i < info->memory_count; i++) {
        paddr_t end = info->memory[i].base + info->memory[i].size;
        paddr_t at = page_up(info->memory[i].base == 0 ? 1 : info->memory[i].base);
        for (size_t j = 0; j < info->reserved_count;) {
            struct memory_range reserved = info->reserved[j++];
            if (at >= reserved.base + reserved.size || reserved.base >= at + bytes) continue;
            at = page_up(reserved.base + reserved.size);
            j = 0;
        }
        if (at < end && bytes <= end - at) return at;
    }
    return 0;
}

void frame_init(struct boot_info const *info)
{
    if (info->memory_count == 0) panic("the boot tables list no memory");
    base = UINT64_MAX;
    paddr_t end = 0;
    for (size_t i = 0; i < info->memory_count; i++) {
        if (info->memory[i].base < base) base = info->memory[i].base;
        if (info->memory[i].base + info->memory[i].size > end) end = info->memory[i].base + info->memory[i].size;
    }
    base &= ~(paddr_t)(64 * PAGE_BYTES - 1);
    frames = (end - base) / PAGE_BYTES < FRAME_LIMIT ? (end - base) / PAGE_BYTES : FRAME_LIMIT;
    size_t words = (frames + 63) / 64;
    struct memory_range bits = { find_room(info, words * sizeof *free_bits), words * sizeof *free_bits };
    if (bits.base == 0) panic("no memory for one bit a frame");
    free_bits = direct_map(bits.base);
    memset(free_bits, 0, bits.size);
    for (size_t i = 0; i < info->memory_count; i++) mark(info->memory[i], true);
    for (size_t i = 0; i < info->reserved_count; i++) mark(info->reserved[i], false);
    mark(bits, false);
    if (base == 0) set_range(0, 1, false);      /* address 0 means "none" */
    for (size_t word = 0; word < words; word++) {
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
