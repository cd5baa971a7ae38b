/*
 * quotas.h: what a process may take: a tree of quotas. Each process's are taken out of its maker's when it is made, and go
 * back when it ends; so those of all processes together are what the first one had, whoever makes how many.
 *
 * What a process has in use when it ends, because others hold capabilities to it, stays charged to its record and goes to its
 * maker bit by bit, as it goes. Its children are its maker's from then on, so a maker is always one that lives.
 *
 * Portable C without allocation, built for the host too. Interrupts off; one CPU.
 */
#pragma once
#include "types.h"

constexpr size_t QUOTA_RESOURCES = RESOURCE_THREADS + 1;

struct quota { uint32_t used, limit; };

/* What is left of it. */
static inline uint32_t quota_left(struct quota const *quota) { return quota->limit - quota->used; }

/* Takes `count` of a resource; false, and nothing has changed, if there is not so much left. */
[[nodiscard]] static inline bool quota_take(struct quota *quota, uint32_t count)
{
    if (quota_left(quota) < count) return false;
    quota->used += count;
    return true;
}

/* By enum resource. Whoever counts a resource elsewhere (slots: the capability space) brings `used` up to date before he calls a
   function that looks at it. Part of the process's record. */
struct quotas {
    struct quota of[QUOTA_RESOURCES];
    struct quotas *maker;        /* nullptr: the first process's */
    struct quotas *next;         /* of all that there are */
    uint32_t sealed;             /* slots are never more again */
    bool ended;
};

/* What a resource's shortage is called: NO_MEMORY, NO_SLOTS, NO_OBJECTS, NO_THREADS. */
[[nodiscard]] enum status quota_shortage(uint64_t resource);

/* The first process's, with `limits` by resource. */
void quotas_first(struct quotas *quotas, uint32_t const limits[QUOTA_RESOURCES]);

/* A new process's, out of its maker's: an object for itself, and of each resource what `wanted` (16 bits for each, a Quotas
   word) says. 0 there: as much as is usual, but at most half of what the maker has left. A quota_shortage(), with nothing
   changed. */
[[nodiscard]] enum status quotas_open(struct quotas *quotas, struct quotas *maker, uint64_t wanted);

/* Changes a limit. What is taken away goes to the maker, whoever does it. More comes out of the maker's, and for this `by` must
   be the maker. BAD_ARGUMENT: no such resource, less than in use, more by somebody else or than the seal allows; a
   quota_shortage() of the maker. */
[[nodiscard]] enum status quotas_limit(struct quotas *quotas, struct quotas const *by, uint64_t resource, uint32_t limit);

/* The process has ended: all that it has not in use goes to its maker, its children likewise. */
void quotas_end(struct quotas *quotas);

/* `count` of a resource are in use no longer. */
void quotas_return(struct quotas *quotas, enum resource resource, uint32_t count);

/* Gives back the rest, the object that the process itself was, when it has ended and has nothing in use. False: it is not so, and
   the record must stay. */
[[nodiscard]] bool quotas_close(struct quotas *quotas);
