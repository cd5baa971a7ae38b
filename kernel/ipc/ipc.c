/* ipc.c: the general path of every operation; the short ones are in fast.c. */
#include "cap/cap.h"
#include "ipc/ipc.h"
#include "sched/sched.h"

constexpr size_t INFO = MESSAGE_WORDS, HANDLE = INFO + 1, CAPS = INFO + 2, TIMEOUT = INFO + 4;

static uint64_t *words(struct thread *thread) { return thread->context.call; }

/* Moves a message from one thread's call words to another's, capabilities first. On failure neither has changed. */
static enum status deliver(struct thread *from, struct thread *to, uint32_t badge)
{
    uint64_t const *source = words(from);
    uint64_t *target = words(to);
    unsigned count = (unsigned)info_in_get_cap_count(source[INFO]);
    uint32_t received[MESSAGE_CAPABILITIES] = {};
    if (count > 0) {
        uint32_t const handles[MESSAGE_CAPABILITIES] = {
            (uint32_t)source[CAPS], (uint32_t)(source[CAPS] >> 32),
            (uint32_t)source[CAPS + 1], (uint32_t)(source[CAPS + 1] >> 32),
        };
        enum status status = cap_transfer(from->cap_space, to->cap_space, handles, count,
                                          (unsigned)info_in_get_cap_move(source[INFO]), received);
        if (status != STATUS_OK) return status;
    }
    for (size_t i = 0; i < MESSAGE_WORDS; i++) target[i] = source[i];
    target[INFO] = info_out_make(STATUS_OK, count);
    target[HANDLE] = badge;
    target[CAPS] = received[0] | (uint64_t)received[1] << 32;
    target[CAPS + 1] = received[2] | (uint64_t)received[3] << 32;
    return STATUS_OK;
}

/* The caller has been heard and waits for the reply of `server`. Its deadline, if it has one, goes on. */
static void await_reply(struct thread *caller, struct thread *server)
{
    caller->state = THREAD_REPLY;
    caller->partner = server;
    server->caller = caller;
}

static void drop_caller(struct thread *thread)
{
    if (thread->caller != nullptr) ipc_cancel(thread->caller, STATUS_DEAD);
}

/* The thread waits in a queue of an endpoint, unless its timeout is 0. */
static void enqueue(struct thread *thread, struct thread_queue *queue, enum thread_state state)
{
    uint64_t timeout = words(thread)[TIMEOUT];
    if (timeout == 0) {
        thread_result(thread, STATUS_WOULD_BLOCK);
        return;
    }
    sched_wait(state, timeout);
    thread_queue_append(queue, thread);
}

static void send(struct thread *thread, struct endpoint *endpoint, uint32_t badge, bool wants_reply)
{
    struct thread *receiver = endpoint->receiving.first;
    if (receiver == nullptr) {
        if (endpoint->receivers == 0) {
            thread_result(thread, STATUS_DEAD);
            return;
        }
        thread->badge = badge;
        thread->wants_reply = wants_reply;
        enqueue(thread, &endpoint->senders, THREAD_SENDING);
        return;
    }
    enum status status = deliver(thread, receiver, badge);
    if (status != STATUS_OK) {
        thread_result(thread, status);
        return;
    }
    thread_queue_remove(receiver);
    sched_deadline_cancel(receiver);
    if (!wants_reply) {
        thread_result(thread, STATUS_OK);
        sched_ready(receiver);
        return;
    }
    sched_wait(THREAD_REPLY, words(thread)[TIMEOUT]);
    await_reply(thread, receiver);
    sched_switch(receiver);
}

void ipc_call(struct thread *thread, struct endpoint *endpoint, uint32_t badge)
{
    send(thread, endpoint, badge, true);
}

void ipc_send(struct thread *thread, struct endpoint *endpoint, uint32_t badge)
{
    send(thread, endpoint, badge, false);
}

void ipc_receive(struct thread *thread, struct endpoint *endpoint)
{
    drop_caller(thread);
    for (struct thread *sender; (sender = thread_queue_pop(&endpoint->senders)) != nullptr;) {
        /* It waits no longer: if the capability through which it did goes with the message, nothing has to end. */
        enum status status = deliver(sender, thread, sender->badge);
        if (status != STATUS_OK) {
            ipc_cancel(sender, status);      /* its capabilities cannot travel; the next one may */
            continue;
        }
        if (sender->wants_reply) {
            await_reply(sender, thread);
        } else {
            sched_deadline_cancel(sender);
            thread_result(sender, STATUS_OK);
            sched_ready(sender);
        }
        return;
    }
    enqueue(thread, &endpoint->receiving, THREAD_RECEIVING);
}

/* Answers the caller, which becomes runnable but stands in no queue yet; nullptr if that failed. */
static struct thread *answer(struct thread *thread)
{
    struct thread *caller = thread->caller;
    enum status status = caller == nullptr ? STATUS_NO_CALLER : deliver(thread, caller, 0);
    if (status != STATUS_OK) {
        thread_result(thread, status);
        return nullptr;
    }
    thread->caller = nullptr;
    caller->partner = nullptr;
    caller->state = THREAD_RUNNABLE;
    sched_deadline_cancel(caller);
    return caller;
}

void ipc_reply(struct thread *thread)
{
    struct thread *caller = answer(thread);
    if (caller == nullptr) return;
    thread_result(thread, STATUS_OK);
    sched_ready_first(caller);
}

void ipc_reply_receive(struct thread *thread, struct endpoint *endpoint)
{
    bool moved = info_in_get_cap_move(words(thread)[INFO]) != 0;
    struct thread *caller = answer(thread);
    if (caller == nullptr) return;
    /* The reply may have taken the capability along through which this thread would wait. */
    struct cap_view view;
    enum status status = moved ? cap_find(thread->cap_space, (uint32_t)words(thread)[HANDLE], RIGHT_RECEIVE, &view)
                               : STATUS_OK;
    if (status == STATUS_OK) ipc_receive(thread, endpoint);
    else thread_result(thread, status);
    if (sched_current == nullptr) sched_switch(caller);
    else sched_ready_first(caller);
}
