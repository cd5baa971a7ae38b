/*
 * space.h: user address spaces: radix page tables over the entry helpers of arch.h.
 *
 * W^X: a mapping that is both writable and executable is refused. The frames that space_map_new() allocated belong to
 * the space and go with it; frames mapped by space_map() belong to someone else, who unmaps them first.
 * Interrupts off; one CPU at a time.
 */
#pragma once
#include "arch.h"
#include "proc/quotas.h"

struct memory_mapping;

struct address_space {
    paddr_t root;
    uint16_t asid;
    struct quota *frames;        /* that the space and its process take */
    struct memory_mapping *mappings;     /* of memory objects (memory_object.h), whosever these are */
};

/* Before the first space: the space that no process uses, with the kernel's half only. */
void space_init(void);

/* An empty space whose frames, page tables included, are taken from `quota`. NO_MEMORY, NO_SLOTS (no ASID left). */
[[nodiscard]] enum status space_create(struct address_space *space, struct quota *quota);

/* Frees the tables and every frame still mapped, and gives them back to the quota. It must not be the current space, and no memory
   object may be mapped there any more. */
void space_destroy(struct address_space *space);

/* Maps one page. OVERLAP, NO_MEMORY, BAD_ARGUMENT (address not a user page, or writable and executable). */
[[nodiscard]] enum status space_map(struct address_space *space, uintptr_t address, paddr_t frame,
                                    enum map_flags flags);

/* Maps a new frame of zeros, charged to the quota. */
[[nodiscard]] enum status space_map_new(struct address_space *space, uintptr_t address, enum map_flags flags,
                                        paddr_t *frame);

/* Takes a page out and forgets its translation. The frame stays allocated. Nothing if there is none. */
void space_unmap(struct address_space *space, uintptr_t address);

/* Changes what a mapped page allows; not both writable and executable. */
void space_protect(struct address_space *space, uintptr_t address, enum map_flags flags);

/* What a user page allows; 0 if nothing is mapped at the address, whatever that is. */
[[nodiscard]] enum map_flags space_flags(struct address_space *space, uintptr_t address);

/* Makes it the current one, or the kernel's own. */
static inline void space_activate(struct address_space const *space) { arch_space_activate(space->root, space->asid); }
void space_activate_kernel(void);
