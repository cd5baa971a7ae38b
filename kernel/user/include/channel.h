/*
 * channel.h: messages through a ring in shared memory and a CHANNEL, which wakes whoever waits and tells that the other end is
 * gone. Nothing of a message passes the kernel, and it is called only where the other end may sleep.
 *
 * One sender and one receiver at a time. The other end is not trusted: whatever it writes into the ring, nothing outside of the
 * ring is read or written; a message is copied before it is looked at.
 */
#pragma once
#include "user.h"

constexpr size_t RING_MESSAGES = 32;         /* of MESSAGE_WORDS words; a power of two */

/* In memory that both have mapped, of zeros at first. Each index is written by one end only, and counts without end. */
struct ring {
    alignas(64) uint32_t sent;
    alignas(64) uint32_t received;
    alignas(64) uint64_t message[RING_MESSAGES][MESSAGE_WORDS];
};

/* What an end keeps for itself. */
struct ring_end {
    struct ring *ring;
    uint32_t channel;            /* capability with SEND or RECEIVE */
    uint32_t index;              /* sent or received by this end */
};

/* Waits for room up to `timeout`, for each time it is woken. WOULD_BLOCK, TIMED_OUT; DEAD: the other end is gone; BAD_ARGUMENT:
   what it wrote into the ring makes no sense; the verdicts. */
enum status ring_send(struct ring_end *end, uint64_t const words[MESSAGE_WORDS], uint64_t timeout);

/* Waits for a message. What was sent before the sender was gone is received yet, then DEAD. */
enum status ring_receive(struct ring_end *end, uint64_t words[MESSAGE_WORDS], uint64_t timeout);

/* The system calls. */
enum status channel_create(uint32_t *handle);
enum status channel_send(uint32_t channel, uint64_t bits);
enum status channel_receive(uint32_t channel, uint64_t timeout, uint64_t *bits);
enum status channel_complete(uint32_t channel, uint64_t bits);
enum status channel_await(uint32_t channel, uint64_t timeout, uint64_t *bits);
