/*
 * cap.h: capabilities (DESIGN 5): spaces, slots, objects, the check, derivation, transfer and revocation.
 *
 * Everything lies in tables whose layout hardware shares (veridian/abi.h: SpaceEntry, DirectoryEntry, Slot,
 * ObjectEntry). Slots of all spaces are one table of pages; a space owns whole pages of it. A process names a capability
 * by handle: an index into its space and the slot's tag. Tags start random, are never zero and change whenever a slot
 * is emptied; free slots are reused first-in first-out, so a stale handle is BAD_HANDLE.
 *
 * Portable C, no allocation per operation, no recursion. One CPU at a time may call (the kernel lock stands around it);
 * interrupts off. Every change of a slot, space or object calls the invalidation hooks (cap/hooks.h) after the tables
 * changed, whichever check path is in use.
 *
 * All functions that can fail return `enum status`; results through pointers are written only on STATUS_OK.
 */
#pragma once
#include "types.h"

/* ---- set-up ----------------------------------------------------------------------------------------------------- */

struct cap_config {
    uint32_t slot_pages;         /* pages of SLOTS_PER_PAGE slots in the system, 2 or more; page 0 is never used */
    uint32_t space_count;        /* spaces that can exist at a time, plus one: space 0 is never used */
    uint32_t object_count;       /* object ids, plus one: id 0 is never used */
    uint32_t pages_per_space;    /* a space grows up to this many pages of slots, at most DIRECTORY_ENTRIES */
    uint64_t seed;               /* of the tags; not 0 */
};

/* Allocates the tables. May be called again (host tests): then everything starts anew in new tables.
   BAD_ARGUMENT for a configuration out of range, NO_MEMORY. */
[[nodiscard]] enum status cap_init(struct cap_config const *config);

/* Where the tables lie, for the capability unit. */
void cap_tables_get(struct cap_tables *tables);

/* ---- objects ------------------------------------------------------------------------------------------------------ */

/* Makes an object of `cap_type` (not NONE) and stores the kernel's own word `payload`. NO_OBJECTS when no id is left. */
[[nodiscard]] enum status object_create(enum cap_type cap_type, uint64_t payload, uint32_t *object_id);

/* Kills a live object: every capability to it is STALE from now on. Its id is used again with the next generation; an
   id whose generation would wrap is retired for good. Does nothing if the object is not live. */
void object_destroy(uint32_t object_id);

[[nodiscard]] bool object_live(uint32_t object_id);

/* The payload of a live object; 0 otherwise. */
uint64_t object_payload(uint32_t object_id);

/* The type of a live object; NONE otherwise. */
enum cap_type object_type(uint32_t object_id);

/* How many slots hold a token of this object (of its present generation), those not reclaimed yet included. */
uint32_t object_references(uint32_t object_id);

/* ---- spaces ------------------------------------------------------------------------------------------------------- */

/* Makes an empty space with one page of slots. NO_SLOTS when no page or no space number is left, NO_MEMORY. */
[[nodiscard]] enum status cap_space_create(uint32_t *space);

/* Deletes every capability in the space as cap_delete() does, and the space. Nothing if there is no such space. */
void cap_space_destroy(uint32_t space);

/* The module's own record of a space, for an architecture's short paths. */
struct cap_space *cap_space_record(uint32_t space);

/* Slots of a space in use (those not reclaimed yet included), and how many may be. */
void cap_space_usage(uint32_t space, uint32_t *used, uint32_t *limit);

/* From now on the space holds at most `limit` capabilities. BAD_ARGUMENT: more than any space may hold, or fewer than this one
   holds. BAD_HANDLE: no such space. */
[[nodiscard]] enum status cap_space_limit(uint32_t space, uint32_t limit);

/* How many a space may hold at most. */
uint32_t cap_space_most(void);

/* What is in use. An id whose generation wrapped is retired, and never used again. */
struct cap_statistics {
    uint32_t slots, objects, retired, spaces;
};
void cap_statistics_get(struct cap_statistics *statistics);

/* ---- the check ---------------------------------------------------------------------------------------------------- */

/* Looks up a Query in software. The Answer holds the verdict (first that applies: BAD_HANDLE, EMPTY, STALE, WRONG_TYPE,
   MISSING_RIGHTS, OK) and, if OK, the object id or the badge. An unknown space is BAD_HANDLE. Changes nothing. */
uint64_t cap_check_object(uint32_t space, uint64_t query);
uint64_t cap_check_badge(uint32_t space, uint64_t query);

/* Both at once: the Answer with the object id, and the badge if OK. */
uint64_t cap_check_object_badge(uint32_t space, uint64_t query, uint32_t *badge);

/* Everything about a capability, for the kernel only. */
struct cap_view {
    enum cap_type cap_type;
    uint16_t rights;
    uint16_t generation;
    uint32_t object_id;
    uint32_t badge;
};

/* As a check, for any type. BAD_HANDLE, EMPTY, STALE, MISSING_RIGHTS. */
[[nodiscard]] enum status cap_find(uint32_t space, uint32_t handle, uint16_t rights, struct cap_view *view);

/* The same for an operation on the slot itself: its number, good until any other function of this module that changes
   something is called. `stale`: the object may be dead. BAD_HANDLE, EMPTY, STALE, MISSING_RIGHTS. */
[[nodiscard]] enum status cap_resolve(uint32_t space, uint32_t handle, uint16_t rights, bool stale, uint32_t *slot);

/* ---- operations ----------------------------------------------------------------------------------------------------- */

/* A new root capability (no parent) to a live object. BAD_HANDLE: no such space. DEAD: the object is not live.
   BAD_ARGUMENT: rights outside RIGHT_ALL. NO_SLOTS. */
[[nodiscard]] enum status cap_insert(uint32_t space, uint32_t object_id, uint16_t rights, uint32_t badge,
                                     uint32_t *handle);

/* So far a slot's way up to a root is followed where an unfinished revocation has to do with its object. */
constexpr uint32_t CAP_KNOWN_DEPTH = 16;

/* A child of `handle` in the same space. `rights` must be a subset of its rights, which must hold DERIVE
   (else MISSING_RIGHTS). `badge` 0 keeps the parent's; another one is allowed if the parent's is 0 or the same
   (else BAD_ARGUMENT), for a badge says who sends. WOULD_BLOCK: it is the root of a revocation that is not finished, or below
   it (cap_settle()), or may be: it names the same object at a depth of CAP_KNOWN_DEPTH or more.
   BAD_HANDLE, EMPTY, STALE, NO_SLOTS. */
[[nodiscard]] enum status cap_derive(uint32_t space, uint32_t handle, uint16_t rights, uint32_t badge,
                                     uint32_t *derived);

/* The same for a slot of the space that cap_resolve() has found with DERIVE. MISSING_RIGHTS, WOULD_BLOCK, BAD_ARGUMENT, NO_SLOTS. */
[[nodiscard]] enum status cap_derive_at(uint32_t space, uint32_t slot, uint16_t rights, uint32_t badge,
                                        uint32_t *derived);

/* Copies (the copy is a child of the original, with its rights and badge) or moves (the same node of the derivation tree
   in another place; the old handle is dead) up to MESSAGE_CAPABILITIES capabilities from one space to another: all or
   none. Bit i of `move` set: moved. Each needs GRANT (MISSING_RIGHTS). BAD_HANDLE, EMPTY, STALE; BAD_ARGUMENT: count
   too large, `move` names one beyond `count`, or a moved capability is listed twice; NO_SLOTS. WOULD_BLOCK: one is to be
   copied where it could not be derived from, or to be moved while it has the mark of the revocation (cap_marked()). */
[[nodiscard]] enum status cap_transfer(uint32_t from, uint32_t to, uint32_t const *handles, unsigned count,
                                       unsigned move, uint32_t *received);

/* What cap_transfer() would say before it looks for room; changes nothing. */
[[nodiscard]] enum status cap_may_transfer(uint32_t from, uint32_t const *handles, unsigned count, unsigned move);

/* cap_transfer() of one. */
[[nodiscard]] enum status cap_copy(uint32_t from, uint32_t handle, uint32_t to, uint32_t *copied);
[[nodiscard]] enum status cap_move(uint32_t from, uint32_t handle, uint32_t to, uint32_t *moved);

/* The part of a deletion that takes time with the number of children, for a slot without mark: gives at most `limit` of them to
   its parent; true if there are more. The tree is whole after each. */
bool cap_hoist(uint32_t slot, uint32_t limit);

/* Empties the slot, when a revocation that gave it the mark is finished, and what an engine has emptied is taken back: so
   that it is known to be the last that names its object. Children of the capability become its parent's (roots if it had none). A stale
   capability can be deleted. BAD_HANDLE, EMPTY. */
[[nodiscard]] enum status cap_delete(uint32_t space, uint32_t handle);

/* Is there something to do before cap_delete_at(): cap_settle(), cap_hoist() or cap_reclaim()? */
[[nodiscard]] bool cap_delete_waits(uint32_t slot);

/* The same for a slot that cap_resolve() has found, that has no mark. If slots that name its object still wait for
   cap_reclaim(), the object ends with the last of these. */
void cap_delete_at(uint32_t slot);

/* The same at once, for a capability that nobody can revoke from, so that it is no root: one with the mark is left to the
   revocation, which kills it. The object may end later, as above. Does nothing if it is not there. */
void cap_discard(uint32_t space, uint32_t handle);

/* Kills all descendants of `handle` in every space and keeps the capability itself. Needs REVOKE (MISSING_RIGHTS).
   Kills at most `limit` of them, and stops as well when cap_hook_pause() says so: WOULD_BLOCK if there are more, then call
   again. `*revoked` (written in both cases) is the number killed in this call. BAD_HANDLE, EMPTY, STALE.

   A revocation that is not finished leaves a tree that is whole, and the mark on the slots from the root down to where it
   stopped: these cannot be moved or deleted. Nothing can be derived or copied from the root and what is below it, so there
   are never more to kill, and it ends whatever others do meanwhile. There is one at a time: to revoke
   another goes on with that one (WOULD_BLOCK, none revoked). Whoever meets a mark goes on by cap_settle(), so it matters to
   nobody whether the one who began it still lives. */
[[nodiscard]] enum status cap_revoke(uint32_t space, uint32_t handle, uint64_t limit, uint64_t *revoked);

/* The same for a slot that cap_resolve() has found with REVOKE. WOULD_BLOCK: if cap_revoking_another() was so, the slot may
   be empty now. */
[[nodiscard]] enum status cap_revoke_at(uint32_t slot, uint64_t limit, uint64_t *revoked);

/* Is a revocation below another slot not finished? That slot may be above this one. */
[[nodiscard]] bool cap_revoking_another(uint32_t slot);

/* Has the slot the mark of a revocation that is not finished? */
[[nodiscard]] bool cap_marked(uint32_t slot);

/* Goes on with a revocation that is not finished, one step; false if there is none. */
bool cap_settle(void);

/* Slots that a revocation engine has emptied pass no check, but are not free yet and count as references. This frees at
   most `limit` of them; true if there are more. Whatever needs a slot, or exact counts, calls it; call it when idle. */
constexpr uint32_t CAP_RECLAIM_STEP = 16;    /* some 5,000 cycles */
bool cap_reclaim(uint32_t limit);

/* Who wants those freed that wait now asks for the goal once, and calls cap_reclaim() until it is reached. They are in two
   lists, and what dies when the second has been taken over is in neither: so that comes, whatever others do. */
[[nodiscard]] uint64_t cap_reclaim_goal(void);
[[nodiscard]] bool cap_reclaimed(uint64_t goal);
