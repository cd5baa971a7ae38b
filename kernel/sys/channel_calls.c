/* channel_calls.c: the two ends of a channel. */
#include "ipc/channel.h"
#include "sys/call.h"

static struct channel *channel_of(struct call_request const *request)
{
    return (struct channel *)request->capability[0].payload;
}

void call_channel_send(struct thread *thread, struct call_request const *request)
{
    thread_result(thread, channel_tell(channel_of(request), CHANNEL_SENDER, request->words[0]));
}

void call_channel_receive(struct thread *thread, struct call_request const *request)
{
    channel_take(thread, channel_of(request), CHANNEL_RECEIVER);
}

void call_channel_complete(struct thread *thread, struct call_request const *request)
{
    thread_result(thread, channel_tell(channel_of(request), CHANNEL_RECEIVER, request->words[0]));
}

void call_channel_await(struct thread *thread, struct call_request const *request)
{
    channel_take(thread, channel_of(request), CHANNEL_SENDER);
}
