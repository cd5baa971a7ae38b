/* check.c: the capability check in software. The order of the verdicts is the contract with the hardware (DESIGN 5). */
#include "cap/tables.h"

/* The slot by index and tag alone; nullptr if the handle is bad. */
static inline struct slot const *slot_by_handle(uint32_t space, uint32_t handle)
{
    if (space >= cap_state.space_count) return nullptr;
    struct cap_space const *record = &cap_state.spaces[space];
    uint32_t index = (uint32_t)handle_get_index(handle);
    if (index / SLOTS_PER_PAGE >= record->pages) return nullptr;
    uint64_t page = directory_entry_get_page(record->directory[index / SLOTS_PER_PAGE]);
    struct slot const *slot = &cap_state.slots[page * SLOTS_PER_PAGE + index % SLOTS_PER_PAGE];
    return slot_get_tag(slot) == handle_get_tag(handle) ? slot : nullptr;
}

static inline enum verdict judge(struct slot const *slot, uint64_t query)
{
    if (slot == nullptr) return VERDICT_BAD_HANDLE;
    if (!slot_get_valid(slot)) return VERDICT_EMPTY;
    if (!cap_slot_live(slot)) return VERDICT_STALE;
    if (slot_get_cap_type(slot) != query_get_cap_type(query)) return VERDICT_WRONG_TYPE;
    if ((query_get_rights(query) & ~slot_get_rights(slot)) != 0) return VERDICT_MISSING_RIGHTS;
    return VERDICT_OK;
}

uint64_t cap_check_object(uint32_t space, uint64_t query)
{
    struct slot const *slot = slot_by_handle(space, (uint32_t)query_get_handle(query));
    enum verdict verdict = judge(slot, query);
    return answer_make(verdict, verdict == VERDICT_OK ? slot_get_object_id(slot) : 0);
}

uint64_t cap_check_badge(uint32_t space, uint64_t query)
{
    struct slot const *slot = slot_by_handle(space, (uint32_t)query_get_handle(query));
    enum verdict verdict = judge(slot, query);
    return answer_make(verdict, verdict == VERDICT_OK ? slot_get_badge(slot) : 0);
}

uint64_t cap_check_object_badge(uint32_t space, uint64_t query, uint32_t *badge)
{
    struct slot const *slot = slot_by_handle(space, (uint32_t)query_get_handle(query));
    enum verdict verdict = judge(slot, query);
    if (verdict != VERDICT_OK) return answer_make(verdict, 0);
    *badge = (uint32_t)slot_get_badge(slot);
    return answer_make(VERDICT_OK, slot_get_object_id(slot));
}

enum status cap_slot_of(uint32_t space, uint32_t handle, uint32_t *number)
{
    struct slot const *slot = slot_by_handle(space, handle);
    if (slot == nullptr) return STATUS_BAD_HANDLE;
    if (!slot_get_valid(slot)) return STATUS_EMPTY;
    *number = (uint32_t)(slot - cap_state.slots);
    return STATUS_OK;
}

enum status cap_resolve(uint32_t space, uint32_t handle, uint16_t rights, bool stale, uint32_t *slot)
{
    uint32_t number;
    enum status status = cap_slot_of(space, handle, &number);
    if (status != STATUS_OK) return status;
    if (!stale && !cap_slot_live(&cap_state.slots[number])) return STATUS_STALE;
    if ((rights & ~slot_get_rights(&cap_state.slots[number])) != 0) return STATUS_MISSING_RIGHTS;
    *slot = number;
    return STATUS_OK;
}

enum status cap_find(uint32_t space, uint32_t handle, uint16_t rights, struct cap_view *view)
{
    uint32_t number;
    enum status status = cap_resolve(space, handle, rights, false, &number);
    if (status == STATUS_OK) *view = cap_slot_view(&cap_state.slots[number]);
    return status;
}
