/* tables.h: the capability tables and small helpers, shared by the files of this folder, and sys/call.c for its check. */
#pragma once
#include "cap/cap.h"
#include "cap/hooks.h"

/* The kernel's own record of a space, beside its SpaceEntry. What finding and filling a slot needs comes first, and lies
   in one line of a cache. */
struct cap_space {
    alignas(64) uint32_t pages;  /* directory entries in use; 0: no such space */
    uint32_t first_slot;         /* of its first page, which most handles name a slot of */
    uint32_t room;               /* as many free slots may be filled: all, or fewer so that no more than `limit` are in use */
    uint32_t free_first;         /* slot numbers, chained by their `next` links; 0: none */
    uint32_t free_last;          /* if there is a first */
    uint32_t limit;              /* of slots in use */
    uint64_t *directory;         /* DirectoryEntry words; allocated once per space number and kept */
    paddr_t directory_physical;
    uint32_t next_free_space;
};

/* Who owns a page of slots. */
struct cap_page {
    uint32_t space;
    uint32_t position;           /* directory entry in that space */
    uint32_t next_free;
    bool used_before;            /* its tags are in use and must go on, not start anew */
};

/* What derivations and new objects need comes first, in as few lines of a cache as may be. */
struct cap_state {
    alignas(64) struct slot *slots;
    struct object_entry *objects;
    uint32_t revoking_object;    /* that the root of an unfinished revocation names, and all below it; 0: there is none */
    uint32_t free_objects;                         /* in the list; the others below `fresh_object` are in use or retired */
    uint32_t fresh_object, ready_object;           /* the first that was never used, the first whose entry was never written */
    struct cap_space *spaces;
    uint32_t first_free_object, last_free_object, object_count;
    uint32_t retired_objects, spaces_in_use;
    uint32_t space_count, slot_count, page_count, pages_per_space;
    struct cap_page *pages;
    uint64_t *space_entries;
    uint32_t first_free_page, last_free_page;      /* 0: none */
    uint32_t first_free_space, fresh_space;
    uint32_t revoking;           /* root of a revocation that is not finished; 0: none */
    uint32_t reached;            /* deepest slot with a mark, where software goes on with it; 0: an engine does, or nobody */
    uint32_t dead;               /* first slot that an engine emptied and nobody took back, the next by their parent links */
    uint32_t taken;              /* the same of a list that no engine puts anything in front of any more: these go first */
    bool unbroken;               /* a revocation goes on to its end, whatever cap_hook_pause() says */
    uint64_t rounds;             /* so many of these lists have been worked off */
    uint64_t random;
    paddr_t slots_physical, objects_physical, space_entries_physical;
};

extern struct cap_state cap_state;

/* Is the object that the token in `slot` names live and of the same generation? */
[[nodiscard]] static inline bool cap_slot_live(struct slot const *slot)
{
    uint64_t object_id = slot_get_object_id(slot);
    if (object_id >= cap_state.object_count) return false;
    struct object_entry const *entry = &cap_state.objects[object_id];
    return object_entry_get_live(entry) && object_entry_get_generation(entry) == slot_get_generation(slot);
}

/* The slot that `handle` names, by index and tag alone; 0 if the handle is bad. */
[[nodiscard]] static inline uint32_t cap_slot_named(uint32_t space, uint32_t handle)
{
    if (space >= cap_state.space_count) return 0;
    struct cap_space const *record = &cap_state.spaces[space];
    uint32_t index = (uint32_t)handle_get_index(handle);
    if (index / SLOTS_PER_PAGE >= record->pages) return 0;
    uint32_t number = record->first_slot + index;
    if (index >= SLOTS_PER_PAGE) {
        uint32_t page = (uint32_t)directory_entry_get_page(record->directory[index / SLOTS_PER_PAGE]);
        number = page * (uint32_t)SLOTS_PER_PAGE + index % (uint32_t)SLOTS_PER_PAGE;
    }
    return slot_get_tag(&cap_state.slots[number]) == handle_get_tag(handle) ? number : 0;
}

/* cap_resolve(), where it is worth its size. */
[[nodiscard, gnu::always_inline]] static inline enum status cap_resolve_inline(uint32_t space, uint32_t handle,
                                                                               uint16_t rights, bool stale, uint32_t *slot)
{
    uint32_t number = cap_slot_named(space, handle);
    if (number == 0) return STATUS_BAD_HANDLE;
    struct slot const *found = &cap_state.slots[number];
    if (!slot_get_valid(found)) return STATUS_EMPTY;
    if (!stale && !cap_slot_live(found)) return STATUS_STALE;
    if ((rights & ~slot_get_rights(found)) != 0) return STATUS_MISSING_RIGHTS;
    *slot = number;
    return STATUS_OK;
}

/* The content of a slot. */
static inline struct cap_view cap_slot_view(struct slot const *slot)
{
    return (struct cap_view){
        .cap_type = (enum cap_type)slot_get_cap_type(slot), .rights = (uint16_t)slot_get_rights(slot),
        .generation = (uint16_t)slot_get_generation(slot), .object_id = (uint32_t)slot_get_object_id(slot),
        .badge = (uint32_t)slot_get_badge(slot),
    };
}

/* The long way of cap_space_reserve(): takes slots back, lets the space grow. BAD_HANDLE: no such space. NO_SLOTS. */
[[nodiscard]] enum status cap_space_make_room(uint32_t space, uint32_t count);

/* Are `count` slots free in this space, which exists? Perhaps, if the answer is no: cap_space_make_room() knows. */
[[nodiscard]] static inline bool cap_space_has_room(uint32_t space, uint32_t count)
{
    struct cap_space const *record = &cap_state.spaces[space];
    return record->room >= count;
}

/* Makes sure `count` slots are free, growing the space if need be. Errors as above. */
[[nodiscard]] static inline enum status cap_space_reserve(uint32_t space, uint32_t count)
{
    if (space < cap_state.space_count && cap_state.spaces[space].pages != 0 && cap_space_has_room(space, count))
        return STATUS_OK;
    return cap_space_make_room(space, count);
}

/* Takes a free slot of the space; cap_space_reserve() has made sure there is one. */
static inline uint32_t cap_slot_take(uint32_t space)
{
    struct cap_space *record = &cap_state.spaces[space];
    uint32_t number = record->free_first;
    record->free_first = (uint32_t)slot_get_next(&cap_state.slots[number]);
    record->room--;
    return number;
}

/* Do slots wait for cap_reclaim()? */
[[nodiscard]] static inline bool cap_dead_wait(void) { return cap_state.taken != 0 || cap_state.dead != 0; }

/* Empties a slot that has no links any more: tag changes, goes to the end of its space's free slots. */
void cap_slot_release(uint32_t number);

/* The index under which a slot is known in its space, and its handle. */
static inline uint32_t cap_slot_index(uint32_t number)
{
    return cap_state.pages[number / SLOTS_PER_PAGE].position * (uint32_t)SLOTS_PER_PAGE
        + number % (uint32_t)SLOTS_PER_PAGE;
}

static inline uint32_t cap_slot_handle(uint32_t number)
{
    return (uint32_t)handle_make(cap_slot_index(number), slot_get_tag(&cap_state.slots[number]));
}

/* A free slot has its index where a token has its generation, so this half of the word is the handle that it will have. */
static inline uint32_t cap_free_handle(struct slot const *slot) { return (uint32_t)slot->word[1]; }

static inline void cap_set_free_handle(struct slot *slot, uint32_t index, uint16_t tag)
{
    __atomic_store_n(&slot->word[1], handle_make(index, tag), __ATOMIC_RELAXED);
}

/* Half of a slot's word, so that nothing has to be read to set it. `at`: the word as it would be with nothing else in it. */
typedef uint32_t slot_half [[gnu::may_alias]];

static inline void cap_set_low_half(uint64_t *word, uint64_t at) { __atomic_store_n((slot_half *)word, (uint32_t)at, __ATOMIC_RELAXED); }

static inline void cap_set_high_half(uint64_t *word, uint64_t at)
{
    __atomic_store_n((slot_half *)word + 1, (uint32_t)(at >> 32), __ATOMIC_RELAXED);
}

static inline uint32_t cap_slot_space(uint32_t number) { return cap_state.pages[number / SLOTS_PER_PAGE].space; }

/* Goes on to the end with a revocation that is not finished. */
void cap_settle_all(void);

/* Takes a slot out of the derivation tree; its children become its parent's. */
void cap_tree_remove(uint32_t number);

/* The count of references shares the word that hardware reads with what hardware looks at, so it is stored with that. */
static inline uint32_t object_count_references(uint32_t object_id, int change)
{
    struct object_entry *entry = &cap_state.objects[object_id];
    struct object_entry next = { .word = { entry->word[0] } };
    object_entry_set_references(&next, object_entry_get_references(&next) + (uint64_t)(int64_t)change);
    __atomic_store_n(&entry->word[0], next.word[0], __ATOMIC_RELAXED);
    return (uint32_t)object_entry_get_references(&next);
}

/* Counts a token of a live object, or that there is one less. */
static inline void object_reference(uint32_t object_id) { (void)object_count_references(object_id, 1); }

static inline void object_unreference(uint32_t object_id)
{
    if (object_count_references(object_id, -1) == 0) cap_hook_unreferenced(object_id);
}
