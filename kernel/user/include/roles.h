/* roles.h: what the demonstration's programs agree on. */
#pragma once
#include <stdint.h>

/* Word 0 of pong's start message. Its capabilities: console, and by role an endpoint (RECEIVE) or shared memory;
   for ROLE_DRAIN word 1 is 1 if it uses system calls only. */
enum role : uint64_t {
    ROLE_PONG,                   /* answers pings, one line each */
    ROLE_ECHO,                   /* answers with the same words, word 7 replaced by its counter on arrival */
    ROLE_SWITCH,                 /* yields for ever, writing its counter to the shared memory whenever it runs */
    ROLE_DRAIN,                  /* takes all mail there is and yields, until a mail says PONG_STOP; ends with 0 if its word
                                    1 is the number of mails before it */
};

constexpr uint64_t PING_MAGIC = 0x676e6970;
constexpr uint64_t PONG_MAGIC = 0x676e6f70;
constexpr unsigned PINGS = 4;

/* Word 0 of a message that asks pong to end. */
constexpr uint64_t PONG_STOP = ~0ull;

/* Where shared memory is mapped, in both processes. */
constexpr uintptr_t SHARED_ADDRESS = 0x1000'0000;
