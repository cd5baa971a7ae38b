/* accelerator.c: see accelerator.h; also the invalidation hooks of the capability module (cap/hooks.h). */
#include "boot/boot.h"
#include "cap/hooks.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "lib/print.h"
#include "mm/direct.h"
#include "mm/frame.h"
#include "sys/accelerator.h"

bool accelerator_present, accelerator_used;
static bool revokes;                         /* the unit has a revocation engine */
struct object_entry const *accelerator_objects;

#if defined(VERIDIAN_TEST)
/* Boot argument `plant=tree` of a kernel built for tests: the first revocation finds a child with a wrong parent link. */
static bool planted;
static struct slot *slots;

static void plant(uint32_t root)
{
    struct slot *child = &slots[slot_get_first_child(&slots[root])];
    if (planted) slot_set_parent(child, slot_get_parent(child) + 1);
}

static void plant_init(struct boot_info const *info, struct cap_tables const *tables)
{
    char what[8] = "";
    planted = boot_argument(info, "plant", what, sizeof what) && string_equal(what, "tree");
    slots = direct_map(tables->slots);
}
#else
static void plant(uint32_t) {}
static void plant_init(struct boot_info const *, struct cap_tables const *) {}
#endif

void accelerator_init(struct boot_info const *info)
{
    struct cap_tables tables;
    cap_tables_get(&tables);
    plant_init(info, &tables);
    accelerator_objects = direct_map(tables.objects);
    char choice[8] = "on";
    bool given = boot_argument(info, "accel", choice, sizeof choice);
    if (given && !string_equal(choice, "on") && !string_equal(choice, "off"))
        print("boot argument accel=%s unknown, taken as on\n", choice);
    if (!ARCH_HAS_CAP_UNIT || info->capability_unit == 0) {
        print("accelerator: none, capability checks in software\n");
        return;
    }
    if (string_equal(choice, "off")) {
        print("accelerator: capability unit found, not used (accel=off)\n");
        return;
    }
    accelerator_present = accelerator_used = arch_cap_unit_start(info, &tables);
    revokes = accelerator_present && arch_cap_unit_revokes();
    print(!accelerator_present ? "accelerator: capability unit does not answer, checks in software\n"
          : revokes            ? "accelerator: capability unit in use\n"
                               : "accelerator: capability unit in use, revocation in software\n");
}

void *cap_hook_pages(size_t pages, paddr_t *physical)
{
    paddr_t first = pages == 1 ? frame_alloc() : frame_alloc_range(pages);
    if (first == 0) return nullptr;
    frame_keep(pages);
    *physical = first;
    return direct_map(first);
}

void cap_hook_invalidate_slot(uint32_t space, uint32_t handle)
{
    if (ARCH_HAS_CAP_UNIT && accelerator_present) arch_cap_invalidate_slot(handle, space);
}

void cap_hook_invalidate_space(uint32_t space)
{
    if (ARCH_HAS_CAP_UNIT && accelerator_present) arch_cap_invalidate_space(space);
}

void cap_hook_invalidate_object(uint32_t object_id)
{
    if (ARCH_HAS_CAP_UNIT && accelerator_present) arch_cap_invalidate_object(object_id);
}

bool cap_hook_revoke(uint32_t root, uint32_t limit, struct cap_revocation *run)
{
    if (!ARCH_HAS_CAP_UNIT || !accelerator_used || !revokes) return false;
    static uint32_t known_dead;              /* what the engine's list begins with */
    if (run->dead != known_dead) arch_cap_set_dead(run->dead);
    known_dead = run->dead;
    plant(root);
    uint64_t answer = arch_cap_revoke(root, limit);
    if (!revoke_answer_get_accepted(answer)) return false;
    /* Asks, or asks it to stop, which it does at the next slot. */
    do answer = arch_cap_revoke(0, !run->unbroken && cap_hook_pause()); while (revoke_answer_get_state(answer) == REVOKE_STATE_RUNNING);
    enum revoke_state state = (enum revoke_state)revoke_answer_get_state(answer);
    /* Anything else is a bus that fails or a tree that is none. Descendants may be left that nobody would find, and where
       the engine was the tree need not be whole, so software could not go on: the machine ends, with no more authority in
       it than there should be. */
    if (state != REVOKE_STATE_DONE && state != REVOKE_STATE_STOPPED)
        panic("revocation below slot %u ended in state %u", root, state);
    *run = (struct cap_revocation){
        .revoked = revoke_answer_get_revoked(answer), .finished = state == REVOKE_STATE_DONE,
        .dead = known_dead = arch_cap_dead(),
    };
    return true;
}
