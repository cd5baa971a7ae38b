/* tree.c: operations on the derivation tree. Children of a slot are a doubly linked list from `first_child` on. */
#include "cap/tables.h"

static struct slot *slot_at(uint32_t number) { return &cap_state.slots[number]; }

/* A link is one store, so a walker that reads the word sees the same valid bit before and after. Links have no order to
   keep: only the lock's holder and an engine that it starts follow them. */
static void set_first_child(uint32_t number, uint32_t child)
{
    struct slot next = { .word[2] = slot_at(number)->word[2] };
    slot_set_first_child(&next, child);
    __atomic_store_n(&slot_at(number)->word[2], next.word[2], __ATOMIC_RELAXED);
}

static void set_parent(uint32_t number, uint32_t parent)
{
    struct slot next = { .word[2] = slot_at(number)->word[2] };
    slot_set_parent(&next, parent);
    __atomic_store_n(&slot_at(number)->word[2], next.word[2], __ATOMIC_RELAXED);
}

static void set_previous(uint32_t number, uint32_t previous)
{
    struct slot link = {};
    slot_set_previous(&link, previous);
    cap_set_low_half(&slot_at(number)->word[3], link.word[3]);
}

static void set_next(uint32_t number, uint32_t next)
{
    struct slot link = {};
    slot_set_next(&link, next);
    cap_set_high_half(&slot_at(number)->word[3], link.word[3]);
}

/* The children of `parent` (0: of nothing) begin with `number` now, whose own links are set. */
static void become_first_child(uint32_t number, uint32_t parent, uint32_t first)
{
    if (parent == 0) return;
    if (first != 0) set_previous(first, number);
    set_first_child(parent, number);
}

static uint32_t first_child_of(uint32_t number)
{
    return number != 0 ? (uint32_t)slot_get_first_child(slot_at(number)) : 0;
}

/* Puts `number`, whose parent link is set, at the front of its parent's children. */
static void link_to_parent(uint32_t number)
{
    uint32_t parent = (uint32_t)slot_get_parent(slot_at(number)), first = first_child_of(parent);
    struct slot links = {};
    slot_set_next(&links, first);
    slot_at(number)->word[3] = links.word[3];
    become_first_child(number, parent, first);
}

/*
 * Fills a free slot of the space with the token and badge of `body`, as the first child of `parent` (0: a root) with the children
 * that `body` has, and returns its handle. A free slot is not valid, and the word with the valid bit is stored last and at
 * once: so a walker sees the whole or an empty slot. arch/riscv64/capability_paths.h does the same.
 */
[[gnu::always_inline]] static inline uint32_t fill(uint32_t space, uint32_t number, struct slot const *body, uint32_t parent)
{
    struct slot *slot = slot_at(number);
    struct slot next = *body;
    uint32_t first = first_child_of(parent), handle = cap_free_handle(slot);
    slot_set_tag(&next, slot_get_tag(slot));
    next.word[2] = next.word[3] = 0;
    slot_set_next(&next, first);
    slot_set_first_child(&next, slot_get_first_child(body));
    slot_set_parent(&next, parent);
    slot_set_valid(&next, 1);
    __atomic_store_n(&slot->word[0], next.word[0], __ATOMIC_RELAXED);
    __atomic_store_n(&slot->word[1], next.word[1], __ATOMIC_RELAXED);
    __atomic_store_n(&slot->word[3], next.word[3], __ATOMIC_RELAXED);
    __atomic_store_n(&slot->word[2], next.word[2], __ATOMIC_RELEASE);
    become_first_child(number, parent, first);
    struct cap_view view = cap_slot_view(&next);
    object_reference(view.object_id);
    /* The unit may remember this slot as empty; and the next check must find what was stored. */
    cap_hook_invalidate_slot(space, handle);
    cap_hook_filled(space, handle, &view);
    return handle;
}

[[gnu::always_inline]] static inline void unlink_from_parent(uint32_t number)
{
    struct slot *slot = slot_at(number);
    uint32_t parent = (uint32_t)slot_get_parent(slot), previous = (uint32_t)slot_get_previous(slot);
    uint32_t next = (uint32_t)slot_get_next(slot);
    if (previous != 0) set_next(previous, next);
    else if (parent != 0) set_first_child(parent, next);
    if (next != 0) set_previous(next, previous);
}

bool cap_hoist(uint32_t number, uint32_t limit)
{
    uint32_t parent = (uint32_t)slot_get_parent(slot_at(number)), child;
    for (; (child = first_child_of(number)) != 0 && limit != 0; limit--) {
        unlink_from_parent(child);
        set_parent(child, parent);
        link_to_parent(child);
    }
    return child != 0;
}

void cap_tree_remove(uint32_t number)
{
    if (first_child_of(number) != 0) (void)cap_hoist(number, UINT32_MAX);
    unlink_from_parent(number);
}

enum status cap_insert(uint32_t space, uint32_t object_id, uint16_t rights, uint32_t badge, uint32_t *handle)
{
    if ((rights & ~RIGHT_ALL) != 0) return STATUS_BAD_ARGUMENT;
    /* To make room may take slots back, and end the object with its last capability. */
    enum status status = cap_space_reserve(space, 1);
    if (!object_live(object_id)) return STATUS_DEAD;
    if (status != STATUS_OK) return status;
    struct object_entry const *entry = &cap_state.objects[object_id];
    struct slot body = {};
    slot_set_cap_type(&body, object_entry_get_cap_type(entry));
    slot_set_object_id(&body, object_id);
    slot_set_rights(&body, rights);
    slot_set_generation(&body, object_entry_get_generation(entry));
    slot_set_badge(&body, badge);
    *handle = fill(space, cap_slot_take(space), &body, 0);
    return STATUS_OK;
}

/* Is the slot the root of the unfinished revocation, or below it? So says this also of a slot deeper than CAP_KNOWN_DEPTH. */
[[gnu::noinline]] static bool is_below_root(uint32_t number)
{
    for (uint32_t depth = 0; depth < CAP_KNOWN_DEPTH && number != cap_state.revoking; depth++) {
        number = (uint32_t)slot_get_parent(slot_at(number));
        if (number == 0) return false;
    }
    return true;
}

/* May no child be made of the slot? All below a root name its object, so nearly always one comparison says no. */
static inline bool is_being_revoked(uint32_t number, struct slot const *body)
{
    return slot_get_object_id(body) == cap_state.revoking_object && is_below_root(number);
}

enum status cap_derive(uint32_t space, uint32_t handle, uint16_t rights, uint32_t badge, uint32_t *derived)
{
    uint32_t parent;
    enum status status = cap_resolve(space, handle, RIGHT_DERIVE, false, &parent);
    return status == STATUS_OK ? cap_derive_at(space, parent, rights, badge, derived) : status;
}

/* cap_derive_at() where there is no free slot at hand. */
[[gnu::noinline]] static enum status derive_in_full_space(uint32_t space, uint32_t parent, uint16_t rights, uint32_t badge,
                                                          uint32_t *derived)
{
    enum status status = cap_space_make_room(space, 1);
    return status == STATUS_OK ? cap_derive_at(space, parent, rights, badge, derived) : status;
}

static enum status derive_of_same_object(uint32_t space, uint32_t parent, uint16_t rights, uint32_t badge, uint32_t *derived);

/* `clear`: it is known that no unfinished revocation is in the way. */
[[gnu::always_inline]] static inline enum status derive(uint32_t space, uint32_t parent, uint16_t rights, uint32_t badge,
                                                        uint32_t *derived, bool clear)
{
    struct slot body = { .word = { slot_at(parent)->word[0], slot_at(parent)->word[1] } };
    uint32_t own = (uint32_t)slot_get_badge(&body);
    if ((rights & ~slot_get_rights(&body)) != 0) return STATUS_MISSING_RIGHTS;
    if (!clear && slot_get_object_id(&body) == cap_state.revoking_object)
        return derive_of_same_object(space, parent, rights, badge, derived);
    if (badge != 0 && own != 0 && badge != own) return STATUS_BAD_ARGUMENT;
    if (!cap_space_has_room(space, 1)) return derive_in_full_space(space, parent, rights, badge, derived);
    slot_set_rights(&body, rights);
    if (badge != 0) slot_set_badge(&body, badge);
    *derived = fill(space, cap_slot_take(space), &body, parent);
    return STATUS_OK;
}

enum status cap_derive_at(uint32_t space, uint32_t parent, uint16_t rights, uint32_t badge, uint32_t *derived)
{
    return derive(space, parent, rights, badge, derived, false);
}

[[gnu::noinline]] static enum status derive_of_same_object(uint32_t space, uint32_t parent, uint16_t rights,
                                                           uint32_t badge, uint32_t *derived)
{
    return is_below_root(parent) ? STATUS_WOULD_BLOCK : derive(space, parent, rights, badge, derived, true);
}

/* The same node in a new slot, with a handle of its own; the old one is emptied. */
[[gnu::noinline]] static uint32_t move_node(uint32_t from, uint32_t space, uint32_t to)
{
    struct slot const old = *slot_at(from);
    unlink_from_parent(from);
    uint32_t handle = fill(space, to, &old, (uint32_t)slot_get_parent(&old));
    for (uint32_t child = (uint32_t)slot_get_first_child(&old); child != 0;
         child = (uint32_t)slot_get_next(slot_at(child))) set_parent(child, to);
    cap_slot_release(from);
    return handle;
}

/* All of cap_may_transfer(), and the slots. */
[[gnu::always_inline]] static inline enum status find_all(uint32_t from, uint32_t const *handles, unsigned count,
                                                          unsigned move, uint32_t numbers[MESSAGE_CAPABILITIES])
{
    if (count > MESSAGE_CAPABILITIES || move >> count != 0) return STATUS_BAD_ARGUMENT;
    for (unsigned i = 0; i < count; i++) {
        enum status status = cap_resolve(from, handles[i], RIGHT_GRANT, false, &numbers[i]);
        if (status != STATUS_OK) return status;
        bool moves = (move >> i & 1) != 0;
        if (moves ? cap_marked(numbers[i]) : is_being_revoked(numbers[i], slot_at(numbers[i]))) return STATUS_WOULD_BLOCK;
        for (unsigned j = 0; j < i; j++)
            if (numbers[j] == numbers[i] && ((move >> i | move >> j) & 1) != 0) return STATUS_BAD_ARGUMENT;
    }
    return STATUS_OK;
}

enum status cap_may_transfer(uint32_t from, uint32_t const *handles, unsigned count, unsigned move)
{
    uint32_t numbers[MESSAGE_CAPABILITIES];
    return find_all(from, handles, count, move, numbers);
}

enum status cap_transfer(uint32_t from, uint32_t to, uint32_t const *handles, unsigned count, unsigned move,
                         uint32_t *received)
{
    uint32_t numbers[MESSAGE_CAPABILITIES];
    enum status status = find_all(from, handles, count, move, numbers);
    if (status == STATUS_OK) status = cap_space_reserve(to, count);
    if (status != STATUS_OK) return status;
    for (unsigned i = 0; i < count; i++) {
        uint32_t target = cap_slot_take(to);
        if ((move >> i & 1) != 0) {
            received[i] = move_node(numbers[i], to, target);
        } else {
            struct slot body = { .word = { slot_at(numbers[i])->word[0], slot_at(numbers[i])->word[1] } };
            received[i] = fill(to, target, &body, numbers[i]);
        }
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
    for (;;) {
        enum status status = cap_resolve(space, handle, 0, true, &number);
        if (status != STATUS_OK) return status;
        if (!cap_marked(number) || cap_state.revoking == 0) break;
        cap_settle_all();
    }
    cap_reclaim(UINT32_MAX);
    cap_delete_at(number);
    return STATUS_OK;
}

void cap_delete_at(uint32_t number)
{
    cap_tree_remove(number);
    cap_slot_release(number);
}

void cap_discard(uint32_t space, uint32_t handle)
{
    uint32_t number;
    if (cap_resolve(space, handle, 0, true, &number) == STATUS_OK && !cap_marked(number)) cap_delete_at(number);
}

/* ---- revocation ----------------------------------------------------------------------------------------------------- */

static void set_mark(uint32_t number, bool mark)
{
    struct slot next = { .word[2] = slot_at(number)->word[2] };
    slot_set_mark(&next, mark);
    __atomic_store_n(&slot_at(number)->word[2], next.word[2], __ATOMIC_RELAXED);
}

/*
 * Down to a leaf, kill it, up to its parent: each slot is passed twice, and there is no stack. It goes on where it
 * stopped, and each step is one slot, however deep the tree is. The way from the root to there has the mark, and what has the
 * mark stays where it is. Below the root nothing is derived or copied; who moves or deletes what has no mark leaves as many
 * slots or one less. So each step down or up brings the end nearer, whatever others do meanwhile.
 */
static enum status revoke_by_software(uint32_t root, uint64_t limit, uint64_t *revoked)
{
    uint32_t at = cap_state.reached != 0 ? cap_state.reached : root;
    *revoked = 0;
    bool unbroken = cap_state.unbroken;
    for (bool asks = false;; asks = !unbroken) {
        uint32_t child = (uint32_t)slot_get_first_child(slot_at(at));
        if (child == 0 && at == root) break;
        if ((child == 0 && *revoked == limit) || (asks && cap_hook_pause())) {
            set_mark(root, true);
            set_mark(at, true);
            cap_state.reached = at;
            return STATUS_WOULD_BLOCK;
        }
        if (child != 0) {
            set_mark(at, true);
            at = child;
            continue;
        }
        uint32_t parent = (uint32_t)slot_get_parent(slot_at(at));
        unlink_from_parent(at);
        cap_slot_release(at);
        ++*revoked;
        at = parent;
    }
    set_mark(root, false);
    cap_state.reached = 0;
    return STATUS_OK;
}

/* An engine's run, if there is an engine; true if it got anywhere. */
static bool revoke_by_engine(uint32_t root, uint64_t limit, uint64_t *revoked, enum status *status)
{
    struct cap_revocation run = { .dead = cap_state.dead, .unbroken = cap_state.unbroken };
    if (!cap_hook_revoke(root, limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX, &run)) return false;
    cap_state.dead = run.dead;
    *revoked = run.revoked;
    *status = run.finished ? STATUS_OK : STATUS_WOULD_BLOCK;
    return run.finished || run.revoked != 0;
}

static enum status go_on(uint32_t root, uint64_t limit, uint64_t *revoked)
{
    enum status status;
    /* An engine begins at the root each time. Stopped before it came to the bottom of a deep tree it would never get there;
       software goes on from where it was. Where something hangs on the capabilities, software has to look at each. */
    bool by_engine = cap_state.reached == 0 && limit != 0 && slot_get_first_child(slot_at(root)) != 0
        && !cap_hook_attached((uint32_t)slot_get_object_id(slot_at(root))) && revoke_by_engine(root, limit, revoked, &status);
    if (!by_engine) status = revoke_by_software(root, limit, revoked);
    cap_state.revoking = status == STATUS_OK ? 0 : root;
    cap_state.revoking_object = status == STATUS_OK ? 0 : (uint32_t)slot_get_object_id(slot_at(root));
    return status;
}

enum status cap_revoke(uint32_t space, uint32_t handle, uint64_t limit, uint64_t *revoked)
{
    uint32_t root;
    enum status status = cap_resolve(space, handle, RIGHT_REVOKE, false, &root);
    return status == STATUS_OK ? cap_revoke_at(root, limit, revoked) : status;
}

enum status cap_revoke_at(uint32_t root, uint64_t limit, uint64_t *revoked)
{
    if (!cap_revoking_another(root)) return go_on(root, limit, revoked);
    *revoked = 0;
    (void)cap_settle();
    return STATUS_WOULD_BLOCK;
}

bool cap_revoking_another(uint32_t number) { return cap_state.revoking != 0 && cap_state.revoking != number; }

bool cap_delete_waits(uint32_t number)
{
    return slot_get_mark(slot_at(number)) || first_child_of(number) != 0 || cap_dead_wait();
}

bool cap_marked(uint32_t number) { return slot_get_mark(slot_at(number)); }

bool cap_settle(void)
{
    constexpr uint64_t STEP = 256;
    uint64_t revoked;
    if (cap_state.revoking == 0) return false;
    (void)go_on(cap_state.revoking, STEP, &revoked);
    return true;
}

void cap_settle_all(void)
{
    /* Who has been at work for long is told to pause after each slot, and an engine costs some hundred cycles each time. */
    cap_state.unbroken = true;
    while (cap_settle()) {}
    cap_state.unbroken = false;
}
