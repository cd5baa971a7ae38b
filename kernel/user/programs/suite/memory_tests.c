/* memory_tests.c: memory capabilities and what they map. */
#include "suite.h"

constexpr uint16_t READ_WRITE = RIGHT_READ | RIGHT_WRITE;

static uint32_t make_memory(uint64_t bytes)
{
    uint32_t memory = 0;
    CHECK_EQUAL(memory_create(bytes, &memory), STATUS_OK);
    return memory;
}

static void map_and_unmap(void)
{
    uint32_t memory = make_memory(3 * PAGE_BYTES - 1);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    uint64_t volatile *words = (uint64_t volatile *)SHARED_ADDRESS;
    for (size_t i = 0; i < 3 * PAGE_BYTES / sizeof *words; i += 64) {
        CHECK_EQUAL(words[i], 0);
        words[i] = i;
    }
    CHECK_EQUAL(memory_unmap(memory, SHARED_ADDRESS + PAGE_BYTES), STATUS_NOT_FOUND);
    CHECK_EQUAL(memory_unmap(memory, SHARED_ADDRESS), STATUS_OK);
    CHECK_EQUAL(console_write(console, (char const *)SHARED_ADDRESS, 8), STATUS_BAD_POINTER);
    CHECK_EQUAL(memory_map(memory, 2 * SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    uint64_t volatile *again = (uint64_t volatile *)(2 * SHARED_ADDRESS);
    CHECK_EQUAL(again[64], 64);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
    CHECK_EQUAL(console_write(console, (char const *)(2 * SHARED_ADDRESS), 8), STATUS_BAD_POINTER);
}

static void bad_mappings(void)
{
    uint32_t memory = make_memory(PAGE_BYTES), narrow = 0;
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, RIGHT_WRITE | RIGHT_EXECUTE), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, 0), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, RIGHT_SEND), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS + 8, RIGHT_READ), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_map(memory, 0, RIGHT_READ), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_map(memory, PAGE_BYTES, RIGHT_READ), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_map(memory, USER_KERNEL_ADDRESS, RIGHT_READ), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_map(memory, ~(uintptr_t)(PAGE_BYTES - 1), RIGHT_READ), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_map(memory, PROCESS_STACK_END - PAGE_BYTES, RIGHT_READ), STATUS_OVERLAP);
    CHECK_EQUAL(memory_map(memory, (uintptr_t)&make_memory & ~(uintptr_t)(PAGE_BYTES - 1), RIGHT_READ), STATUS_OVERLAP);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(memory_map(memory, 2 * SHARED_ADDRESS, RIGHT_READ), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(capability_derive(memory, RIGHT_READ, 0, &narrow), STATUS_OK);
    CHECK_EQUAL(memory_map(narrow, 2 * SHARED_ADDRESS, READ_WRITE), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(memory_map(narrow, SHARED_ADDRESS, RIGHT_READ), STATUS_OVERLAP);
    CHECK_EQUAL(capability_revoke(memory, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
    uint32_t none = 0;
    CHECK_EQUAL(memory_create(0, &none), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_create(~0ull, &none), STATUS_BAD_ARGUMENT);
}

static void sharing(void)
{
    struct agent agent = start_agent();
    uint32_t memory = make_memory(PAGE_BYTES), readable = 0;
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    CHECK_EQUAL(capability_derive(memory, RIGHT_READ | RIGHT_GRANT, 0, &readable), STATUS_OK);
    agent_keep(&agent, readable, true);
    CHECK_EQUAL(command_words(&agent, COMMAND_MAP, 0, SHARED_ADDRESS, READ_WRITE), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(command_words(&agent, COMMAND_MAP, 0, SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    *(uint64_t volatile *)SHARED_ADDRESS = 0x5555'aaaa;
    struct message message = { .word = { COMMAND_READ, SHARED_ADDRESS } };
    CHECK_EQUAL(command(&agent, &message), STATUS_OK);
    CHECK_EQUAL(message.word[1], 0x5555'aaaa);
    /* It may read there, not write: that ends it. */
    message = (struct message){ .word = { COMMAND_WRITE, SHARED_ADDRESS } };
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_DEAD);
    uint64_t value;
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_MEMORY_FAULT);
    CHECK_EQUAL(value, SHARED_ADDRESS);
    CHECK_EQUAL(*(uint64_t volatile *)SHARED_ADDRESS, 0x5555'aaaa);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
}

/* When a memory capability is revoked, the pages go with it, in every process. */
static void revoke_unmaps(void)
{
    struct agent agent = start_agent();
    uint32_t memory = make_memory(2 * PAGE_BYTES), shared = 0;
    CHECK_EQUAL(capability_derive(memory, READ_WRITE | RIGHT_GRANT, 0, &shared), STATUS_OK);
    agent_keep(&agent, shared, false);
    CHECK_EQUAL(command_words(&agent, COMMAND_MAP, 0, SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    CHECK_EQUAL(command_words(&agent, COMMAND_WRITE, SHARED_ADDRESS + PAGE_BYTES, 1, 0), STATUS_OK);
    CHECK_EQUAL(capability_revoke(memory, nullptr), STATUS_OK);
    struct message message = { .word = { COMMAND_READ, SHARED_ADDRESS + PAGE_BYTES } };
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_DEAD);
    uint64_t value;
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_MEMORY_FAULT);
    CHECK_EQUAL(value, SHARED_ADDRESS + PAGE_BYTES);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
}

/* A process pays for its memory, and gets it back. (How it runs out of it: process_tests.c.) */
static void quota(void)
{
    struct quota before[RESOURCES], now[RESOURCES];
    process_quotas(before);
    uint32_t memory = make_memory(64 * PAGE_BYTES);
    process_quotas(now);
    /* One frame for the list of frames. */
    CHECK_EQUAL(now[RESOURCE_FRAMES].used, before[RESOURCE_FRAMES].used + 65);
    CHECK_EQUAL(now[RESOURCE_OBJECTS].used, before[RESOURCE_OBJECTS].used + 1);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
    process_quotas(now);
    CHECK_EQUAL(now[RESOURCE_FRAMES].used, before[RESOURCE_FRAMES].used);
    CHECK_EQUAL(now[RESOURCE_OBJECTS].used, before[RESOURCE_OBJECTS].used);
}

static uint64_t poll(uint32_t notification)
{
    uint64_t bits = 0;
    enum status status = notification_poll(notification, &bits);
    CHECK(status == STATUS_OK || status == STATUS_WOULD_BLOCK);
    return bits;
}

/* A buffer goes to another process without a copy, and its maker learns when it is his alone again, however that came about: the
   last of the others was deleted or revoked, moved into nowhere with its process, or both. */
static void shared_buffer(void)
{
    uint32_t buffer = 0, notification = 0, given = 0;
    uint64_t value, bits = 0, revoked = 0;
    CHECK_EQUAL(buffer_create(2 * PAGE_BYTES, &buffer), STATUS_OK);
    CHECK_EQUAL(notification_create(&notification), STATUS_OK);
    CHECK_EQUAL(buffer_watch(buffer, notification, 4), STATUS_OK);
    CHECK_EQUAL(memory_map(buffer, SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    uint64_t volatile *words = (uint64_t volatile *)SHARED_ADDRESS;
    CHECK_EQUAL(capability_derive(buffer, READ_WRITE | RIGHT_GRANT | RIGHT_DERIVE, 0, &given), STATUS_OK);
    CHECK_EQUAL(poll(notification), 0);
    CHECK_EQUAL(capability_delete(given), STATUS_OK);
    CHECK_EQUAL(poll(notification), 4);
    /* Moved to another process, which makes one more of it and writes. */
    struct agent agent = start_agent();
    CHECK_EQUAL(capability_derive(buffer, READ_WRITE | RIGHT_GRANT | RIGHT_DERIVE, 0, &given), STATUS_OK);
    agent_keep(&agent, given, true);
    CHECK_EQUAL(poll(notification), 0);
    CHECK_EQUAL(command_words(&agent, COMMAND_DERIVE, 0, READ_WRITE, 0), STATUS_OK);
    CHECK_EQUAL(command_words(&agent, COMMAND_MAP, 1, SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    CHECK_EQUAL(command_words(&agent, COMMAND_WRITE, SHARED_ADDRESS + PAGE_BYTES, 0x1234, 0), STATUS_OK);
    CHECK_EQUAL(words[PAGE_BYTES / sizeof *words], 0x1234);
    CHECK_EQUAL(poll(notification), 0);
    CHECK_EQUAL(capability_revoke(buffer, &revoked), STATUS_OK);
    CHECK_EQUAL(revoked, 2);
    CHECK_EQUAL(poll(notification), 4);
    /* With its process, while we wait. */
    CHECK_EQUAL(capability_derive(buffer, READ_WRITE | RIGHT_GRANT, 0, &given), STATUS_OK);
    agent_keep(&agent, given, true);
    struct message message = { .word = { COMMAND_CRASH } };
    CHECK_EQUAL(ipc_send(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_OK);
    CHECK_EQUAL(notification_wait(notification, TIMEOUT_FOREVER, &bits), STATUS_OK);
    CHECK_EQUAL(bits, 4);
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_MEMORY_FAULT);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
    CHECK_EQUAL(words[PAGE_BYTES / sizeof *words], 0x1234);
    /* What was revoked before somebody watched is not in anybody's hand, though it may not have been taken back yet. */
    CHECK_EQUAL(buffer_watch(buffer, notification, 0), STATUS_OK);
    CHECK_EQUAL(memory_unmap(buffer, SHARED_ADDRESS), STATUS_OK);
    CHECK_EQUAL(capability_derive(buffer, READ_WRITE, 0, &given), STATUS_OK);
    CHECK_EQUAL(capability_revoke(buffer, nullptr), STATUS_OK);
    CHECK_EQUAL(buffer_watch(buffer, notification, 4), STATUS_OK);
    CHECK_EQUAL(poll(notification), 0);
    CHECK_EQUAL(capability_derive(buffer, READ_WRITE, 0, &given), STATUS_OK);
    CHECK_EQUAL(capability_revoke(buffer, nullptr), STATUS_OK);
    CHECK_EQUAL(poll(notification), 4);
    /* Nobody is told who does not want it, or may not. */
    CHECK_EQUAL(buffer_watch(buffer, notification, 0), STATUS_OK);
    CHECK_EQUAL(capability_derive(buffer, READ_WRITE, 0, &given), STATUS_OK);
    CHECK_EQUAL(capability_delete(given), STATUS_OK);
    uint32_t signals = 0;
    CHECK_EQUAL(capability_derive(notification, RIGHT_SIGNAL, 0, &signals), STATUS_OK);
    CHECK_EQUAL(buffer_watch(buffer, signals, 8), STATUS_OK);
    CHECK_EQUAL(capability_delete(signals), STATUS_OK);
    CHECK_EQUAL(capability_derive(buffer, READ_WRITE, 0, &given), STATUS_OK);
    CHECK_EQUAL(capability_delete(given), STATUS_OK);
    CHECK_EQUAL(poll(notification), 0);
    CHECK_EQUAL(capability_delete(buffer), STATUS_OK);
    CHECK_EQUAL(poll(notification), 0);
    CHECK_EQUAL(capability_delete(notification), STATUS_OK);
}

/* What takes memory takes shared buffers, with the same rights, and watches nothing else. */
static void buffers_are_checked_as_memory(void)
{
    uint32_t buffer = 0, memory = make_memory(PAGE_BYTES), notification = 0, narrow = 0;
    uint64_t bytes = 0;
    uintptr_t address = 0;
    CHECK_EQUAL(buffer_create(PAGE_BYTES, &buffer), STATUS_OK);
    CHECK_EQUAL(notification_create(&notification), STATUS_OK);
    CHECK_EQUAL(buffer_watch(memory, notification, 1), STATUS_WRONG_TYPE);
    CHECK_EQUAL(memory_map(notification, SHARED_ADDRESS, RIGHT_READ), STATUS_WRONG_TYPE);
    CHECK_EQUAL(capability_derive(buffer, RIGHT_READ, 0, &narrow), STATUS_OK);
    CHECK_EQUAL(buffer_watch(narrow, notification, 1), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(memory_map(narrow, SHARED_ADDRESS, READ_WRITE), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(memory_map(narrow, SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(memory_protect(narrow, SHARED_ADDRESS, READ_WRITE), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(memory_info(narrow, &bytes, &address), STATUS_OK);
    CHECK(bytes == PAGE_BYTES && address == SHARED_ADDRESS);
    CHECK_EQUAL(capability_destroy(buffer), STATUS_OK);
    CHECK_EQUAL(console_write(console, (char const *)SHARED_ADDRESS, 8), STATUS_BAD_POINTER);
    CHECK_EQUAL(memory_map(narrow, SHARED_ADDRESS, RIGHT_READ), STATUS_STALE);
    uint32_t const all[] = { buffer, narrow, memory, notification };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) CHECK_EQUAL(capability_delete(all[i]), STATUS_OK);
}

struct tap_test const MEMORY_TESTS[] = {
    { "memory is mapped, zero at first, and unmapped", map_and_unmap },
    { "bad mappings are refused", bad_mappings },
    { "memory is shared with the rights given", sharing },
    { "revoking memory unmaps it elsewhere", revoke_unmaps },
    { "memory is charged to a quota", quota },
    { "the maker of a shared buffer learns when it is his alone", shared_buffer },
    { "shared buffers are checked as memory is", buffers_are_checked_as_memory },
};
size_t const MEMORY_TEST_COUNT = sizeof MEMORY_TESTS / sizeof *MEMORY_TESTS;
