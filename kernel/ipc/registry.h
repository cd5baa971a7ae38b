/*
 * registry.h: registries: names of endpoints, found in constant time. A registry keeps a copy of the endpoint capability
 * that was registered, in a space of the kernel's own: it is part of the derivation tree, so revoking the original ends
 * the name. A name also ends with the process that registered it, which pays for it as for an object.
 * Interrupts off; one CPU.
 */
#pragma once
#include "proc/account.h"
#include "types.h"

constexpr size_t REGISTRY_NAME_BYTES = 32;       /* the longest name has one less */
constexpr size_t REGISTRY_BUCKETS = 64;

struct registry_name;

struct registry {
    uint32_t object_id;
    struct account payer;
    struct registry_name *buckets[REGISTRY_BUCKETS];
};

/* Makes the kernel's space. Once, after cap_init(). */
void registry_init(void);

/* A new registry without names and capabilities, charged to `payer`. NO_MEMORY, NO_OBJECTS. */
[[nodiscard]] enum status registry_create(struct process *payer, uint32_t *object_id);

/* All its names go. */
void registry_destroy(struct registry *registry);

/* Registers `endpoint`, a handle of the process with GRANT, as `name` (NUL terminated). EXISTS, NO_OBJECTS, NO_MEMORY,
   NO_SLOTS. */
[[nodiscard]] enum status registry_register(struct registry *registry, struct process *process, char const *name,
                                            uint32_t endpoint);

/* Copies the capability of that name to `space`. NOT_FOUND, NO_SLOTS. */
[[nodiscard]] enum status registry_lookup(struct registry *registry, char const *name, uint32_t space,
                                          uint32_t *handle);

/* NOT_FOUND. */
[[nodiscard]] enum status registry_unregister(struct registry *registry, char const *name);

/* A process ends, and with it the names it has registered. */
void registry_forget(struct process *process);
