/* ipc_calls.c: messages and mail; ipc/ does the work. And the two calls that do next to nothing. */
#include "ipc/ipc.h"
#include "sched/sched.h"
#include "sys/call.h"

void call_null(struct thread *thread, struct call_request const *request)
{
    (void)request;
    thread_result(thread, STATUS_OK);
}

void call_yield(struct thread *thread, struct call_request const *request)
{
    (void)request;
    thread_result(thread, STATUS_OK);
    sched_yield();
}

static struct endpoint *endpoint_of(struct call_request const *request)
{
    return (struct endpoint *)request->capability[0].payload;
}

/* Without capabilities and timeout there are fewer steps to the same end. */
static bool is_short(struct call_request const *request)
{
    return info_in_get_cap_count(request->words[WORD_INFO]) == 0 && request->words[WORD_TIMEOUT] == TIMEOUT_FOREVER;
}

void call_ipc_call(struct thread *thread, struct call_request const *request)
{
    if (is_short(request) && ipc_fast_call(thread, endpoint_of(request), request->capability[0].badge)) return;
    ipc_call(thread, endpoint_of(request), request->capability[0].badge);
}

void call_ipc_send(struct thread *thread, struct call_request const *request)
{
    ipc_send(thread, endpoint_of(request), request->capability[0].badge);
}

void call_ipc_receive(struct thread *thread, struct call_request const *request)
{
    ipc_receive(thread, endpoint_of(request));
}

void call_ipc_reply(struct thread *thread, struct call_request const *request)
{
    (void)request;
    ipc_reply(thread);
}

void call_ipc_reply_receive(struct thread *thread, struct call_request const *request)
{
    if (is_short(request) && ipc_fast_reply_receive(thread, endpoint_of(request))) return;
    ipc_reply_receive(thread, endpoint_of(request));
}

void call_mail_send(struct thread *thread, struct call_request const *request)
{
    struct call_capability const *capability = &request->capability[0];
    ipc_mail_send(thread, endpoint_of(request), capability->handle, capability->badge);
}

void call_mail_receive(struct thread *thread, struct call_request const *request)
{
    ipc_mail_receive(thread, endpoint_of(request), request->capability[0].handle);
}

void call_mail_bind(struct thread *thread, struct call_request const *request)
{
    (void)request;
    ipc_mail_bind(thread);
}
