/* objects.h: the objects that CAP_CREATE makes, whatever their type. Interrupts off; one CPU. */
#pragma once
#include "cap/cap.h"

struct process;

/* A new object of this type without capabilities, charged to `payer`. BAD_ARGUMENT: no such type here, or `bytes` (of
   memory) out of range. NO_MEMORY, NO_OBJECTS. */
[[nodiscard]] enum status objects_create(enum cap_type cap_type, struct process *payer, uint64_t bytes,
                                         uint32_t *object_id);

/* All rights that capabilities to objects of a type can have. */
uint16_t objects_rights(enum cap_type cap_type);

/* Destroys it, whether or not capabilities name it: waits end with DEAD, mappings go. False, and nothing has happened:
   objects_create() does not make this type. */
bool objects_destroy(uint32_t object_id);
