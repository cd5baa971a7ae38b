/* process_tests.c: control of processes: kill, suspend, resume. */
#include "suite.h"

constexpr uint64_t MILLISECOND = 1'000'000;

static void pause_for(uint64_t nanoseconds)
{
    uint32_t endpoint = 0;
    struct message message = {};
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    CHECK_EQUAL(ipc_receive(endpoint, &message, nanoseconds), STATUS_TIMED_OUT);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

static void kill(void)
{
    uint64_t value;
    struct agent agent = start_agent();
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, 0), STATUS_BAD_HANDLE);
    CHECK_EQUAL(process_kill(agent.process, 42), STATUS_OK);
    CHECK_EQUAL(process_kill(agent.process, 43), STATUS_DEAD);
    CHECK_EQUAL(process_suspend(agent.process), STATUS_DEAD);
    CHECK_EQUAL(process_resume(agent.process), STATUS_DEAD);
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_KILLED);
    CHECK_EQUAL(value, 42);
    struct message message = {};
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
    /* One that never ran. */
    uint32_t process = start_hostile(DEED_EXIT, 1, 0);
    CHECK_EQUAL(process_kill(process, 7), STATUS_OK);
    CHECK_EQUAL(await_end(process, &value), EXIT_REASON_KILLED);
    CHECK_EQUAL(value, 7);
}

/* A process that computes stops at once, and goes on where it was. */
static void suspend_running(void)
{
    uint32_t memory = 0;
    CHECK_EQUAL(memory_create(PAGE_BYTES, &memory), STATUS_OK);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, RIGHT_READ | RIGHT_WRITE), STATUS_OK);
    uint64_t volatile *counter = (uint64_t volatile *)SHARED_ADDRESS;
    uint32_t process = start_hostile(DEED_SPIN, 0, memory);
    while (*counter == 0) thread_yield();
    CHECK_EQUAL(process_suspend(process), STATUS_OK);
    CHECK_EQUAL(process_suspend(process), STATUS_OK);
    uint64_t stopped = *counter;
    pause_for(2 * MILLISECOND);
    CHECK_EQUAL(*counter, stopped);
    CHECK_EQUAL(process_resume(process), STATUS_OK);
    CHECK_EQUAL(process_resume(process), STATUS_OK);
    while (*counter == stopped) thread_yield();
    CHECK_EQUAL(process_suspend(process), STATUS_OK);
    uint64_t value;
    CHECK_EQUAL(process_kill(process, 0), STATUS_OK);
    CHECK_EQUAL(await_end(process, &value), EXIT_REASON_KILLED);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
}

/* A message reaches a suspended server, which answers when it is resumed; the short paths of IPC do not run it. */
static void suspend_waiting(void)
{
    struct agent agent = start_agent();
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, 0), STATUS_BAD_HANDLE);
    CHECK_EQUAL(process_suspend(agent.process), STATUS_OK);
    struct message message = { .word = { COMMAND_KEEP } };
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, MILLISECOND), STATUS_TIMED_OUT);
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(process_resume(agent.process), STATUS_OK);
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, 0), STATUS_BAD_HANDLE);
    /* Suspended and resumed in a wait, it is as before. */
    CHECK_EQUAL(process_suspend(agent.process), STATUS_OK);
    CHECK_EQUAL(process_resume(agent.process), STATUS_OK);
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, 0), STATUS_BAD_HANDLE);
    /* Without a timeout, with somebody to resume it. */
    CHECK_EQUAL(process_suspend(agent.process), STATUS_OK);
    uint32_t helper = start_hostile(DEED_RESUME, MILLISECOND, agent.process);
    uint64_t start = clock_nanoseconds();
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, 0), STATUS_BAD_HANDLE);
    CHECK(clock_nanoseconds() - start >= MILLISECOND);
    uint64_t value;
    CHECK_EQUAL(await_end(helper, &value), EXIT_REASON_EXITED);
    CHECK_EQUAL(value, STATUS_OK);
    end_agent(&agent);
}

static void protect(void)
{
    uint32_t memory = 0, narrow = 0;
    uint64_t bytes = 0;
    uintptr_t address = 1;
    CHECK_EQUAL(memory_create(2 * PAGE_BYTES, &memory), STATUS_OK);
    CHECK_EQUAL(memory_info(memory, &bytes, &address), STATUS_OK);
    CHECK(bytes == 2 * PAGE_BYTES && address == 0);
    CHECK_EQUAL(memory_protect(memory, SHARED_ADDRESS, RIGHT_READ), STATUS_NOT_FOUND);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, RIGHT_READ | RIGHT_WRITE), STATUS_OK);
    CHECK_EQUAL(memory_info(memory, &bytes, &address), STATUS_OK);
    CHECK_EQUAL(address, SHARED_ADDRESS);
    uint64_t volatile *word = (uint64_t volatile *)(SHARED_ADDRESS + PAGE_BYTES);
    *word = 1;
    CHECK_EQUAL(memory_protect(memory, SHARED_ADDRESS + PAGE_BYTES, RIGHT_READ), STATUS_NOT_FOUND);
    CHECK_EQUAL(memory_protect(memory, SHARED_ADDRESS, 0), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_protect(memory, SHARED_ADDRESS, RIGHT_SEND), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_protect(memory, SHARED_ADDRESS, RIGHT_WRITE | RIGHT_EXECUTE), STATUS_BAD_ARGUMENT);
    *word = 2;
    CHECK_EQUAL(memory_protect(memory, SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(*word, 2);
    uint64_t words[3] = { query_make(console, CAP_TYPE_IO_RANGE, RIGHT_WRITE), SHARED_ADDRESS + PAGE_BYTES, 1 };
    CHECK_EQUAL(kernel_control(kernel, KERNEL_CONTROL_MEASURE_CHECK, words), STATUS_BAD_POINTER);
    CHECK_EQUAL(memory_protect(memory, SHARED_ADDRESS, RIGHT_READ | RIGHT_WRITE), STATUS_OK);
    *word = 3;
    CHECK_EQUAL(*word, 3);
    CHECK_EQUAL(capability_derive(memory, RIGHT_READ, 0, &narrow), STATUS_OK);
    CHECK_EQUAL(memory_map(narrow, 2 * SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(memory_protect(narrow, 2 * SHARED_ADDRESS, RIGHT_READ | RIGHT_WRITE), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
    CHECK_EQUAL(capability_delete(narrow), STATUS_OK);
}

static struct quota quota_of(struct agent const *agent, enum resource resource)
{
    struct process_state state = {};
    CHECK_EQUAL(process_info(agent->process, &state), STATUS_OK);
    CHECK_EQUAL(state.state, 0);
    return state.quota[resource];
}

/* Has the agent make objects until it is refused: with `status`, after `count` of them. */
static void expect_made(struct agent const *agent, enum cap_type cap_type, uint64_t count, enum status status)
{
    struct message message = { .word = { COMMAND_CREATE, cap_type, 32 } };
    CHECK_EQUAL(command(agent, &message), status);
    CHECK_EQUAL(message.word[1], count);
}

static void object_quota(void)
{
    struct agent agent = start_agent();
    enum cap_type const types[] = { CAP_TYPE_NOTIFICATION, CAP_TYPE_TIMER, CAP_TYPE_ENDPOINT, CAP_TYPE_MEMORY };
    CHECK_EQUAL(quota_of(&agent, RESOURCE_OBJECTS).used, 0);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_THREADS + 1, 3), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_OBJECTS, 3), STATUS_OK);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct quota frames = quota_of(&agent, RESOURCE_FRAMES), slots = quota_of(&agent, RESOURCE_SLOTS);
        expect_made(&agent, types[i], 3, STATUS_NO_OBJECTS);
        CHECK_EQUAL(quota_of(&agent, RESOURCE_OBJECTS).used, 0);
        CHECK_EQUAL(quota_of(&agent, RESOURCE_FRAMES).used, frames.used);
        CHECK_EQUAL(quota_of(&agent, RESOURCE_SLOTS).used, slots.used);
    }
    /* It ends with two: they go with it. */
    struct message message = { .word = { COMMAND_CREATE, CAP_TYPE_TIMER, 2, 1 } };
    CHECK_EQUAL(command(&agent, &message), STATUS_OK);
    CHECK_EQUAL(quota_of(&agent, RESOURCE_OBJECTS).used, 2);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_OBJECTS, 1), STATUS_BAD_ARGUMENT);
    end_agent(&agent);
}

static void slot_quota(void)
{
    struct agent agent = start_agent();
    struct quota quota = quota_of(&agent, RESOURCE_SLOTS);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_SLOTS, quota.used - 1), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_SLOTS, quota.used + 2), STATUS_OK);
    expect_made(&agent, CAP_TYPE_NOTIFICATION, 2, STATUS_NO_SLOTS);
    CHECK_EQUAL(quota_of(&agent, RESOURCE_OBJECTS).used, 0);
    CHECK_EQUAL(quota_of(&agent, RESOURCE_SLOTS).used, quota.used);
    /* What is sent does not fit either; the sender is told, and keeps what it has. */
    uint32_t endpoint = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    struct message message = { .word = { COMMAND_KEEP }, .capability = { endpoint, endpoint, endpoint }, .count = 3 };
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_NO_SLOTS);
    CHECK_EQUAL(quota_of(&agent, RESOURCE_SLOTS).used, quota.used);
    CHECK_EQUAL(capability_check(endpoint, CAP_TYPE_ENDPOINT, RIGHT_SEND, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    end_agent(&agent);
}

static void frame_quota(void)
{
    struct agent agent = start_agent();
    struct quota quota = quota_of(&agent, RESOURCE_FRAMES);
    CHECK(quota.used > PROCESS_STACK_PAGES && quota.used < quota.limit);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_FRAMES, quota.used - 1), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_FRAMES, quota.used + 5), STATUS_OK);
    /* A page of memory takes two frames: one for the list. */
    expect_made(&agent, CAP_TYPE_MEMORY, 2, STATUS_NO_MEMORY);
    CHECK_EQUAL(quota_of(&agent, RESOURCE_FRAMES).used, quota.used);
    CHECK_EQUAL(quota_of(&agent, RESOURCE_OBJECTS).used, 0);
    end_agent(&agent);
}

static void states(void)
{
    struct process_state state = {};
    struct agent agent = start_agent();
    CHECK_EQUAL(process_suspend(agent.process), STATUS_OK);
    CHECK_EQUAL(process_info(agent.process, &state), STATUS_OK);
    CHECK_EQUAL(state.state, 1);
    CHECK_EQUAL(process_kill(agent.process, 0), STATUS_OK);
    CHECK_EQUAL(process_info(agent.process, &state), STATUS_OK);
    CHECK(state.state == 2 && state.quota[RESOURCE_FRAMES].used == 0);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_FRAMES, 0), STATUS_DEAD);
    CHECK_EQUAL(capability_delete(agent.process), STATUS_OK);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
}

struct tap_test const PROCESS_TESTS[] = {
    { "a process can be killed", kill },
    { "a suspended process stands still and goes on", suspend_running },
    { "a suspended server answers when it is resumed", suspend_waiting },
    { "what a mapping allows can be changed", protect },
    { "a quota of objects is exact and given back", object_quota },
    { "a quota of slots is exact and given back", slot_quota },
    { "a quota of frames is exact and given back", frame_quota },
    { "a process tells its state", states },
};
size_t const PROCESS_TEST_COUNT = sizeof PROCESS_TESTS / sizeof *PROCESS_TESTS;
