/* host_hooks.c: what kernel/cap asks of the kernel, for host tests, and a lookaside cache as the capability unit is one.
 *
 * The cache keeps every OK verdict's slot and forgets only what the hooks tell it to. If the kernel's code misses an
 * invalidation, cached_check() goes on saying OK where cap_check_badge() does not. */
#include <stdlib.h>
#include <string.h>
#include "cap/cap.h"
#include "cap/hooks.h"
#include "cap/tables.h"

enum forgotten : int { FORGET_SLOT, FORGET_SPACE, FORGET_OBJECT };

/* Hears of each invalidation: number of the space or object, and handle. Returns when nothing older can be seen. */
typedef void invalidation_observer(int what, uint32_t number, uint32_t handle);

/* Empties descendants of slot `root`; the first of the dead slots, and that it is done if it is. */
typedef uint64_t revocation_engine(uint32_t root, uint32_t limit, uint32_t *dead, bool *finished);

struct line { bool valid; uint32_t space, handle, object_id, badge; uint16_t cap_type, rights; };

constexpr size_t LINES = 4096;
static struct line lines[LINES];
static bool caching;                 /* is there anything in the cache? */
static invalidation_observer *observer;
static struct { char *memory; paddr_t first; size_t bytes; } arena[64];
static size_t arena_count;
static paddr_t next_physical;        /* of the next pages; 0: physical addresses are those of this process */
static size_t page_limit = SIZE_MAX;
static uint32_t last_unreferenced;
static revocation_engine *engine;
static bool attached, pausing;

void *cap_hook_pages(size_t pages, paddr_t *physical)
{
    if (pages > page_limit || arena_count == sizeof arena / sizeof *arena) return nullptr;
    page_limit -= pages;
    void *memory = aligned_alloc(PAGE_BYTES, pages * PAGE_BYTES);
    if (memory == nullptr) return nullptr;
    memset(memory, 0xa5, pages * PAGE_BYTES);     /* content is arbitrary: nobody may rely on zero */
    *physical = next_physical == 0 ? (paddr_t)(uintptr_t)memory : next_physical;
    arena[arena_count].memory = memory;
    arena[arena_count].first = *physical;
    arena[arena_count++].bytes = pages * PAGE_BYTES;
    if (next_physical != 0) next_physical += (pages + 1) * PAGE_BYTES;     /* a page that is none between them */
    return memory;
}

void cap_hook_invalidate_slot(uint32_t space, uint32_t handle)
{
    for (size_t i = 0; i < LINES && caching; i++)
        if (lines[i].space == space && handle_get_index(lines[i].handle) == handle_get_index(handle))
            lines[i].valid = false;
    if (observer != nullptr) observer(FORGET_SLOT, space, handle);
}

void cap_hook_invalidate_space(uint32_t space)
{
    for (size_t i = 0; i < LINES && caching; i++)
        if (lines[i].space == space) lines[i].valid = false;
    if (observer != nullptr) observer(FORGET_SPACE, space, 0);
}

void cap_hook_invalidate_object(uint32_t object_id)
{
    for (size_t i = 0; i < LINES && caching; i++)
        if (lines[i].object_id == object_id) lines[i].valid = false;
    if (observer != nullptr) observer(FORGET_OBJECT, object_id, 0);
}

void cap_hook_filled(uint32_t, uint32_t, struct cap_view const *) {}
void cap_hook_emptied(uint32_t, uint32_t, struct cap_view const *) {}
void cap_hook_unreferenced(uint32_t object_id) { last_unreferenced = object_id; }

bool cap_hook_revoke(uint32_t root, uint32_t limit, struct cap_revocation *run)
{
    if (engine == nullptr) return false;
    if (pausing && !run->unbroken) limit = 1;
    run->revoked = engine(root, limit, &run->dead, &run->finished);
    return true;
}

bool cap_hook_attached(uint32_t) { return attached; }

bool cap_hook_pause(void) { return pausing; }

/* ---- for the test ---- */

/* First of the slots that wait for cap_reclaim(), in one of the two lists. */
uint32_t host_dead(bool taken) { return taken ? cap_state.taken : cap_state.dead; }

/* Whether something hangs on every object from now on. */
void host_set_attached(bool value) { attached = value; }

/* Whether every long operation stops after each step from now on. */
void host_set_pause(bool value) { pausing = value; }

/* The engine from now on; nullptr: none. */
void host_set_engine(revocation_engine *use) { engine = use; }

/* The observer from now on; nullptr: none. */
void host_set_observer(invalidation_observer *use) { observer = use; }

/* Physical addresses begin here from now on: those of a machine, which no code can take for its own. */
void host_set_physical(paddr_t first) { next_physical = first; }

/* What lies at a physical address; nullptr: nothing. */
uint64_t *host_at(paddr_t address)
{
    for (size_t i = 0; i < arena_count; i++)
        if (address - arena[i].first < arena[i].bytes) return (uint64_t *)(arena[i].memory + (address - arena[i].first));
    return nullptr;
}

void host_reset(size_t pages)
{
    for (size_t i = 0; i < arena_count; i++) free(arena[i].memory);
    arena_count = 0;
    page_limit = pages;
    memset(lines, 0, sizeof lines);
    last_unreferenced = 0;
    engine = nullptr;
    observer = nullptr;
    next_physical = 0;
    attached = pausing = caching = false;
}

uint32_t host_take_unreferenced(void)
{
    uint32_t object_id = last_unreferenced;
    last_unreferenced = 0;
    return object_id;
}

/* A check as a unit with a cache would answer it. */
uint64_t cached_check(uint32_t space, uint64_t query)
{
    uint32_t handle = (uint32_t)query_get_handle(query);
    struct line *line = &lines[(space * 512 + handle_get_index(handle)) % LINES];
    if (!line->valid || line->space != space || line->handle != handle) {
        struct cap_view view;
        if (cap_find(space, handle, 0, &view) != STATUS_OK) return cap_check_badge(space, query);
        caching = true;
        *line = (struct line){ true, space, handle, view.object_id, view.badge, view.cap_type, view.rights };
    }
    if (line->cap_type != query_get_cap_type(query)) return answer_make(VERDICT_WRONG_TYPE, 0);
    if ((query_get_rights(query) & ~(uint64_t)line->rights) != 0) return answer_make(VERDICT_MISSING_RIGHTS, 0);
    return answer_make(VERDICT_OK, line->badge);
}
