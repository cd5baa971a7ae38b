/*
 * greeting.c: the first process of a machine with too little memory for the demonstration: a message between two threads,
 * and what becomes of a capability. Its capabilities: console, CAP_SPACE, KERNEL.
 */
#include "roles.h"
#include "user.h"

constexpr uint32_t BADGE = 7;

static uint32_t endpoint;
[[gnu::aligned(16)]] static uint8_t stack[1024];

/* Answers one message with the complement of its words. */
static void answer(uint64_t argument)
{
    (void)argument;
    struct message message;
    if (ipc_receive(endpoint, &message, TIMEOUT_FOREVER) != STATUS_OK) thread_exit(1);
    for (size_t i = 0; i < MESSAGE_WORDS; i++) message.word[i] = ~message.word[i];
    thread_exit(message.badge != BADGE || ipc_reply(&message) != STATUS_OK);
}

static bool call(uint32_t sender)
{
    struct message message = {};
    for (size_t i = 0; i < MESSAGE_WORDS; i++) message.word[i] = PING_MAGIC * (i + 1);
    if (ipc_call(sender, &message, TIMEOUT_FOREVER) != STATUS_OK) return false;
    bool good = true;
    for (size_t i = 0; i < MESSAGE_WORDS; i++) good = good && message.word[i] == ~(uint64_t)(PING_MAGIC * (i + 1));
    if (good) print("greeting: 64 bytes to the other thread and back\n");
    return good;
}

static bool talk(void)
{
    uint32_t sender, thread, badge = 0;
    uint64_t value = 1, revoked = 0;
    enum exit_reason reason;
    if (endpoint_create(&endpoint) != STATUS_OK
        || capability_derive(endpoint, RIGHT_SEND, BADGE, &sender) != STATUS_OK
        || thread_create(answer, stack + sizeof stack, 0, &thread) != STATUS_OK || !call(sender)
        || thread_wait(thread, TIMEOUT_FOREVER, &reason, &value) != STATUS_OK || value != 0) return false;
    enum status before = capability_check(sender, CAP_TYPE_ENDPOINT, RIGHT_SEND, &badge);
    if (before != STATUS_OK || badge != BADGE || capability_revoke(endpoint, &revoked) != STATUS_OK) return false;
    enum status after = capability_check(sender, CAP_TYPE_ENDPOINT, RIGHT_SEND, &badge);
    print("greeting: a capability checks as %s, revoked as %s\n", status_name(before), status_name(after));
    return revoked == 1 && after != STATUS_OK;
}

int main(struct user_call *start)
{
    uint32_t kernel = start_capability(start, 2);
    struct statistics statistics = {};
    bool good = talk() && kernel_statistics(kernel, &statistics) == STATUS_OK;
    print("greeting: %lu slots and %lu objects in use\n", statistics.slots, statistics.objects);
    uint64_t words[3] = { good ? 0 : 1 };
    kernel_control(kernel, KERNEL_CONTROL_SHUTDOWN, words);
    return 1;
}
