/*
 * mailbox.h: the hardware mailbox (docs/datasheet/mailbox.md), as far as the kernel uses it: one kernel page, bound to the
 * caller's capability space for each operation, and the hart's own context for threads that use the instructions. The
 * hardware checks each handle by the capability unit. Interrupts off; one CPU.
 */
#pragma once
#include <veridian/mailbox.h>
#include "boot_info.h"
#include "types.h"

/* Looks at the mailbox that the boot tables name; prints one line if it can be used. The capability unit must be in use,
   for the mailbox asks it. */
void mailbox_init(struct boot_info const *info);

/* A hardware queue for an endpoint, counted from 1; 0: all are taken, or there is no mailbox. */
unsigned mailbox_bind(uint32_t object_id);

/* Before the endpoint dies: its messages are gone. */
void mailbox_unbind(unsigned queue);

/* Where the binding of the hart's context is stored; nullptr: there are no instructions. For short paths, which store what
   mailbox_select() does. */
extern volatile uint64_t *mailbox_context;

/* Binds the instructions to a thread of `space`, or to nobody. What the one before staged and had open is discarded. Only
   with a mailbox_context. */
static inline void mailbox_select(uint32_t space, bool bound)
{
    *mailbox_context = space | (uint64_t)bound << MAILBOX_CONTEXT_ENABLED_SHIFT;
}

/* Sends or takes 8 words through a capability of `space`. WOULD_BLOCK: full, or empty. Verdicts as ever. */
[[nodiscard]] enum status mailbox_send(uint32_t space, uint32_t handle, uint64_t const words[MESSAGE_WORDS]);
[[nodiscard]] enum status mailbox_receive(uint32_t space, uint32_t handle, uint64_t words[MESSAGE_WORDS],
                                          uint32_t *badge);
