/* channel.c: see channel.h. */
#include "channel.h"

enum status channel_create(uint32_t *handle)
{
    struct user_call call = { .word = { CAP_TYPE_CHANNEL } };
    enum status status = system_call(&call, CALL_CAP_CREATE);
    if (status == STATUS_OK) *handle = (uint32_t)call.word[CALL_HANDLE];
    return status;
}

static enum status tell(uint32_t channel, uint64_t bits, enum call number)
{
    struct user_call call = { .word = { bits, [CALL_HANDLE] = channel } };
    return system_call(&call, number);
}

static enum status take(uint32_t channel, uint64_t timeout, uint64_t *bits, enum call number)
{
    struct user_call call = { .word = { [CALL_HANDLE] = channel, [CALL_TIMEOUT] = timeout } };
    enum status status = system_call(&call, number);
    if (status == STATUS_OK) *bits = call.word[0];
    return status;
}

enum status channel_send(uint32_t channel, uint64_t bits) { return tell(channel, bits, CALL_CHANNEL_SEND); }
enum status channel_complete(uint32_t channel, uint64_t bits) { return tell(channel, bits, CALL_CHANNEL_COMPLETE); }

enum status channel_receive(uint32_t channel, uint64_t timeout, uint64_t *bits)
{
    return take(channel, timeout, bits, CALL_CHANNEL_RECEIVE);
}

enum status channel_await(uint32_t channel, uint64_t timeout, uint64_t *bits)
{
    return take(channel, timeout, bits, CALL_CHANNEL_AWAIT);
}

/*
 * Each end publishes its own index and then reads the other's, with a fence between; before it sleeps it does the same. So of two
 * that do so at once one sees what the other has done: either the one does not sleep, or the other wakes it.
 */
static uint32_t publish(uint32_t *own, uint32_t index, uint32_t const *others)
{
    __atomic_store_n(own, index, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(others, __ATOMIC_ACQUIRE);
}

enum status ring_send(struct ring_end *end, uint64_t const words[MESSAGE_WORDS], uint64_t timeout)
{
    struct ring *ring = end->ring;
    uint64_t bits;
    for (;;) {
        uint32_t waiting = end->index - __atomic_load_n(&ring->received, __ATOMIC_ACQUIRE);
        if (waiting > RING_MESSAGES) return STATUS_BAD_ARGUMENT;
        if (waiting < RING_MESSAGES) break;
        enum status status = channel_await(end->channel, timeout, &bits);
        if (status != STATUS_OK) return status;
    }
    uint64_t *place = ring->message[end->index % RING_MESSAGES];
    for (size_t i = 0; i < MESSAGE_WORDS; i++) place[i] = words[i];
    uint32_t before = end->index++;
    /* All before was received: the receiver may sleep. */
    return publish(&ring->sent, end->index, &ring->received) == before ? channel_send(end->channel, 1) : STATUS_OK;
}

enum status ring_receive(struct ring_end *end, uint64_t words[MESSAGE_WORDS], uint64_t timeout)
{
    struct ring *ring = end->ring;
    uint64_t bits;
    bool last = false;
    for (;;) {
        uint32_t waiting = __atomic_load_n(&ring->sent, __ATOMIC_ACQUIRE) - end->index;
        if (waiting > RING_MESSAGES) return STATUS_BAD_ARGUMENT;
        if (waiting != 0) break;
        if (last) return STATUS_DEAD;
        enum status status = channel_receive(end->channel, timeout, &bits);
        /* It may have sent something between. */
        if (status == STATUS_DEAD) last = true;
        else if (status != STATUS_OK) return status;
    }
    uint64_t const *place = ring->message[end->index % RING_MESSAGES];
    for (size_t i = 0; i < MESSAGE_WORDS; i++) words[i] = *(uint64_t const volatile *)&place[i];
    uint32_t before = end->index++;
    /* It was full: the sender may sleep. That it is gone does not matter for what came. */
    if (publish(&ring->received, end->index, &ring->sent) - before == RING_MESSAGES) (void)channel_complete(end->channel, 1);
    return STATUS_OK;
}
