/*
 * channel.h: asynchronous channels. A channel has two ends, which are rights: SEND and RECEIVE. What goes through it lies in
 * memory that both ends map; the channel tells each end by bits that the other has done something there, and when the other is
 * gone: no capability with its right is left, since all were deleted or revoked, or their processes have ended.
 * Interrupts off; one CPU.
 */
#pragma once
#include "ipc/notification.h"

enum channel_end : uint8_t { CHANNEL_SENDER, CHANNEL_RECEIVER, CHANNEL_ENDS };

struct channel {
    uint32_t object_id;
    struct account payer;
    uint32_t holders[CHANNEL_ENDS];      /* capabilities with the right of that end */
    struct notification told[CHANNEL_ENDS];      /* bits for that end, and who waits for some; no objects */
};

/* A new object without capabilities, charged to `payer`. NO_MEMORY, NO_OBJECTS. */
[[nodiscard]] enum status channel_create(struct process *payer, uint32_t *object_id);

/* Whoever waits gets DEAD. */
void channel_destroy(struct channel *channel);

/* A capability with these rights came to be, or is gone: then whoever waits at an end whose other has no more gets DEAD. */
void channel_held(struct channel *channel, uint16_t rights);
void channel_released(struct channel *channel, uint16_t rights);

/* System calls of the end `own`. To set bits (not 0) for the other end: DEAD if it is gone. */
[[nodiscard]] enum status channel_tell(struct channel *channel, enum channel_end own, uint64_t bits);

/* To take what the other end has set. What it set before it was gone is not lost; then DEAD. */
void channel_take(struct thread *thread, struct channel *channel, enum channel_end own);
