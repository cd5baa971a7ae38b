/* check.c: the capability check in software. The order of the verdicts is the contract with the hardware (DESIGN 5). */
#include "cap/tables.h"

static inline enum verdict judge(uint32_t number, uint64_t query)
{
    if (number == 0) return VERDICT_BAD_HANDLE;
    struct slot const *slot = &cap_state.slots[number];
    if (!slot_get_valid(slot)) return VERDICT_EMPTY;
    if (!cap_slot_live(slot)) return VERDICT_STALE;
    if (slot_get_cap_type(slot) != query_get_cap_type(query)) return VERDICT_WRONG_TYPE;
    if ((query_get_rights(query) & ~slot_get_rights(slot)) != 0) return VERDICT_MISSING_RIGHTS;
    return VERDICT_OK;
}

uint64_t cap_check_object(uint32_t space, uint64_t query)
{
    uint32_t number = cap_slot_named(space, (uint32_t)query_get_handle(query));
    struct slot const *slot = &cap_state.slots[number];
    enum verdict verdict = judge(number, query);
    return answer_make(verdict, verdict == VERDICT_OK ? slot_get_object_id(slot) : 0);
}

uint64_t cap_check_badge(uint32_t space, uint64_t query)
{
    uint32_t number = cap_slot_named(space, (uint32_t)query_get_handle(query));
    struct slot const *slot = &cap_state.slots[number];
    enum verdict verdict = judge(number, query);
    return answer_make(verdict, verdict == VERDICT_OK ? slot_get_badge(slot) : 0);
}

uint64_t cap_check_object_badge(uint32_t space, uint64_t query, uint32_t *badge)
{
    uint32_t number = cap_slot_named(space, (uint32_t)query_get_handle(query));
    struct slot const *slot = &cap_state.slots[number];
    enum verdict verdict = judge(number, query);
    if (verdict != VERDICT_OK) return answer_make(verdict, 0);
    *badge = (uint32_t)slot_get_badge(slot);
    return answer_make(VERDICT_OK, slot_get_object_id(slot));
}

enum status cap_resolve(uint32_t space, uint32_t handle, uint16_t rights, bool stale, uint32_t *slot)
{
    return cap_resolve_inline(space, handle, rights, stale, slot);
}

enum status cap_find(uint32_t space, uint32_t handle, uint16_t rights, struct cap_view *view)
{
    uint32_t number;
    enum status status = cap_resolve_inline(space, handle, rights, false, &number);
    if (status == STATUS_OK) *view = cap_slot_view(&cap_state.slots[number]);
    return status;
}
