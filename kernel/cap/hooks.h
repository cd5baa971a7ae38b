/*
 * hooks.h: all that the capability module asks of the rest of the kernel. A host program that links kernel/cap by itself
 * provides these functions.
 */
#pragma once
#include "cap/cap.h"

/* `pages` physically contiguous pages, content arbitrary, never given back; nullptr if there are none. */
void *cap_hook_pages(size_t pages, paddr_t *physical);

/* The capability unit must forget a slot, a space, an object that slots still name. Called after the tables were changed, and
   returns when nothing older can be seen any more, and the next check sees what was stored. Called on every machine: the hook knows whether there is a unit. */
void cap_hook_invalidate_slot(uint32_t space, uint32_t handle);
void cap_hook_invalidate_space(uint32_t space);
void cap_hook_invalidate_object(uint32_t object_id);

/* What a revocation engine has done (docs/datasheet/capability-unit.md). */
struct cap_revocation {
    uint64_t revoked;            /* slots emptied */
    bool finished;               /* no descendant is left */
    bool unbroken;               /* set by the caller: it is not to stop for cap_hook_pause() */
    uint32_t dead;               /* first slot that was emptied and not taken back, the next by their parent links; 0:
                                    none. Set by the caller too: those of earlier runs */
};

/* Has a long operation gone on for long enough? It stops then, in order, and somebody calls it again. */
[[nodiscard]] bool cap_hook_pause(void);

/* Has an engine, if there is one, empty the descendants of slot number `root`, at most `limit` (not 0) of them. They keep
   token and badge, have a new tag and no links in the tree; no check finds them any more. It may stop before, also
   before the first. False, and nothing has happened: there is no engine. */
[[nodiscard]] bool cap_hook_revoke(uint32_t root, uint32_t limit, struct cap_revocation *run);

/* A slot of the space was filled, or is about to be reused after it was emptied (only if its object still lived). May
   call object_destroy(), and of this module besides only what changes nothing. */
void cap_hook_filled(uint32_t space, uint32_t handle, struct cap_view const *view);
void cap_hook_emptied(uint32_t space, uint32_t handle, struct cap_view const *view);

/* Does anything hang on capabilities to this live object that cap_hook_emptied() must end at once? Otherwise it may be
   called late, with a handle that has been dead for long; no engine revokes below capabilities to such an object. */
[[nodiscard]] bool cap_hook_attached(uint32_t object_id);

/* No slot names this live object any more. May call object_destroy(), and of this module only cap_discard() besides, for
   capabilities to other objects in a space that no process has: whoever calls the hook has left the tree whole, and holds
   nothing of such a space. */
void cap_hook_unreferenced(uint32_t object_id);
