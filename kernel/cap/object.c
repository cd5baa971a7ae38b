/* object.c: the object table. Hardware reads the first word of an entry, so that is written at once. */
#include "cap/tables.h"

static struct object_entry *entry_of(uint32_t object_id)
{
    return object_id > 0 && object_id < cap_state.object_count ? &cap_state.objects[object_id] : nullptr;
}

/* Without references. */
static void write_entry(struct object_entry *entry, uint16_t generation, enum cap_type cap_type, bool live)
{
    struct object_entry next = {};
    object_entry_set_generation(&next, generation);
    object_entry_set_cap_type(&next, cap_type);
    object_entry_set_live(&next, live);
    /* No order to keep: who may use a new object learns of it from a slot, and that is published behind it; who must
       forget a dead one is told behind it. */
    __atomic_store_n(&entry->word[0], next.word[0], __ATOMIC_RELAXED);
}

/* Clears the entries of the next ids that were never used: several at once, so that who makes an object seldom waits for memory
   that no cache has. */
[[gnu::noinline]] static void make_ready(void)
{
    constexpr uint32_t STEP = 32;
    for (uint32_t i = 0; i < STEP && cap_state.ready_object < cap_state.object_count; i++)
        cap_state.objects[cap_state.ready_object++] = (struct object_entry){};
}

/* Free ids are chained through their payload, first-in first-out; ids never used before come first, with generation 0. */
static uint32_t take_id(uint16_t *generation)
{
    *generation = 0;
    if (cap_state.fresh_object < cap_state.object_count) {
        if (cap_state.fresh_object == cap_state.ready_object) make_ready();
        return cap_state.fresh_object++;
    }
    uint32_t object_id = cap_state.first_free_object;
    if (object_id == 0) return 0;
    *generation = (uint16_t)object_entry_get_generation(&cap_state.objects[object_id]);
    cap_state.first_free_object = (uint32_t)cap_state.objects[object_id].word[1];
    cap_state.free_objects--;
    return object_id;
}

static void give_id(uint32_t object_id)
{
    cap_state.objects[object_id].word[1] = 0;
    if (cap_state.first_free_object == 0) cap_state.first_free_object = object_id;
    else cap_state.objects[cap_state.last_free_object].word[1] = object_id;
    cap_state.last_free_object = object_id;
    cap_state.free_objects++;
}

enum status object_create(enum cap_type cap_type, uint64_t payload, uint32_t *object_id)
{
    if (cap_type == CAP_TYPE_NONE) return STATUS_BAD_ARGUMENT;
    uint16_t generation;
    uint32_t id = take_id(&generation);
    if (id == 0) return STATUS_NO_OBJECTS;
    struct object_entry *entry = &cap_state.objects[id];
    entry->word[1] = payload;
    write_entry(entry, generation, cap_type, true);
    *object_id = id;
    return STATUS_OK;
}

void object_destroy(uint32_t object_id)
{
    struct object_entry *entry = entry_of(object_id);
    if (entry == nullptr || !object_entry_get_live(entry)) return;
    uint16_t generation = (uint16_t)(object_entry_get_generation(entry) + 1);
    /* The unit was told of each slot that was emptied, one by one or by an engine: it cannot remember one that names an
       object without references. */
    bool named = object_entry_get_references(entry) != 0;
    write_entry(entry, generation, CAP_TYPE_NONE, false);
    entry->word[1] = 0;
    if (named) cap_hook_invalidate_object(object_id);
    if (generation != 0) give_id(object_id);
    else cap_state.retired_objects++;
}

bool object_live(uint32_t object_id)
{
    struct object_entry *entry = entry_of(object_id);
    return entry != nullptr && object_entry_get_live(entry);
}

uint64_t object_payload(uint32_t object_id)
{
    return object_live(object_id) ? cap_state.objects[object_id].word[1] : 0;
}

enum cap_type object_type(uint32_t object_id)
{
    return object_live(object_id) ? (enum cap_type)object_entry_get_cap_type(&cap_state.objects[object_id])
                                  : CAP_TYPE_NONE;
}

uint32_t object_references(uint32_t object_id)
{
    return object_live(object_id) ? (uint32_t)object_entry_get_references(&cap_state.objects[object_id]) : 0;
}
