/* channel_tests.c: channels, and rings in shared memory. */
#include "channel.h"
#include "suite.h"

constexpr uint64_t MILLISECOND = 1'000'000;
constexpr uint16_t SENDS = RIGHT_SEND | RIGHT_GRANT, RECEIVES = RIGHT_RECEIVE | RIGHT_GRANT;

static uint32_t derive(uint32_t from, uint16_t rights)
{
    uint32_t derived = 0;
    CHECK_EQUAL(capability_derive(from, rights, 0, &derived), STATUS_OK);
    return derived;
}

/* A channel's two ends; the capability with both is gone. */
static void make_ends(uint32_t *sender, uint32_t *receiver)
{
    uint32_t channel = 0;
    CHECK_EQUAL(channel_create(&channel), STATUS_OK);
    *sender = derive(channel, SENDS | RIGHT_DERIVE | RIGHT_REVOKE | RIGHT_MANAGE);
    *receiver = derive(channel, RECEIVES | RIGHT_DERIVE | RIGHT_REVOKE);
    CHECK_EQUAL(capability_delete(channel), STATUS_OK);
}

static void both_ends_are_told(void)
{
    uint32_t sender = 0, receiver = 0;
    uint64_t bits = 0;
    make_ends(&sender, &receiver);
    CHECK_EQUAL(channel_receive(receiver, 0, &bits), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(channel_receive(receiver, MILLISECOND, &bits), STATUS_TIMED_OUT);
    CHECK_EQUAL(channel_send(sender, 5), STATUS_OK);
    CHECK_EQUAL(channel_send(sender, 1ull << 63), STATUS_OK);
    CHECK_EQUAL(channel_await(sender, 0, &bits), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(channel_complete(receiver, 6), STATUS_OK);
    CHECK_EQUAL(channel_receive(receiver, TIMEOUT_FOREVER, &bits), STATUS_OK);
    CHECK_EQUAL(bits, 5 | 1ull << 63);
    CHECK_EQUAL(channel_await(sender, TIMEOUT_FOREVER, &bits), STATUS_OK);
    CHECK_EQUAL(bits, 6);
    CHECK_EQUAL(channel_await(sender, 0, &bits), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(channel_send(sender, 0), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(channel_complete(receiver, 0), STATUS_BAD_ARGUMENT);
    /* Neither end does what is the other's. */
    CHECK_EQUAL(channel_receive(sender, 0, &bits), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(channel_complete(sender, 1), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(channel_send(receiver, 1), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(channel_await(receiver, 0, &bits), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    CHECK_EQUAL(capability_delete(receiver), STATUS_OK);
}

/* An end is gone with its last capability; what it said before is heard yet. */
static void an_end_is_gone(void)
{
    uint32_t sender = 0, receiver = 0;
    uint64_t bits = 0;
    make_ends(&sender, &receiver);
    uint32_t second = derive(sender, RIGHT_SEND);
    CHECK_EQUAL(channel_send(sender, 1), STATUS_OK);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    CHECK_EQUAL(channel_complete(receiver, 1), STATUS_OK);
    CHECK_EQUAL(channel_send(second, 2), STATUS_OK);
    CHECK_EQUAL(capability_delete(second), STATUS_OK);
    CHECK_EQUAL(channel_complete(receiver, 1), STATUS_DEAD);
    CHECK_EQUAL(channel_receive(receiver, 0, &bits), STATUS_OK);
    CHECK_EQUAL(bits, 3);
    CHECK_EQUAL(channel_receive(receiver, 0, &bits), STATUS_DEAD);
    CHECK_EQUAL(channel_receive(receiver, TIMEOUT_FOREVER, &bits), STATUS_DEAD);
    CHECK_EQUAL(capability_delete(receiver), STATUS_OK);
    make_ends(&sender, &receiver);
    CHECK_EQUAL(capability_delete(receiver), STATUS_OK);
    CHECK_EQUAL(channel_send(sender, 1), STATUS_DEAD);
    CHECK_EQUAL(channel_await(sender, TIMEOUT_FOREVER, &bits), STATUS_DEAD);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    /* Moved to another process, it is there; with the process it is gone, and who waits is told. */
    struct agent agent = start_agent();
    make_ends(&sender, &receiver);
    agent_keep(&agent, receiver, true);
    CHECK_EQUAL(channel_send(sender, 1), STATUS_OK);
    CHECK_EQUAL(channel_await(sender, 0, &bits), STATUS_WOULD_BLOCK);
    struct message message = { .word = { COMMAND_CRASH } };
    CHECK_EQUAL(ipc_send(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_OK);
    CHECK_EQUAL(channel_await(sender, TIMEOUT_FOREVER, &bits), STATUS_DEAD);
    uint64_t value;
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_MEMORY_FAULT);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
}

[[gnu::aligned(16)]] static uint8_t stack[2048];
static uint32_t waits_at;

static void wait_at_channel(uint64_t)
{
    uint64_t bits;
    thread_exit(channel_receive(waits_at, TIMEOUT_FOREVER, &bits));
}

static uint32_t start_waiter(uint32_t at)
{
    uint32_t thread = 0;
    unsigned state = 0;
    waits_at = at;
    CHECK_EQUAL(thread_create(wait_at_channel, stack + sizeof stack, 0, &thread), STATUS_OK);
    while (thread_info(thread, &state) == STATUS_OK && state != 3) thread_yield();
    return thread;
}

static void expect_told(uint32_t thread, enum status status)
{
    enum exit_reason reason;
    uint64_t value = 0;
    CHECK_EQUAL(thread_wait(thread, TIMEOUT_FOREVER, &reason, &value), STATUS_OK);
    CHECK_EQUAL(value, status);
    CHECK_EQUAL(capability_delete(thread), STATUS_OK);
}

/* Who waits is told what ended that: bits, the other end, its own capability, the channel. */
static void waits_end(void)
{
    uint32_t sender = 0, receiver = 0;
    make_ends(&sender, &receiver);
    uint32_t thread = start_waiter(receiver);
    CHECK_EQUAL(channel_send(sender, 1), STATUS_OK);
    expect_told(thread, STATUS_OK);
    /* An end that others still hold is not gone. */
    uint32_t narrow = derive(receiver, RIGHT_RECEIVE), narrow_sender = derive(sender, RIGHT_SEND);
    thread = start_waiter(narrow);
    CHECK_EQUAL(capability_revoke(sender, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_check(narrow_sender, CAP_TYPE_CHANNEL, RIGHT_SEND, nullptr), STATUS_BAD_HANDLE);
    CHECK_EQUAL(capability_revoke(receiver, nullptr), STATUS_OK);
    expect_told(thread, STATUS_BAD_HANDLE);
    CHECK_EQUAL(channel_send(sender, 1), STATUS_OK);
    uint64_t bits = 0;
    CHECK_EQUAL(channel_receive(receiver, 0, &bits), STATUS_OK);
    thread = start_waiter(receiver);
    CHECK_EQUAL(capability_destroy(sender), STATUS_OK);
    expect_told(thread, STATUS_DEAD);
    CHECK_EQUAL(channel_send(sender, 1), STATUS_STALE);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    CHECK_EQUAL(capability_delete(receiver), STATUS_OK);
    make_ends(&sender, &receiver);
    thread = start_waiter(receiver);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    expect_told(thread, STATUS_DEAD);
    CHECK_EQUAL(capability_delete(receiver), STATUS_OK);
}

/* More messages than the ring holds, to another address space and back as sums; the ring is memory, and the channel wakes. */
static void rings_carry_messages(void)
{
    constexpr uint64_t COUNT = 10 * RING_MESSAGES + 5;
    uint32_t memory = 0, sender = 0, receiver = 0, process = 0;
    CHECK_EQUAL(memory_create(sizeof(struct ring), &memory), STATUS_OK);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, RIGHT_READ | RIGHT_WRITE), STATUS_OK);
    make_ends(&sender, &receiver);
    struct message start = { .word = { DEED_RING }, .capability = { console, receiver, memory }, .count = 3, .move = 2 };
    CHECK_EQUAL(process_create(space, "hostile", &start, &process), STATUS_OK);
    struct ring_end end = { (struct ring *)SHARED_ADDRESS, sender, 0 };
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t const words[MESSAGE_WORDS] = { i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i ^ ~0ull };
        CHECK_EQUAL(ring_send(&end, words, TIMEOUT_FOREVER), STATUS_OK);
    }
    /* The end of the sender is the end of the messages, and all of them have come. */
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    uint64_t value;
    CHECK_EQUAL(await_end(process, &value), EXIT_REASON_EXITED);
    CHECK_EQUAL(value, COUNT);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
}

/* What the other end writes into the ring leads nowhere else. */
static void rings_are_not_trusted(void)
{
    static struct ring ring;
    uint32_t channel = 0;
    CHECK_EQUAL(channel_create(&channel), STATUS_OK);
    uint64_t words[MESSAGE_WORDS] = {};
    struct ring_end end = { &ring, channel, 7 };
    uint32_t const lies[] = { 7 + RING_MESSAGES + 1, 6, 0x8000'0007 };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        ring.sent = lies[i];
        CHECK_EQUAL(ring_receive(&end, words, 0), STATUS_BAD_ARGUMENT);
        ring.received = 14 - lies[i];
        CHECK_EQUAL(ring_send(&end, words, 0), STATUS_BAD_ARGUMENT);
    }
    CHECK_EQUAL(end.index, 7);
    CHECK_EQUAL(capability_delete(channel), STATUS_OK);
}

struct tap_test const CHANNEL_TESTS[] = {
    { "a channel tells both its ends", both_ends_are_told },
    { "an end of a channel learns that the other is gone", an_end_is_gone },
    { "waits at a channel end", waits_end },
    { "messages go through a ring and a channel", rings_carry_messages },
    { "nobody trusts what the other end wrote into a ring", rings_are_not_trusted },
};
size_t const CHANNEL_TEST_COUNT = sizeof CHANNEL_TESTS / sizeof *CHANNEL_TESTS;
