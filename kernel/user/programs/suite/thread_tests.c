/* thread_tests.c: several threads in one process. */
#include "suite.h"

constexpr uint64_t MILLISECOND = 1'000'000;
constexpr size_t THREADS = 3, STACK = 2048;

[[gnu::aligned(16)]] static uint8_t stacks[THREADS][STACK];
static uint64_t volatile counters[THREADS];
static uint32_t meeting;

static uint32_t start(void (*entry)(uint64_t), uint64_t index)
{
    uint32_t thread = 0;
    CHECK_EQUAL(thread_create(entry, stacks[index] + STACK, index, &thread), STATUS_OK);
    return thread;
}

static void finish(uint32_t thread, enum exit_reason reason, uint64_t value)
{
    enum exit_reason how = EXIT_REASON_EXCEPTION;
    uint64_t actual = 0;
    CHECK_EQUAL(thread_wait(thread, TIMEOUT_FOREVER, &how, &actual), STATUS_OK);
    CHECK_EQUAL(how, reason);
    CHECK_EQUAL(actual, value);
    CHECK_EQUAL(capability_delete(thread), STATUS_OK);
}

static void count_and_exit(uint64_t index)
{
    for (unsigned i = 0; i < 1000; i++) counters[index] = counters[index] + 1;
    thread_exit(index + 10);
}

static void spin(uint64_t index)
{
    for (;;) counters[index] = counters[index] + 1;
}

static void serve(uint64_t index)
{
    struct message message;
    enum status status = ipc_receive(meeting, &message, TIMEOUT_FOREVER);
    for (unsigned i = 0; i < 20 && status == STATUS_OK; i++) {
        message.word[0] += index;
        status = i < 19 ? ipc_reply_receive(meeting, &message, TIMEOUT_FOREVER) : ipc_reply(&message);
    }
    thread_exit(status);
}

static void threads_run(void)
{
    uint32_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) counters[i] = 0;
    for (size_t i = 0; i < THREADS; i++) threads[i] = start(count_and_exit, i);
    for (size_t i = 0; i < THREADS; i++) finish(threads[i], EXIT_REASON_EXITED, i + 10);
    for (size_t i = 0; i < THREADS; i++) CHECK_EQUAL(counters[i], 1000);
}

static void threads_talk(void)
{
    CHECK_EQUAL(endpoint_create(&meeting), STATUS_OK);
    uint32_t server = start(serve, 2);
    for (unsigned i = 0; i < 20; i++) {
        struct message message = { .word = { i, 1, 2, 3, 4, 5, 6, 7 } };
        CHECK_EQUAL(ipc_call(meeting, &message, TIMEOUT_FOREVER), STATUS_OK);
        CHECK(message.word[0] == i + 2 && message.word[7] == 7);
    }
    finish(server, EXIT_REASON_EXITED, STATUS_OK);
    CHECK_EQUAL(capability_delete(meeting), STATUS_OK);
}

static void threads_are_controlled(void)
{
    counters[0] = counters[1] = 0;
    uint32_t first = start(spin, 0), second = start(spin, 1);
    unsigned state = 9;
    while (counters[0] == 0 || counters[1] == 0) thread_yield();
    CHECK_EQUAL(thread_suspend(first), STATUS_OK);
    uint64_t stopped = counters[0], going = counters[1];
    while (counters[1] == going) thread_yield();
    CHECK_EQUAL(counters[0], stopped);
    CHECK_EQUAL(thread_info(first, &state), STATUS_OK);
    CHECK_EQUAL(state, 1);
    CHECK_EQUAL(thread_info(second, &state), STATUS_OK);
    CHECK_EQUAL(state, 0);
    CHECK_EQUAL(thread_resume(first), STATUS_OK);
    while (counters[0] == stopped) thread_yield();
    enum exit_reason reason;
    uint64_t value;
    CHECK_EQUAL(thread_wait(first, 0, &reason, &value), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(thread_wait(first, MILLISECOND / 2, &reason, &value), STATUS_TIMED_OUT);
    CHECK_EQUAL(thread_kill(first, 5), STATUS_OK);
    CHECK_EQUAL(thread_kill(first, 6), STATUS_DEAD);
    CHECK_EQUAL(thread_suspend(first), STATUS_DEAD);
    CHECK_EQUAL(thread_resume(first), STATUS_DEAD);
    CHECK_EQUAL(thread_info(first, &state), STATUS_OK);
    CHECK_EQUAL(state, 2);
    finish(first, EXIT_REASON_KILLED, 5);
    CHECK_EQUAL(thread_kill(second, 0), STATUS_OK);
    finish(second, EXIT_REASON_KILLED, 0);
}

static uint32_t sending;
static uint64_t patience;
static bool volatile returned, go;

/* Calls through a capability that goes with the message. */
static void call_with_all(uint64_t)
{
    struct message message = { .capability = { sending }, .count = 1, .move = 1 };
    enum status status = ipc_call(sending, &message, patience);
    returned = true;
    thread_exit(status);
}

static void wake_later(uint64_t)
{
    struct message message = {};
    while (!go) thread_yield();
    for (unsigned i = 0; i < 10; i++) thread_yield();
    thread_exit(ipc_send(meeting, &message, TIMEOUT_FOREVER));
}

static uint32_t call_and_receive(uint64_t timeout, bool suspend)
{
    struct message message;
    unsigned state = 0;
    CHECK_EQUAL(capability_derive(meeting, RIGHT_SEND | RIGHT_GRANT, 0, &sending), STATUS_OK);
    patience = timeout;
    returned = go = false;
    uint32_t caller = start(call_with_all, 0);
    while (thread_info(caller, &state) == STATUS_OK && state != 3) thread_yield();
    if (suspend) CHECK_EQUAL(thread_suspend(caller), STATUS_OK);
    CHECK_EQUAL(ipc_receive(meeting, &message, 0), STATUS_OK);
    CHECK_EQUAL(message.count, 1);
    CHECK_EQUAL(capability_delete(message.capability[0]), STATUS_OK);
    return caller;
}

/* The capability through which a thread calls may travel with the call: that ends neither its timeout nor its suspension. */
static void calls_without_their_capability(void)
{
    enum exit_reason reason = EXIT_REASON_KILLED;
    uint64_t value = STATUS_OK;
    struct message message = {};
    CHECK_EQUAL(endpoint_create(&meeting), STATUS_OK);
    uint32_t caller = call_and_receive(20 * MILLISECOND, false);
    CHECK_EQUAL(thread_wait(caller, 100 * MILLISECOND, &reason, &value), STATUS_OK);
    CHECK_EQUAL(value, STATUS_TIMED_OUT);
    thread_kill(caller, 0);
    CHECK_EQUAL(capability_delete(caller), STATUS_OK);
    caller = call_and_receive(TIMEOUT_FOREVER, true);
    uint32_t waker = start(wake_later, 1);
    go = true;
    CHECK_EQUAL(ipc_reply_receive(meeting, &message, TIMEOUT_FOREVER), STATUS_OK);
    CHECK(!returned);
    CHECK_EQUAL(thread_resume(caller), STATUS_OK);
    finish(caller, EXIT_REASON_EXITED, STATUS_OK);
    CHECK(returned);
    finish(waker, EXIT_REASON_EXITED, STATUS_OK);
    CHECK_EQUAL(capability_delete(meeting), STATUS_OK);
}

static uint32_t receiving;

static void serve_and_resign(uint64_t)
{
    struct message message;
    if (ipc_receive(receiving, &message, TIMEOUT_FOREVER) != STATUS_OK) thread_exit(STATUS_OK);
    message = (struct message){ .capability = { receiving }, .count = 1, .move = 1 };
    thread_exit(ipc_reply_receive(receiving, &message, TIMEOUT_FOREVER));
}

/* Who replies with the capability through which it would receive next does not receive. */
static void a_server_resigns(void)
{
    enum exit_reason reason = EXIT_REASON_KILLED;
    uint64_t value = STATUS_OK;
    struct message message = {};
    CHECK_EQUAL(endpoint_create(&meeting), STATUS_OK);
    CHECK_EQUAL(capability_derive(meeting, RIGHT_RECEIVE | RIGHT_GRANT, 0, &receiving), STATUS_OK);
    uint32_t server = start(serve_and_resign, 0);
    CHECK_EQUAL(ipc_call(meeting, &message, TIMEOUT_FOREVER), STATUS_OK);
    CHECK_EQUAL(message.count, 1);
    CHECK_EQUAL(thread_wait(server, 20 * MILLISECOND, &reason, &value), STATUS_OK);
    CHECK_EQUAL(value, STATUS_BAD_HANDLE);
    thread_kill(server, 0);
    CHECK_EQUAL(capability_delete(server), STATUS_OK);
    CHECK_EQUAL(capability_delete(message.capability[0]), STATUS_OK);
    CHECK_EQUAL(capability_delete(meeting), STATUS_OK);
}

static void bad_threads(void)
{
    struct user_call call = { .word = { USER_KERNEL_ADDRESS, (uintptr_t)stacks } };
    CHECK_EQUAL(system_call(&call, CALL_THREAD_CREATE), STATUS_BAD_ARGUMENT);
    call = (struct user_call){ .word = { (uintptr_t)spin, ~0ull } };
    CHECK_EQUAL(system_call(&call, CALL_THREAD_CREATE), STATUS_BAD_ARGUMENT);
}

/* A fault in any thread ends the process; a process ends with all its threads. */
static void threads_and_their_process(void)
{
    expect_end(DEED_THREAD_FAULT, 24, EXIT_REASON_MEMORY_FAULT, 24);
    expect_end(DEED_THREADS, 3, EXIT_REASON_EXITED, 3);
    expect_end(DEED_THREADS, 100, EXIT_REASON_EXITED, 7);
    uint64_t value;
    uint32_t process = start_hostile(DEED_THREAD_LIMIT, 0, 0);
    struct process_state state = {};
    while (process_info(process, &state) == STATUS_OK && state.quota[RESOURCE_THREADS].used < 3) thread_yield();
    CHECK_EQUAL(process_limit(process, RESOURCE_THREADS, 2), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(process_limit(process, RESOURCE_THREADS, 3), STATUS_OK);
    CHECK_EQUAL(process_suspend(process), STATUS_OK);
    CHECK_EQUAL(process_resume(process), STATUS_OK);
    CHECK_EQUAL(process_kill(process, 0), STATUS_OK);
    CHECK_EQUAL(await_end(process, &value), EXIT_REASON_KILLED);
}

struct tap_test const THREAD_TESTS[] = {
    { "threads run in one process and end with their codes", threads_run },
    { "threads of a process talk through an endpoint", threads_talk },
    { "threads are suspended, resumed and killed", threads_are_controlled },
    { "a call that gives its own capability away keeps its timeout and its suspension", calls_without_their_capability },
    { "a server that gives its receiving capability away receives no more", a_server_resigns },
    { "bad threads are refused", bad_threads },
    { "threads and their process end together", threads_and_their_process },
};
size_t const THREAD_TEST_COUNT = sizeof THREAD_TESTS / sizeof *THREAD_TESTS;
