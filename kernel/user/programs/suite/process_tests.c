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
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, 0), STATUS_BAD_HANDLE);
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

struct tap_test const PROCESS_TESTS[] = {
    { "a process can be killed", kill },
    { "a suspended process stands still and goes on", suspend_running },
    { "a suspended server answers when it is resumed", suspend_waiting },
    { "what a mapping allows can be changed", protect },
};
size_t const PROCESS_TEST_COUNT = sizeof PROCESS_TESTS / sizeof *PROCESS_TESTS;
