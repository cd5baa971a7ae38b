/* ping.c: the calling side of the demonstration. Capabilities: console, endpoint (SEND). */
#include "roles.h"
#include "user.h"

int main(struct user_call *start)
{
    uint32_t endpoint = start_capability(start, 1);
    for (unsigned number = 1; number <= PINGS; number++) {
        struct message message = { .word = { PING_MAGIC, number } };
        for (size_t i = 2; i < MESSAGE_WORDS; i++) message.word[i] = number * 100 + i;
        enum status status = ipc_call(endpoint, &message, TIMEOUT_FOREVER);
        bool good = status == STATUS_OK && message.word[0] == PONG_MAGIC && message.word[1] == number;
        for (size_t i = 2; i < MESSAGE_WORDS; i++) good = good && message.word[i] == ~(uint64_t)(number * 100 + i);
        if (!good) {
            print("ping: wrong answer to %u, status %s\n", number, status_name(status));
            return 1;
        }
        print("ping: answer %u, 64 bytes as expected\n", number);
    }
    /* The endpoint lets this process send and nothing else. */
    struct message message = { .word = { PONG_STOP } };
    if (ipc_receive(endpoint, &message, 0) != STATUS_MISSING_RIGHTS) return 1;
    return ipc_call(endpoint, &message, TIMEOUT_FOREVER) == STATUS_OK ? 0 : 1;
}
