/*
 * hooks.h: all that the capability module asks of the rest of the kernel. A host program that links kernel/cap by itself
 * provides these functions.
 */
#pragma once
#include "cap/cap.h"

/* `pages` physically contiguous pages, content arbitrary, never given back; nullptr if there are none. */
void *cap_hook_pages(size_t pages, paddr_t *physical);

/* The capability unit must forget a slot, a space, an object. Called after the tables were changed, and returns when
   nothing older can be seen any more. Called on every machine: the hook knows whether there is a unit. */
void cap_hook_invalidate_slot(uint32_t space, uint32_t handle);
void cap_hook_invalidate_space(uint32_t space);
void cap_hook_invalidate_object(uint32_t object_id);

/* A slot of the space was filled, or is about to be reused after it was emptied (only if its object still lived). May
   call object_destroy(), and nothing else of this module. */
void cap_hook_filled(uint32_t space, uint32_t handle, struct cap_view const *view);
void cap_hook_emptied(uint32_t space, uint32_t handle, struct cap_view const *view);

/* No slot names this live object any more. May call object_destroy(), and nothing else of this module. */
void cap_hook_unreferenced(uint32_t object_id);
