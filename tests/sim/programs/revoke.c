/*
 * Revocation by the capability unit on the whole machine: builds a derivation tree of COUNT slots below one, in SHAPE, starts
 * cap.revoke, asks until it is over, and looks at every slot and verdict. The slot table is the signature. Start-up is
 * bench/core/programs/start.S.
 */
#include <veridian/abi.h>
#include <veridian/capability_unit.h>

#include "console.h"

enum { STAR, CHAIN, TREE };

constexpr unsigned ROOT = 1, LAST = ROOT + COUNT, PAGES = 4, SPACE = 1, OBJECT = 1, TAG = 0xfff0;
static_assert(LAST < PAGES * SLOTS_PER_PAGE);

/* One table for all, so that the signature begins with the slots. */
alignas(PAGE_BYTES) struct slot begin_signature[PAGES * SLOTS_PER_PAGE];
struct slot end_signature[1];
alignas(PAGE_BYTES) static uint64_t directory[DIRECTORY_ENTRIES];
static uint64_t spaces[2];
static struct object_entry objects[2];
static uint32_t parents[LAST + 1], first_children[LAST + 1], next[LAST + 1], previous[LAST + 1];

static volatile uint64_t *reg(unsigned offset) { return (volatile uint64_t *)(uintptr_t)(UNIT + offset); }

static uint64_t cycles(void) {
    uint64_t value;
    __asm__ volatile("csrr %0, mcycle" : "=r"(value)::"memory");
    return value;
}

static uint64_t revoke(uint64_t root, uint64_t limit) {
    uint64_t answer;
    __asm__ volatile(".insn r %1, %2, %3, %0, %4, %5" : "=r"(answer)
                     : "i"(CUSTOM_0), "i"(INSN_CAP_REVOKE_FUNCT3), "i"(INSN_CAP_REVOKE_FUNCT7), "r"(root), "r"(limit)
                     : "memory");
    return answer;
}

static enum verdict check(unsigned number, uint16_t tag) {
    uint64_t answer, query = query_make(handle_make(number, tag), CAP_TYPE_ENDPOINT, RIGHT_SEND);
    __asm__ volatile(".insn r %1, %2, %3, %0, %4, %5" : "=r"(answer)
                     : "i"(CUSTOM_0), "i"(INSN_CAP_BADGE_FUNCT3), "i"(INSN_CAP_BADGE_FUNCT7), "r"(query),
                       "r"((uint64_t)SPACE) : "memory");
    return (enum verdict)answer_get_verdict(answer);
}

static void build(void) {
    uint32_t random = 12345;
    for (unsigned number = ROOT + 1; number <= LAST; number++) {
        random = random * 1664525 + 1013904223;
        uint32_t parent = SHAPE == STAR ? ROOT : SHAPE == CHAIN ? number - 1 : ROOT + (random >> 16) % (number - ROOT);
        parents[number] = parent;
        next[number] = first_children[parent];
        if (next[number] != 0) previous[next[number]] = number;
        first_children[parent] = number;
    }
    for (unsigned number = ROOT; number <= LAST; number++) {
        struct slot slot = {};
        slot_set_cap_type(&slot, CAP_TYPE_ENDPOINT);
        slot_set_object_id(&slot, OBJECT);
        slot_set_rights(&slot, RIGHT_SEND);
        slot_set_generation(&slot, 1);
        slot_set_tag(&slot, TAG + number % 16);
        slot_set_badge(&slot, number);
        slot_set_parent(&slot, parents[number]);
        slot_set_valid(&slot, 1);
        slot_set_first_child(&slot, first_children[number]);
        slot_set_previous(&slot, previous[number]);
        slot_set_next(&slot, next[number]);
        begin_signature[number] = slot;
    }
    for (unsigned page = 0; page < PAGES; page++) directory[page] = directory_entry_make(page, 1);
    spaces[SPACE] = space_entry_make(1, PAGES, (uintptr_t)directory / PAGE_BYTES);
    object_entry_set_generation(&objects[OBJECT], 1);
    object_entry_set_cap_type(&objects[OBJECT], CAP_TYPE_ENDPOINT);
    object_entry_set_live(&objects[OBJECT], 1);
}

static void start_unit(void) {
    *reg(CAPABILITY_UNIT_SPACE_BASE) = (uintptr_t)spaces;
    *reg(CAPABILITY_UNIT_SPACE_COUNT) = 2;
    *reg(CAPABILITY_UNIT_SLOT_BASE) = (uintptr_t)begin_signature;
    *reg(CAPABILITY_UNIT_SLOT_COUNT) = PAGES * SLOTS_PER_PAGE;
    *reg(CAPABILITY_UNIT_OBJECT_BASE) = (uintptr_t)objects;
    *reg(CAPABILITY_UNIT_OBJECT_COUNT) = 2;
    *reg(CAPABILITY_UNIT_CONTROL) = 1ull << CAPABILITY_UNIT_CONTROL_ENABLE_SHIFT;
    __asm__ volatile("fence" ::: "memory");
    while ((*reg(CAPABILITY_UNIT_STATUS) >> CAPABILITY_UNIT_STATUS_CLEARING_SHIFT & 1) != 0) {}
}

int main(void) {
    build();
    start_unit();
    for (unsigned number = ROOT; number <= LAST; number++)
        if (check(number, TAG + number % 16) != VERDICT_OK) return 2;

    /* The core's cache holds what it can of the slots: it has to see the engine's stores. */
    for (unsigned number = ROOT; number <= LAST; number++)
        if (!slot_get_valid(&begin_signature[number])) return 11;
    const uint64_t forgotten = *reg(CAPABILITY_UNIT_INVALIDATIONS);
    const uint64_t start = cycles();
    uint64_t answer = revoke(ROOT, 0);
    if (!revoke_answer_get_accepted(answer)) return 3;
    do answer = revoke(0, 0); while (revoke_answer_get_state(answer) == REVOKE_STATE_RUNNING);
    const uint64_t taken = cycles() - start;

    if (revoke_answer_get_state(answer) != REVOKE_STATE_DONE || revoke_answer_get_revoked(answer) != COUNT) return 4;
    if (*reg(CAPABILITY_UNIT_REVOKED) != COUNT) return 5;
    /* A run that has emptied slots makes the unit forget them, once. */
    if (*reg(CAPABILITY_UNIT_INVALIDATIONS) != forgotten + (COUNT != 0)) return 10;
    for (unsigned number = ROOT + 1; number <= LAST; number++)
        if (check(number, TAG + number % 16) != VERDICT_BAD_HANDLE) return 6;
    if (check(ROOT, TAG + ROOT) != VERDICT_OK) return 7;
    unsigned dead = 0;
    for (uint64_t number = *reg(CAPABILITY_UNIT_DEAD); number != 0; dead++) {
        struct slot *slot = &begin_signature[number];
        if (slot_get_valid(slot) || !slot_get_mark(slot) || slot_get_badge(slot) != number) return 8;
        /* What the last word holds is nobody's business. */
        slot->word[3] = 0;
        number = slot_get_parent(slot);
    }
    *reg(CAPABILITY_UNIT_DEAD) = 0;
    if (dead != COUNT || *reg(CAPABILITY_UNIT_DEAD) != 0) return 9;
    print_pair("cycles", taken);
    print_text("\n");
    return 0;
}
