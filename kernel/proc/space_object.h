/*
 * space_object.h: CAP_SPACE objects: a capability to one allows work on the capability space of a process.
 * Interrupts off; one CPU.
 */
#pragma once
#include "proc/account.h"
#include "types.h"

struct space_object {
    uint32_t object_id;
    struct account payer, process;       /* whose space it is */
};

/* A new object without capabilities, charged to `payer` (nullptr: nobody). NO_MEMORY, NO_OBJECTS. */
[[nodiscard]] enum status space_object_create(struct process *payer, struct process *process, uint32_t *object_id);

void space_object_destroy(struct space_object *object);

/* The process whose space it is, and the number of that; DEAD once it has ended. */
[[nodiscard]] enum status space_object_process(struct space_object const *object, struct process **process);
[[nodiscard]] enum status space_object_space(struct space_object const *object, uint32_t *space);
