/* time_tests.c: clock, timeouts and preemption. */
#include "suite.h"

constexpr uint64_t MILLISECOND = 1'000'000;

static void clock(void)
{
    uint64_t last = clock_nanoseconds();
    for (unsigned i = 0; i < 100; i++) {
        uint64_t now = clock_nanoseconds();
        CHECK(now >= last);
        last = now;
    }
}

static void polls(void)
{
    uint32_t endpoint = 0;
    struct message message = {};
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    CHECK_EQUAL(ipc_receive(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(ipc_call(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(ipc_send(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

static void timeouts(void)
{
    uint32_t endpoint = 0;
    struct message message = {};
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    uint64_t start = clock_nanoseconds();
    CHECK_EQUAL(ipc_receive(endpoint, &message, MILLISECOND), STATUS_TIMED_OUT);
    uint64_t received = clock_nanoseconds();
    CHECK_EQUAL(ipc_call(endpoint, &message, MILLISECOND / 2), STATUS_TIMED_OUT);
    uint64_t called = clock_nanoseconds();
    CHECK(received - start >= MILLISECOND && received - start < 20 * MILLISECOND);
    CHECK(called - received >= MILLISECOND / 2 && called - received < 20 * MILLISECOND);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

/* The caller gives up while the server works; the server's reply then finds nobody. */
static void slow_server(void)
{
    struct agent agent = start_agent();
    struct message message = { .word = { COMMAND_SLEEP, 2 * MILLISECOND } };
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, MILLISECOND / 2), STATUS_TIMED_OUT);
    uint64_t value;
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_EXITED);
    CHECK_EQUAL(value, STATUS_NO_CALLER);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
}

static void wait_times_out(void)
{
    struct agent agent = start_agent();
    enum exit_reason reason;
    uint64_t value;
    CHECK_EQUAL(process_wait(agent.process, 0, &reason, &value), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(process_wait(agent.process, MILLISECOND / 2, &reason, &value), STATUS_TIMED_OUT);
    end_agent(&agent);
}

/* Two endless loops: the timer takes the processor from each of them, and both get their share. */
static void preemption(void)
{
    uint32_t memory = 0;
    CHECK_EQUAL(memory_create(PAGE_BYTES, &memory), STATUS_OK);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, RIGHT_READ | RIGHT_WRITE), STATUS_OK);
    uint64_t volatile *counters = (uint64_t volatile *)SHARED_ADDRESS;
    uint32_t const spinning[] = { start_hostile(DEED_SPIN, 0, memory), start_hostile(DEED_SPIN, 8, memory) };
    uint32_t endpoint = 0;
    struct message message = {};
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    /* Sleeping, this process gets the processor back only by the timer. */
    for (unsigned i = 0; i < 3; i++) CHECK_EQUAL(ipc_receive(endpoint, &message, 7 * MILLISECOND), STATUS_TIMED_OUT);
    uint64_t first = counters[0], second = counters[8];
    CHECK(first > 1000 && second > 1000);
    CHECK(first < 8 * second && second < 8 * first);
    /* A computation in registers survives being interrupted. */
    expect_end(DEED_COMPUTE, 0, EXIT_REASON_EXITED, 0);
    CHECK(counters[0] > first || counters[8] > second);
    for (size_t i = 0; i < 2; i++) {
        uint64_t value;
        CHECK_EQUAL(process_kill(spinning[i], 0), STATUS_OK);
        CHECK_EQUAL(await_end(spinning[i], &value), EXIT_REASON_KILLED);
    }
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
}

struct tap_test const TIME_TESTS[] = {
    { "the clock never goes back", clock },
    { "a timeout of zero polls", polls },
    { "waits end at their timeout", timeouts },
    { "a caller can give up on a slow server", slow_server },
    { "waiting for a process can time out", wait_times_out },
    { "endless loops are preempted and share fairly", preemption },
};
size_t const TIME_TEST_COUNT = sizeof TIME_TESTS / sizeof *TIME_TESTS;
