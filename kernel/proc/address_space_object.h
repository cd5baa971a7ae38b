/*
 * address_space_object.h: ADDRESS_SPACE objects: a capability to one allows to map memory into the address space of a process.
 * The object's word is the process. A process has one at most, made when it is first asked for; it ends with the last capability
 * that names it or with the process, whichever comes first, so what still names it then is STALE. Mappings do not end with it.
 * Interrupts off; one CPU.
 */
#pragma once
#include "types.h"

struct process;

/* That of a process that has not ended. If there is none it is made, without capabilities, and charged to `payer`. NO_OBJECTS. */
[[nodiscard]] enum status address_space_object(struct process *process, struct process *payer, uint32_t *object_id);

/* Destroys it, whether or not capabilities name it. Nothing if there is none. */
void address_space_object_destroy(struct process *process);
