/*
 * accelerator.h: which path checks capabilities, the unit or software, and the unit's coherence with the tables.
 *
 * If the machine has a unit and the boot argument allows it, the unit is told of every change whichever path is in use,
 * so the path can be switched at any time. Interrupts off.
 */
#pragma once
#include "arch.h"
#include "cap/cap.h"

/* Starts the unit if there is one and `accel=off` was not given; prints one line. After cap_init(). */
void accelerator_init(struct boot_info const *info);

extern bool accelerator_present;         /* found and allowed */
extern bool accelerator_used;            /* the path in use */

/* The object table, for an architecture's short paths: after a check said OK they read the payload themselves. */
extern struct object_entry const *accelerator_objects;

/* Selects the space that user-mode checks look in. */
static inline void accelerator_select(uint32_t space)
{
    if (ARCH_HAS_CAP_UNIT && accelerator_present) arch_cap_select(space);
}

/* The check of a system call: Answer with the object id, and the badge if OK. The unit never answers OK without the
   tables justifying it; where it is undecided, software decides. */
static inline uint64_t accelerator_check(uint32_t space, uint64_t query, uint32_t *badge)
{
    if (ARCH_HAS_CAP_UNIT && accelerator_used) {
        uint64_t answer = arch_cap_object(query, space), second = arch_cap_badge(query, space);
        if (answer_get_verdict(answer) != VERDICT_UNDECIDED && answer_get_verdict(second) != VERDICT_UNDECIDED) {
            *badge = (uint32_t)answer_get_value(second);
            return answer_get_verdict(second) == VERDICT_OK ? answer : second;
        }
    }
    return cap_check_object_badge(space, query, badge);
}

/* Answer with the badge, by the path in use. */
static inline uint64_t accelerator_check_badge(uint32_t space, uint64_t query)
{
    if (ARCH_HAS_CAP_UNIT && accelerator_used) {
        uint64_t answer = arch_cap_badge(query, space);
        if (answer_get_verdict(answer) != VERDICT_UNDECIDED) return answer;
    }
    return cap_check_badge(space, query);
}
