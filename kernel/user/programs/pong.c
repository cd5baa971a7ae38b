/* pong.c: the receiving side: of the demonstration, and of the latency measurements. */
#include "roles.h"
#include "user.h"

static int pong(uint32_t endpoint)
{
    struct message message;
    enum status status = ipc_receive(endpoint, &message, TIMEOUT_FOREVER);
    unsigned answered = 0;
    while (status == STATUS_OK && message.word[0] != PONG_STOP) {
        uint64_t number = message.word[1];
        bool good = message.word[0] == PING_MAGIC;
        for (size_t i = 2; i < MESSAGE_WORDS; i++) good = good && message.word[i] == number * 100 + i;
        if (!good) return 1;
        print("pong: ping %lu of badge %u, 64 bytes as expected\n", number, message.badge);
        message.word[0] = PONG_MAGIC;
        for (size_t i = 2; i < MESSAGE_WORDS; i++) message.word[i] = ~message.word[i];
        answered++;
        status = ipc_reply_receive(endpoint, &message, TIMEOUT_FOREVER);
    }
    ipc_reply(&message);
    return status == STATUS_OK && answered == PINGS ? 0 : 1;
}

static int echo(uint32_t endpoint)
{
    struct user_call call = { .word = { [CALL_INFO] = CALL_IPC_RECEIVE } };
    for (;;) {
        call.word[CALL_HANDLE] = endpoint;
        call.word[CALL_TIMEOUT] = TIMEOUT_FOREVER;
        user_call_stamped(&call);
        if (call.word[CALL_INFO] != STATUS_OK) return 1;
        if (call.word[0] == PONG_STOP) return 0;
        call.word[7] = call.after;
        call.word[CALL_INFO] = CALL_IPC_REPLY_RECEIVE;
    }
}

static int yield(uint32_t memory)
{
    if (memory_map(memory, SHARED_ADDRESS, RIGHT_READ | RIGHT_WRITE) != STATUS_OK) return 1;
    uint64_t volatile *shared = (uint64_t volatile *)SHARED_ADDRESS;
    struct user_call call = {};
    while (shared[1] == 0) {
        call.word[CALL_INFO] = CALL_YIELD;
        user_call_stamped(&call);
        shared[0] = call.after;
    }
    return 0;
}

static int drain(uint32_t endpoint, bool by_call)
{
    uint64_t number = 0;
    for (;;) {
        struct message message;
        enum status status = by_call ? mail_receive_call(endpoint, &message) : mail_receive(endpoint, &message);
        if (status == STATUS_WOULD_BLOCK) {
            thread_yield();
            continue;
        }
        if (status != STATUS_OK) return 1;
        if (message.word[0] == PONG_STOP) return message.word[1] == number ? 0 : 1;
        if (message.word[0] != number || message.word[MESSAGE_WORDS - 1] != ~number) return 1;
        number++;
    }
}

int main(struct user_call *start)
{
    uint32_t capability = start_capability(start, 1);
    switch (start->word[0]) {
    case ROLE_PONG: return pong(capability);
    case ROLE_ECHO: return echo(capability);
    case ROLE_SWITCH: return yield(capability);
    case ROLE_DRAIN: return drain(capability, start->word[1] != 0);
    default: return 2;
    }
}
