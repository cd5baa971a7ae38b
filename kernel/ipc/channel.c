/* channel.c: see channel.h. */
#include "cap/cap.h"
#include "ipc/channel.h"
#include "ipc/ipc.h"
#include "mm/pool.h"

static constexpr uint16_t RIGHT_OF[CHANNEL_ENDS] = { [CHANNEL_SENDER] = RIGHT_SEND, [CHANNEL_RECEIVER] = RIGHT_RECEIVE };

static struct pool channels = { .bytes = sizeof(struct channel) };

static enum channel_end other(enum channel_end end) { return end == CHANNEL_SENDER ? CHANNEL_RECEIVER : CHANNEL_SENDER; }

enum status channel_create(struct process *payer, uint32_t *object_id)
{
    struct account account;
    if (!account_charge(payer, 1, &account)) return STATUS_NO_OBJECTS;
    struct channel *channel = pool_alloc(&channels);
    enum status status = STATUS_NO_MEMORY;
    if (channel != nullptr) {
        channel->payer = account;
        status = object_create(CAP_TYPE_CHANNEL, (uintptr_t)channel, &channel->object_id);
        if (status == STATUS_OK) {
            *object_id = channel->object_id;
            return STATUS_OK;
        }
        pool_free(&channels, channel);
    }
    account_credit(&account, 1);
    return status;
}

static void end_waits(struct notification *told)
{
    while (told->waiting.first != nullptr) ipc_cancel(told->waiting.first, STATUS_DEAD);
}

void channel_destroy(struct channel *channel)
{
    for (size_t end = 0; end < CHANNEL_ENDS; end++) end_waits(&channel->told[end]);
    object_destroy(channel->object_id);
    account_credit(&channel->payer, 1);
    pool_free(&channels, channel);
}

void channel_held(struct channel *channel, uint16_t rights)
{
    for (size_t end = 0; end < CHANNEL_ENDS; end++) channel->holders[end] += (rights & RIGHT_OF[end]) != 0;
}

void channel_released(struct channel *channel, uint16_t rights)
{
    for (enum channel_end end = 0; end < CHANNEL_ENDS; end++)
        if ((rights & RIGHT_OF[end]) != 0 && --channel->holders[end] == 0) end_waits(&channel->told[other(end)]);
}

enum status channel_tell(struct channel *channel, enum channel_end own, uint64_t bits)
{
    if (bits == 0) return STATUS_BAD_ARGUMENT;
    if (channel->holders[other(own)] == 0) return STATUS_DEAD;
    notification_signal(&channel->told[other(own)], bits);
    return STATUS_OK;
}

void channel_take(struct thread *thread, struct channel *channel, enum channel_end own)
{
    struct notification *told = &channel->told[own];
    if (told->bits == 0 && channel->holders[other(own)] == 0) thread_result(thread, STATUS_DEAD);
    else notification_take(thread, told, true);
}
