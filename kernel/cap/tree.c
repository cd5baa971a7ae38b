/* tree.c: operations on the derivation tree. Children of a slot are a doubly linked list from `first_child` on. */
#include "cap/tables.h"

static struct slot *slot_at(uint32_t number) { return &cap_state.slots[number]; }

/* A link is one store, so a walker that reads the word sees the same token and valid bit before and after. */
static void set_first_child(uint32_t number, uint32_t child)
{
    struct slot next = *slot_at(number);
    slot_set_first_child(&next, child);
    __atomic_store_n(&slot_at(number)->word[2], next.word[2], __ATOMIC_RELEASE);
}

static void set_parent(uint32_t number, uint32_t parent)
{
    struct slot next = *slot_at(number);
    slot_set_parent(&next, parent);
    __atomic_store_n(&slot_at(number)->word[2], next.word[2], __ATOMIC_RELEASE);
}

/* Puts `number`, whose parent link is set, at the front of its parent's children. */
static void link_to_parent(uint32_t number)
{
    uint32_t parent = (uint32_t)slot_get_parent(slot_at(number));
    slot_set_previous(slot_at(number), 0);
    slot_set_next(slot_at(number), 0);
    if (parent == 0) return;
    uint32_t first = (uint32_t)slot_get_first_child(slot_at(parent));
    slot_set_next(slot_at(number), first);
    if (first != 0) slot_set_previous(slot_at(first), number);
    set_first_child(parent, number);
}

static void unlink_from_parent(uint32_t number)
{
    struct slot *slot = slot_at(number);
    uint32_t parent = (uint32_t)slot_get_parent(slot), previous = (uint32_t)slot_get_previous(slot);
    uint32_t next = (uint32_t)slot_get_next(slot);
    if (previous != 0) slot_set_next(slot_at(previous), next);
    else if (parent != 0) set_first_child(parent, next);
    if (next != 0) slot_set_previous(slot_at(next), previous);
}

void cap_tree_remove(uint32_t number)
{
    uint32_t parent = (uint32_t)slot_get_parent(slot_at(number));
    unlink_from_parent(number);
    for (uint32_t child = (uint32_t)slot_get_first_child(slot_at(number)); child != 0;) {
        uint32_t next = (uint32_t)slot_get_next(slot_at(child));
        set_parent(child, parent);
        link_to_parent(child);
        child = next;
    }
}

enum status cap_insert(uint32_t space, uint32_t object_id, uint16_t rights, uint32_t badge, uint32_t *handle)
{
    if ((rights & ~RIGHT_ALL) != 0) return STATUS_BAD_ARGUMENT;
    if (!object_live(object_id)) return STATUS_DEAD;
    enum status status = cap_space_reserve(space, 1);
    if (status != STATUS_OK) return status;
    struct object_entry const *entry = &cap_state.objects[object_id];
    struct cap_view view = {
        .cap_type = (enum cap_type)object_entry_get_cap_type(entry), .rights = rights,
        .generation = (uint16_t)object_entry_get_generation(entry), .object_id = object_id, .badge = badge,
    };
    uint32_t number = cap_slot_take(space);
    cap_slot_write(number, &view, 0);
    *handle = cap_slot_handle(number);
    return STATUS_OK;
}

enum status cap_derive(uint32_t space, uint32_t handle, uint16_t rights, uint32_t badge, uint32_t *derived)
{
    uint32_t parent;
    enum status status = cap_resolve(space, handle, RIGHT_DERIVE, false, &parent);
    return status == STATUS_OK ? cap_derive_at(parent, rights, badge, derived) : status;
}

enum status cap_derive_at(uint32_t parent, uint16_t rights, uint32_t badge, uint32_t *derived)
{
    struct cap_view view = cap_slot_view(slot_at(parent));
    uint32_t space = cap_slot_space(parent);
    if ((rights & ~view.rights) != 0) return STATUS_MISSING_RIGHTS;
    if (badge != 0 && view.badge != 0 && badge != view.badge) return STATUS_BAD_ARGUMENT;
    enum status status = cap_space_reserve(space, 1);
    if (status != STATUS_OK) return status;
    view.rights = rights;
    if (badge != 0) view.badge = badge;
    uint32_t number = cap_slot_take(space);
    cap_slot_write(number, &view, parent);
    link_to_parent(number);
    *derived = cap_slot_handle(number);
    return STATUS_OK;
}

/* The same node in a new slot; the old one is emptied. */
static void move_node(uint32_t from, uint32_t to)
{
    struct cap_view view = cap_slot_view(slot_at(from));
    struct slot const old = *slot_at(from);
    uint32_t parent = (uint32_t)slot_get_parent(&old), child = (uint32_t)slot_get_first_child(&old);
    unlink_from_parent(from);
    cap_slot_write(to, &view, parent);
    link_to_parent(to);
    set_first_child(to, child);
    for (; child != 0; child = (uint32_t)slot_get_next(slot_at(child))) set_parent(child, to);
    cap_slot_release(from);
}

enum status cap_transfer(uint32_t from, uint32_t to, uint32_t const *handles, unsigned count, unsigned move,
                         uint32_t *received)
{
    uint32_t numbers[MESSAGE_CAPABILITIES];
    if (count > MESSAGE_CAPABILITIES || move >> count != 0) return STATUS_BAD_ARGUMENT;
    for (unsigned i = 0; i < count; i++) {
        enum status status = cap_resolve(from, handles[i], RIGHT_GRANT, false, &numbers[i]);
        if (status != STATUS_OK) return status;
        for (unsigned j = 0; j < i; j++)
            if (numbers[j] == numbers[i] && ((move >> i | move >> j) & 1) != 0) return STATUS_BAD_ARGUMENT;
    }
    enum status status = cap_space_reserve(to, count);
    if (status != STATUS_OK) return status;
    for (unsigned i = 0; i < count; i++) {
        uint32_t target = cap_slot_take(to);
        if ((move >> i & 1) != 0) {
            move_node(numbers[i], target);
        } else {
            struct cap_view view = cap_slot_view(slot_at(numbers[i]));
            cap_slot_write(target, &view, numbers[i]);
            link_to_parent(target);
        }
        received[i] = cap_slot_handle(target);
    }
    return STATUS_OK;
}

enum status cap_copy(uint32_t from, uint32_t handle, uint32_t to, uint32_t *copied)
{
    return cap_transfer(from, to, &handle, 1, 0, copied);
}

enum status cap_move(uint32_t from, uint32_t handle, uint32_t to, uint32_t *moved)
{
    return cap_transfer(from, to, &handle, 1, 1, moved);
}

enum status cap_delete(uint32_t space, uint32_t handle)
{
    uint32_t number;
    enum status status = cap_resolve(space, handle, 0, true, &number);
    if (status == STATUS_OK) cap_delete_at(number);
    return status;
}

void cap_delete_at(uint32_t number)
{
    /* It may be the last that names its object, but for slots that count and hold nothing any more. */
    cap_reclaim(UINT32_MAX);
    cap_tree_remove(number);
    cap_slot_release(number);
}

enum status cap_revoke(uint32_t space, uint32_t handle, uint64_t limit, uint64_t *revoked)
{
    uint32_t root;
    enum status status = cap_resolve(space, handle, RIGHT_REVOKE, false, &root);
    return status == STATUS_OK ? cap_revoke_at(root, limit, revoked) : status;
}

enum status cap_revoke_at(uint32_t root, uint64_t limit, uint64_t *revoked)
{
    struct cap_revocation run = { .dead = cap_state.dead };
    if (limit != 0 && slot_get_first_child(slot_at(root)) != 0
        && cap_hook_revoke(root, limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX, &run)) {
        cap_state.dead = run.dead;
        if (cap_hook_attached((uint32_t)slot_get_object_id(slot_at(root)))) cap_reclaim(UINT32_MAX);
        *revoked = run.revoked;
        return run.finished ? STATUS_OK : STATUS_WOULD_BLOCK;
    }
    uint64_t killed = 0;
    /* Down to a leaf, kill it, up to its parent: each slot is passed twice, and there is no stack. Between two calls
       the tree is whole, so nothing has to be remembered. */
    uint32_t at = root;
    for (;;) {
        uint32_t child = (uint32_t)slot_get_first_child(slot_at(at));
        if (child != 0) {
            at = child;
            continue;
        }
        if (at == root) break;
        if (killed == limit) {
            *revoked = killed;
            return STATUS_WOULD_BLOCK;
        }
        uint32_t parent = (uint32_t)slot_get_parent(slot_at(at));
        unlink_from_parent(at);
        cap_slot_release(at);
        killed++;
        at = parent;
    }
    *revoked = killed;
    return STATUS_OK;
}
