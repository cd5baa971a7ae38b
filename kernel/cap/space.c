/* space.c: set-up, spaces and their pages of slots. */
#include "cap/tables.h"

struct cap_state cap_state;

/* xorshift64*: tags need to be hard to hit by chance, not cryptographic. */
static uint64_t random_next(void)
{
    uint64_t x = cap_state.random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    cap_state.random = x;
    return x * 0x2545f4914f6cdd1d;
}

static uint16_t random_tag(void)
{
    uint16_t tag;
    do tag = (uint16_t)(random_next() >> 48); while (tag == 0);
    return tag;
}

static size_t pages_for(size_t count, size_t bytes) { return (count * bytes + PAGE_BYTES - 1) / PAGE_BYTES; }

static void *allocate_cleared(size_t pages, paddr_t *physical)
{
    uint64_t *memory = cap_hook_pages(pages, physical);
    if (memory != nullptr)
        for (size_t i = 0; i < pages * PAGE_BYTES / sizeof *memory; i++) memory[i] = 0;
    return memory;
}

enum status cap_init(struct cap_config const *config)
{
    if (config->slot_pages < 2 || config->slot_pages > 1 << 23 || config->space_count < 2
        || config->object_count < 2 || config->pages_per_space == 0 || config->pages_per_space > DIRECTORY_ENTRIES
        || config->seed == 0) return STATUS_BAD_ARGUMENT;
    paddr_t ignored;
    cap_state = (struct cap_state){
        .slot_count = config->slot_pages * (uint32_t)SLOTS_PER_PAGE, .page_count = config->slot_pages,
        .space_count = config->space_count, .object_count = config->object_count,
        .pages_per_space = config->pages_per_space, .random = config->seed,
        .fresh_space = 1, .fresh_object = 1, .ready_object = 1,
    };
    /* Slots and objects are cleared as they come into use. */
    cap_state.slots = cap_hook_pages(config->slot_pages, &cap_state.slots_physical);
    cap_state.objects = cap_hook_pages(pages_for(config->object_count, OBJECT_ENTRY_BYTES),
                                       &cap_state.objects_physical);
    cap_state.space_entries = allocate_cleared(pages_for(config->space_count, SPACE_ENTRY_BYTES),
                                               &cap_state.space_entries_physical);
    cap_state.spaces = allocate_cleared(pages_for(config->space_count, sizeof *cap_state.spaces), &ignored);
    cap_state.pages = allocate_cleared(pages_for(config->slot_pages, sizeof *cap_state.pages), &ignored);
    if (cap_state.slots == nullptr || cap_state.objects == nullptr || cap_state.space_entries == nullptr
        || cap_state.spaces == nullptr || cap_state.pages == nullptr) return STATUS_NO_MEMORY;
    for (uint32_t page = 1; page < config->slot_pages; page++)
        cap_state.pages[page].next_free = page + 1 < config->slot_pages ? page + 1 : 0;
    cap_state.first_free_page = 1;
    cap_state.last_free_page = config->slot_pages - 1;
    return STATUS_OK;
}

void cap_tables_get(struct cap_tables *tables)
{
    *tables = (struct cap_tables){
        .spaces = cap_state.space_entries_physical, .space_count = cap_state.space_count,
        .slots = cap_state.slots_physical, .slot_count = cap_state.slot_count,
        .objects = cap_state.objects_physical, .object_count = cap_state.object_count,
    };
}

/* Publishes the number of directory entries in use; 0 makes the entry invalid. */
static void write_space_entry(uint32_t space)
{
    struct cap_space *record = &cap_state.spaces[space];
    uint64_t entry = record->pages == 0 ? 0 : space_entry_make(1, record->pages, record->directory_physical / PAGE_BYTES);
    __atomic_store_n(&cap_state.space_entries[space], entry, __ATOMIC_RELEASE);
}

/* Puts a slot behind the free ones. They have no other links, so nothing has to be read to set one. Whether it may be used is
   for the caller to count. */
static void append_free(struct cap_space *record, uint32_t number)
{
    struct slot link = {};
    slot_set_next(&link, number);
    cap_state.slots[number].word[3] = 0;
    if (record->free_first == 0) record->free_first = number;
    else cap_state.slots[record->free_last].word[3] = link.word[3];
    record->free_last = number;
}

/* As many slots may be in use with the pages that it has. */
static uint32_t slots_open(struct cap_space const *record)
{
    uint32_t slots = record->pages * (uint32_t)SLOTS_PER_PAGE;
    return slots < record->limit ? slots : record->limit;
}

static uint32_t slots_used(struct cap_space const *record) { return slots_open(record) - record->room; }

/* Gives the space one more page of slots. */
static enum status grow(uint32_t space)
{
    struct cap_space *record = &cap_state.spaces[space];
    uint32_t page = cap_state.first_free_page;
    if (page == 0 || record->pages == cap_state.pages_per_space) return STATUS_NO_SLOTS;
    struct cap_page *owner = &cap_state.pages[page];
    cap_state.first_free_page = owner->next_free;
    uint32_t first = page * (uint32_t)SLOTS_PER_PAGE, used = slots_used(record);
    for (uint32_t i = 0; i < SLOTS_PER_PAGE; i++) {
        struct slot *slot = &cap_state.slots[first + i];
        if (!owner->used_before) *slot = (struct slot){};
        cap_set_free_handle(slot, record->pages * (uint32_t)SLOTS_PER_PAGE + i,
                            owner->used_before ? (uint16_t)slot_get_tag(slot) : random_tag());
        append_free(record, first + i);
    }
    *owner = (struct cap_page){ .space = space, .position = record->pages, .used_before = true };
    __atomic_store_n(&record->directory[record->pages], directory_entry_make(page, 1), __ATOMIC_RELEASE);
    if (record->pages++ == 0) record->first_slot = first;
    record->room = slots_open(record) - used;
    write_space_entry(space);
    /* The unit may remember that these indices lay outside the space. */
    cap_hook_invalidate_space(space);
    return STATUS_OK;
}

enum status cap_space_create(uint32_t *space)
{
    uint32_t number = cap_state.first_free_space;
    if (number == 0) {
        if (cap_state.fresh_space == cap_state.space_count) return STATUS_NO_SLOTS;
        number = cap_state.fresh_space;
    }
    struct cap_space *record = &cap_state.spaces[number];
    if (record->directory == nullptr) {
        record->directory = allocate_cleared(1, &record->directory_physical);
        if (record->directory == nullptr) return STATUS_NO_MEMORY;
    }
    uint32_t next = record->next_free_space;
    record->limit = cap_space_most();
    if (grow(number) != STATUS_OK) return STATUS_NO_SLOTS;
    if (number == cap_state.first_free_space) cap_state.first_free_space = next;
    else cap_state.fresh_space++;
    cap_state.spaces_in_use++;
    *space = number;
    return STATUS_OK;
}

void cap_space_destroy(uint32_t space)
{
    if (space == 0 || space >= cap_state.space_count || cap_state.spaces[space].pages == 0) return;
    /* A slot with the mark stays where it is until its revocation is over. */
    cap_settle_all();
    cap_reclaim(UINT32_MAX);
    struct cap_space *record = &cap_state.spaces[space];
    for (uint32_t position = 0; position < record->pages; position++) {
        uint32_t first = (uint32_t)directory_entry_get_page(record->directory[position]) * (uint32_t)SLOTS_PER_PAGE;
        for (uint32_t number = first; number < first + SLOTS_PER_PAGE; number++) {
            if (!slot_get_valid(&cap_state.slots[number])) continue;
            cap_tree_remove(number);
            cap_slot_release(number);
        }
    }
    uint32_t pages = record->pages;
    record->pages = 0;
    record->free_first = record->free_last = record->room = 0;
    write_space_entry(space);
    for (uint32_t position = 0; position < pages; position++) {
        uint32_t page = (uint32_t)directory_entry_get_page(record->directory[position]);
        __atomic_store_n(&record->directory[position], 0, __ATOMIC_RELEASE);
        cap_state.pages[page] = (struct cap_page){ .used_before = true };
        if (cap_state.first_free_page == 0) cap_state.first_free_page = page;
        else cap_state.pages[cap_state.last_free_page].next_free = page;
        cap_state.last_free_page = page;
    }
    cap_state.spaces_in_use--;
    record->next_free_space = cap_state.first_free_space;
    cap_state.first_free_space = space;
    cap_hook_invalidate_space(space);
}

struct cap_space *cap_space_record(uint32_t space) { return &cap_state.spaces[space]; }

static bool exists(uint32_t space)
{
    return space != 0 && space < cap_state.space_count && cap_state.spaces[space].pages != 0;
}

enum status cap_space_make_room(uint32_t space, uint32_t count)
{
    if (!exists(space)) return STATUS_BAD_HANDLE;
    struct cap_space const *record = &cap_state.spaces[space];
    while (!cap_space_has_room(space, count)) {
        bool more = cap_dead_wait();
        cap_reclaim(CAP_RECLAIM_STEP);
        if (cap_space_has_room(space, count)) break;
        /* None of those was of this space, and there may be thousands of others. */
        if (slots_used(record) + count <= record->limit && grow(space) == STATUS_OK) continue;
        if (!more) return STATUS_NO_SLOTS;
    }
    return STATUS_OK;
}

void cap_space_usage(uint32_t space, uint32_t *used, uint32_t *limit)
{
    *used = exists(space) ? slots_used(&cap_state.spaces[space]) : 0;
    *limit = exists(space) ? cap_state.spaces[space].limit : 0;
}

uint32_t cap_space_most(void) { return cap_state.pages_per_space * (uint32_t)SLOTS_PER_PAGE; }

enum status cap_space_limit(uint32_t space, uint32_t limit)
{
    if (!exists(space)) return STATUS_BAD_HANDLE;
    struct cap_space *record = &cap_state.spaces[space];
    if (limit > cap_space_most()) return STATUS_BAD_ARGUMENT;
    if (limit < slots_used(record)) cap_reclaim(UINT32_MAX);
    if (limit < slots_used(record)) return STATUS_BAD_ARGUMENT;
    uint32_t used = slots_used(record);
    record->limit = limit;
    record->room = slots_open(record) - used;
    return STATUS_OK;
}

void cap_statistics_get(struct cap_statistics *statistics)
{
    *statistics = (struct cap_statistics){
        .objects = cap_state.fresh_object - 1 - cap_state.free_objects - cap_state.retired_objects,
        .retired = cap_state.retired_objects, .spaces = cap_state.spaces_in_use,
    };
    for (uint32_t space = 1; space < cap_state.fresh_space; space++)
        if (exists(space)) statistics->slots += slots_used(&cap_state.spaces[space]);
}

/* The tag behind and before `tag`; 0 is none. */
static uint16_t next_tag(uint16_t tag) { return tag == UINT16_MAX ? 1 : (uint16_t)(tag + 1); }
static uint16_t previous_tag(uint16_t tag) { return tag == 1 ? UINT16_MAX : (uint16_t)(tag - 1); }

/* Empties the slot, which then has `tag`, and puts it to the free ones; it had the handle before. `remembered`: the unit
   may still know it. */
static void empty_slot(uint32_t number, uint16_t tag, uint32_t handle, bool remembered)
{
    struct slot *slot = &cap_state.slots[number];
    uint32_t space = cap_slot_space(number);
    struct cap_view view = cap_slot_view(slot);
    bool live = cap_slot_live(slot);
    /* The word with the valid bit goes before the others: a walker, which reads that bit before and after, has seen
       nothing half written. */
    __atomic_store_n(&slot->word[2], 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&slot->word[0], 0, __ATOMIC_RELAXED);
    cap_set_free_handle(slot, (uint32_t)handle_get_index(handle), tag);
    append_free(&cap_state.spaces[space], number);
    cap_state.spaces[space].room++;
    if (tag == next_tag(UINT16_MAX)) cap_hook_invalidate_space(space);
    else if (remembered) cap_hook_invalidate_slot(space, handle);
    if (!live) return;
    cap_hook_emptied(space, handle, &view);
    if (object_live(view.object_id)) object_unreference(view.object_id);
}

void cap_slot_release(uint32_t number)
{
    uint16_t tag = next_tag((uint16_t)slot_get_tag(&cap_state.slots[number]));
    empty_slot(number, tag, cap_slot_handle(number), true);
}

bool cap_reclaim(uint32_t limit)
{
    for (; cap_dead_wait() && limit != 0; limit--) {
        if (cap_state.taken == 0) {
            cap_state.taken = cap_state.dead;
            cap_state.dead = 0;
        }
        uint32_t number = cap_state.taken;
        struct slot const *slot = &cap_state.slots[number];
        uint16_t tag = (uint16_t)slot_get_tag(slot);
        cap_state.taken = (uint32_t)slot_get_parent(slot);
        if (cap_state.taken == 0) cap_state.rounds++;
        empty_slot(number, tag, (uint32_t)handle_make(cap_slot_index(number), previous_tag(tag)), false);
    }
    return cap_dead_wait();
}

uint64_t cap_reclaim_goal(void)
{
    return cap_state.rounds + (cap_state.taken != 0) + (cap_state.dead != 0);
}

bool cap_reclaimed(uint64_t goal) { return cap_state.rounds >= goal; }
