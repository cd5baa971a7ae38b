/*
 * fast.c: the short paths of call and of reply and receive. They do what ipc.c does for a message without
 * capabilities and without timeout whose partner waits already, and nothing else.
 */
#include "ipc/ipc.h"
#include "sched/sched.h"

constexpr size_t INFO = MESSAGE_WORDS, HANDLE = INFO + 1, CAPS = INFO + 2;

static inline void copy_message(struct thread *from, struct thread *to, uint64_t badge)
{
    uint64_t const *source = from->context.call;
    uint64_t *target = to->context.call;
    for (size_t i = 0; i < MESSAGE_WORDS; i++) target[i] = source[i];
    target[INFO] = STATUS_OK;
    target[HANDLE] = badge;
    target[CAPS] = target[CAPS + 1] = 0;
}

bool ipc_fast_call(struct thread *thread, struct endpoint *endpoint, uint32_t badge)
{
    struct thread *receiver = endpoint->receiving.first;
    if (receiver == nullptr || receiver->deadline != UINT64_MAX) return false;
    copy_message(thread, receiver, badge);
    thread_queue_remove(receiver);
    thread->state = THREAD_REPLY;
    thread->partner = receiver;
    receiver->caller = thread;
    sched_switch(receiver);
    return true;
}

bool ipc_fast_reply_receive(struct thread *thread, struct endpoint *endpoint)
{
    struct thread *caller = thread->caller;
    if (caller == nullptr || caller->deadline != UINT64_MAX || endpoint->senders.first != nullptr) return false;
    copy_message(thread, caller, 0);
    thread->caller = nullptr;
    caller->partner = nullptr;
    thread->state = THREAD_RECEIVING;
    thread_queue_append(&endpoint->receiving, thread);
    sched_switch(caller);
    return true;
}
