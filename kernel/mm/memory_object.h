/*
 * memory_object.h: memory that capabilities name. A capability is mapped at most once, in any address space; when its slot is
 * emptied (deleted, moved or revoked) the mapping goes, and with the last capability the frames. It goes as well with the
 * address space. Page tables are paid for by whoever's address space it is.
 * Interrupts off; one CPU.
 */
#pragma once
#include "ipc/notification.h"
#include "mm/space.h"
#include "proc/account.h"
#include "types.h"

struct process;

/* Where a capability, named by its place, is mapped. In two lists, each linked back through the pointer that points here. */
struct memory_mapping {
    struct memory_mapping *next, **back;               /* of the object */
    struct memory_mapping *next_there, **back_there;   /* of the address space */
    struct memory_object *object;
    struct address_space *there;
    uintptr_t address;
    uint32_t space, handle;              /* of the capability */
};

constexpr size_t MEMORY_OBJECT_PAGES = 128;

struct memory_object {
    uint32_t object_id;
    uint32_t pages;
    struct account payer;                /* of the frames and the object */
    struct memory_mapping *mappings;
    paddr_t list;                        /* a frame with the addresses of the frames */
    struct signal_target watch;          /* SHARED_BUFFER: who is told that one capability is left; no bits: nobody */
};

/* A MEMORY or SHARED_BUFFER object. `bytes` are rounded up to pages, of zeros, charged to `payer`. BAD_ARGUMENT (none, or more
   than MEMORY_OBJECT_PAGES), NO_MEMORY, NO_OBJECTS. */
[[nodiscard]] enum status memory_object_create(enum cap_type cap_type, struct process *payer, uint64_t bytes,
                                               uint32_t *object_id);

/* One of `left` + 1 capabilities to the object is gone: its mapping, and whoever watches is told if one is left. */
void memory_object_released(struct memory_object *object, uint32_t space, uint32_t handle, uint32_t left);

/* Maps the whole object in an address space, for the capability that is named. BAD_ARGUMENT (address, writable and executable,
   or this capability is mapped already), OVERLAP, NO_MEMORY. */
[[nodiscard]] enum status memory_object_map(struct memory_object *object, uint32_t space, uint32_t handle,
                                            struct address_space *there, uintptr_t address, enum map_flags flags);

/* Undoes the mapping of a capability; NOT_FOUND if there is none (at this address; UINTPTR_MAX: any). */
enum status memory_object_unmap(struct memory_object *object, uint32_t space, uint32_t handle, uintptr_t address);

/* Changes what the mapping of a capability allows. NOT_FOUND: it has none at this place; BAD_ARGUMENT (writable and
   executable). */
[[nodiscard]] enum status memory_object_protect(struct memory_object *object, uint32_t space, uint32_t handle,
                                                struct address_space *there, uintptr_t address, enum map_flags flags);

/* Where this capability is mapped; 0 if it is not. */
uintptr_t memory_object_address(struct memory_object const *object, uint32_t space, uint32_t handle);

/* Undoes all mappings. */
void memory_object_unmap_all(struct memory_object *object);

/* Undoes the mapping that begins at an address of an address space, whosever it is; NOT_FOUND. */
enum status memory_mapping_end(struct address_space *there, uintptr_t address);

/* Undoes all mappings in an address space, which is about to go. */
void memory_mapping_end_all(struct address_space *there);

/* No mapping is left: frees the frames and the record. */
void memory_object_destroy(struct memory_object *object);
