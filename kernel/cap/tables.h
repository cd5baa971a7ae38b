/* tables.h: the capability tables and small helpers, shared by the files of this folder only. */
#pragma once
#include "cap/cap.h"
#include "cap/hooks.h"

/* The kernel's own record of a space, beside its SpaceEntry. */
struct cap_space {
    uint64_t *directory;         /* DirectoryEntry words; allocated once per space number and kept */
    paddr_t directory_physical;
    uint32_t pages;              /* directory entries in use; 0: no such space */
    uint32_t free_first;         /* slot numbers, chained by their `next` links; 0: none */
    uint32_t free_last;
    uint32_t free_count;
    uint32_t limit;              /* of slots in use */
    uint32_t next_free_space;
};

/* Who owns a page of slots. */
struct cap_page {
    uint32_t space;
    uint32_t position;           /* directory entry in that space */
    uint32_t next_free;
    bool used_before;            /* its tags are in use and must go on, not start anew */
};

struct cap_state {
    struct slot *slots;
    struct object_entry *objects;
    uint64_t *space_entries;
    struct cap_space *spaces;
    struct cap_page *pages;
    uint32_t *references;        /* of each object */
    uint32_t slot_count, space_count, object_count, page_count, pages_per_space;
    uint32_t first_free_page, last_free_page;      /* 0: none */
    uint32_t first_free_space, fresh_space;
    uint32_t first_free_object, last_free_object, fresh_object;
    struct cap_statistics in_use;
    uint32_t dead;               /* first slot that an engine emptied and nobody took back, the next by their parent links */
    uint64_t random;
    paddr_t slots_physical, objects_physical, space_entries_physical;
};

extern struct cap_state cap_state;

/* The slot that `handle` names, by index and tag; BAD_HANDLE or EMPTY otherwise. */
[[nodiscard]] enum status cap_slot_of(uint32_t space, uint32_t handle, uint32_t *number);

/* Is the object that the token in `slot` names live and of the same generation? */
[[nodiscard]] static inline bool cap_slot_live(struct slot const *slot)
{
    uint64_t object_id = slot_get_object_id(slot);
    if (object_id >= cap_state.object_count) return false;
    struct object_entry const *entry = &cap_state.objects[object_id];
    return object_entry_get_live(entry) && object_entry_get_generation(entry) == slot_get_generation(slot);
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

/* Makes sure `count` slots are free, growing the space if need be. NO_SLOTS otherwise. */
[[nodiscard]] enum status cap_space_reserve(uint32_t space, uint32_t count);

/* Takes a free slot of the space; cap_space_reserve() has made sure there is one. */
uint32_t cap_slot_take(uint32_t space);

/* Writes a whole slot as a walker must see it: invalid, body, valid. The tag stays. */
void cap_slot_write(uint32_t number, struct cap_view const *view, uint32_t parent);

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

static inline uint32_t cap_slot_space(uint32_t number) { return cap_state.pages[number / SLOTS_PER_PAGE].space; }

/* Takes a slot out of the derivation tree; its children become its parent's. */
void cap_tree_remove(uint32_t number);

/* Counts a token of a live object, or that there is one less. */
static inline void object_reference(uint32_t object_id) { cap_state.references[object_id]++; }

static inline void object_unreference(uint32_t object_id)
{
    if (--cap_state.references[object_id] == 0) cap_hook_unreferenced(object_id);
}
