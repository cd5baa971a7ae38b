/* mail.c: messages that nobody waits for; see ipc.h. */
#include "drivers/mailbox.h"
#include "ipc/ipc.h"
#include "sched/thread.h"

constexpr size_t HANDLE = MESSAGE_WORDS + 1;

/* An endpoint gets its hardware queue with the first operation, while nothing is in the software queue. */
static bool in_hardware(struct endpoint *endpoint)
{
    if (endpoint->mail_queue == 0 && endpoint->mail_count == 0)
        endpoint->mail_queue = mailbox_bind(endpoint->object_id);
    return endpoint->mail_queue != 0;
}

void ipc_mail_bind(struct thread *thread)
{
    if (mailbox_context != nullptr) {
        thread->uses_mail = true;
        mailbox_select(thread->cap_space, true);
    }
    thread_result(thread, thread->uses_mail ? STATUS_OK : STATUS_UNSUPPORTED);
}

void ipc_mail_send(struct thread *thread, struct endpoint *endpoint, uint32_t handle, uint32_t badge)
{
    uint64_t const *words = thread->context.call;
    if (in_hardware(endpoint)) {
        thread_result(thread, mailbox_send(thread->cap_space, handle, words));
        return;
    }
    if (endpoint->mail_count == MAIL_QUEUE) {
        thread_result(thread, STATUS_WOULD_BLOCK);
        return;
    }
    size_t at = (endpoint->mail_first + endpoint->mail_count++) % MAIL_QUEUE;
    for (size_t i = 0; i < MESSAGE_WORDS; i++) endpoint->mail[at].word[i] = words[i];
    endpoint->mail[at].badge = badge;
    thread_result(thread, STATUS_OK);
}

void ipc_mail_receive(struct thread *thread, struct endpoint *endpoint, uint32_t handle)
{
    uint64_t *words = thread->context.call;
    if (in_hardware(endpoint)) {
        uint32_t badge;
        enum status status = mailbox_receive(thread->cap_space, handle, words, &badge);
        if (status == STATUS_OK) words[HANDLE] = badge;
        thread_result(thread, status);
        return;
    }
    if (endpoint->mail_count == 0) {
        thread_result(thread, STATUS_WOULD_BLOCK);
        return;
    }
    size_t at = endpoint->mail_first;
    for (size_t i = 0; i < MESSAGE_WORDS; i++) words[i] = endpoint->mail[at].word[i];
    words[HANDLE] = endpoint->mail[at].badge;
    endpoint->mail_first = (endpoint->mail_first + 1) % MAIL_QUEUE;
    endpoint->mail_count--;
    thread_result(thread, STATUS_OK);
}
