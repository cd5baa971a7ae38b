/*
 * mailbox.h: the hardware mailbox (docs/datasheet/mailbox.md), as far as the kernel uses it: one kernel page, bound to the
 * caller's capability space for each operation; the hardware checks the handle once more by the capability unit.
 * Interrupts off; one CPU.
 */
#pragma once
#include "boot_info.h"
#include "types.h"

/* Looks at the mailbox that the boot tables name; prints one line if it can be used. The capability unit must be in use,
   for the mailbox asks it. */
void mailbox_init(struct boot_info const *info);

/* A hardware queue for an endpoint, counted from 1; 0: all are taken, or there is no mailbox. */
unsigned mailbox_bind(uint32_t object_id);

/* Before the endpoint dies: its messages are gone. */
void mailbox_unbind(unsigned queue);

/* Sends or takes 8 words through a capability of `space`. WOULD_BLOCK: full, or empty. Verdicts as ever. */
[[nodiscard]] enum status mailbox_send(uint32_t space, uint32_t handle, uint64_t const words[MESSAGE_WORDS]);
[[nodiscard]] enum status mailbox_receive(uint32_t space, uint32_t handle, uint64_t words[MESSAGE_WORDS],
                                          uint32_t *badge);
