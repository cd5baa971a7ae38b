/* notification_tests.c: notifications, timers, and the destruction of objects. */
#include "suite.h"

constexpr uint64_t MILLISECOND = 1'000'000;

static uint32_t make_notification(void)
{
    uint32_t notification = 0;
    CHECK_EQUAL(notification_create(&notification), STATUS_OK);
    return notification;
}

static uint32_t derive(uint32_t from, uint16_t rights)
{
    uint32_t derived = 0;
    CHECK_EQUAL(capability_derive(from, rights, 0, &derived), STATUS_OK);
    return derived;
}

static void bits_gather(void)
{
    uint32_t notification = make_notification();
    uint64_t bits = 77;
    CHECK_EQUAL(notification_poll(notification, &bits), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(notification_signal(notification, 0), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(notification_poll(notification, &bits), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(bits, 77);
    CHECK_EQUAL(notification_signal(notification, 5), STATUS_OK);
    CHECK_EQUAL(notification_signal(notification, 1ull << 63 | 1), STATUS_OK);
    CHECK_EQUAL(notification_poll(notification, &bits), STATUS_OK);
    CHECK_EQUAL(bits, 1ull << 63 | 5);
    CHECK_EQUAL(notification_wait(notification, 0, &bits), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(notification_wait(notification, MILLISECOND / 2, &bits), STATUS_TIMED_OUT);
    CHECK_EQUAL(notification_signal(notification, 2), STATUS_OK);
    CHECK_EQUAL(notification_wait(notification, TIMEOUT_FOREVER, &bits), STATUS_OK);
    CHECK_EQUAL(bits, 2);
    CHECK_EQUAL(capability_delete(notification), STATUS_OK);
}

static void signals_wake(void)
{
    struct agent agent = start_agent();
    uint32_t notification = make_notification();
    agent_keep(&agent, derive(notification, RIGHT_SIGNAL | RIGHT_GRANT), true);
    struct message message = { .word = { COMMAND_SIGNAL, 0, 0x30 } };
    CHECK_EQUAL(ipc_send(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_OK);
    uint64_t bits = 0;
    CHECK_EQUAL(notification_wait(notification, TIMEOUT_FOREVER, &bits), STATUS_OK);
    CHECK_EQUAL(bits, 0x30);
    CHECK_EQUAL(capability_revoke(notification, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_delete(notification), STATUS_OK);
    end_agent(&agent);
}

/* An agent waits until bits come, its capability is revoked, or the notification is destroyed. */
static void waits_end(void)
{
    for (unsigned how = 0; how < 3; how++) {
        struct agent agent = start_agent();
        uint32_t notification = make_notification();
        agent_keep(&agent, derive(notification, RIGHT_WAIT | RIGHT_GRANT), true);
        struct message message = { .word = { COMMAND_LISTEN } };
        CHECK_EQUAL(ipc_send(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_OK);
        for (int i = 0; i < 10; i++) thread_yield();
        if (how == 0) CHECK_EQUAL(notification_signal(notification, 1), STATUS_OK);
        else if (how == 1) CHECK_EQUAL(capability_revoke(notification, nullptr), STATUS_OK);
        else CHECK_EQUAL(capability_destroy(notification), STATUS_OK);
        uint64_t value;
        CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_EXITED);
        CHECK_EQUAL(value, how == 0 ? STATUS_OK : how == 1 ? STATUS_BAD_HANDLE : STATUS_DEAD);
        uint64_t bits = 0;
        CHECK_EQUAL(notification_poll(notification, &bits), how == 2 ? STATUS_STALE : STATUS_WOULD_BLOCK);
        CHECK_EQUAL(capability_delete(notification), STATUS_OK);
        CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
    }
}

static uint32_t make_timer(void)
{
    uint32_t timer = 0;
    CHECK_EQUAL(timer_create(&timer), STATUS_OK);
    return timer;
}

static void timers_fire(void)
{
    uint32_t notification = make_notification(), timer = make_timer();
    uint64_t bits = 0, left = 1, period = 1, start = clock_nanoseconds();
    CHECK_EQUAL(timer_set(timer, notification, start + MILLISECOND, 0, 4), STATUS_OK);
    CHECK_EQUAL(timer_info(timer, &left, &period), STATUS_OK);
    CHECK(left > 0 && left <= MILLISECOND && period == 0);
    CHECK_EQUAL(notification_wait(notification, TIMEOUT_FOREVER, &bits), STATUS_OK);
    CHECK_EQUAL(bits, 4);
    CHECK(clock_nanoseconds() >= start + MILLISECOND);
    CHECK_EQUAL(timer_info(timer, &left, &period), STATUS_OK);
    CHECK(left == 0 && period == 0);
    /* One that is past fires at once. */
    CHECK_EQUAL(timer_set(timer, notification, 0, 0, 8), STATUS_OK);
    CHECK_EQUAL(notification_wait(notification, TIMEOUT_FOREVER, &bits), STATUS_OK);
    CHECK_EQUAL(bits, 8);
    /* The next time of one with the longest period is no time that has passed. */
    CHECK_EQUAL(timer_set(timer, notification, clock_nanoseconds(), UINT64_MAX, 32), STATUS_OK);
    CHECK_EQUAL(notification_wait(notification, TIMEOUT_FOREVER, &bits), STATUS_OK);
    CHECK_EQUAL(bits, 32);
    CHECK_EQUAL(notification_wait(notification, MILLISECOND / 2, &bits), STATUS_TIMED_OUT);
    /* It fires while this process computes, too. */
    CHECK_EQUAL(timer_set(timer, notification, clock_nanoseconds() + MILLISECOND / 2, 0, 16), STATUS_OK);
    enum status status;
    do status = notification_poll(notification, &bits); while (status == STATUS_WOULD_BLOCK);
    CHECK_EQUAL(status, STATUS_OK);
    CHECK_EQUAL(bits, 16);
    CHECK_EQUAL(capability_delete(timer), STATUS_OK);
    CHECK_EQUAL(capability_delete(notification), STATUS_OK);
}

static void timers_repeat(void)
{
    uint32_t notification = make_notification(), timer = make_timer();
    uint64_t bits = 0, left = 0, start = clock_nanoseconds();
    CHECK_EQUAL(timer_set(timer, notification, start + MILLISECOND, MILLISECOND, 1), STATUS_OK);
    for (unsigned i = 0; i < 3; i++) CHECK_EQUAL(notification_wait(notification, TIMEOUT_FOREVER, &bits), STATUS_OK);
    CHECK(clock_nanoseconds() >= start + 3 * MILLISECOND);
    CHECK_EQUAL(timer_cancel(timer, &left), STATUS_OK);
    CHECK(left > 0 && left <= MILLISECOND);
    CHECK_EQUAL(timer_cancel(timer, &left), STATUS_OK);
    CHECK_EQUAL(left, 0);
    (void)notification_poll(notification, &bits);
    CHECK_EQUAL(notification_wait(notification, 2 * MILLISECOND, &bits), STATUS_TIMED_OUT);
    CHECK_EQUAL(timer_set(timer, notification, 0, 99'999, 1), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(timer_set(timer, notification, 0, 0, 0), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(timer_info(timer, &left, &bits), STATUS_OK);
    CHECK_EQUAL(left, 0);
    CHECK_EQUAL(capability_delete(timer), STATUS_OK);
    CHECK_EQUAL(capability_delete(notification), STATUS_OK);
}

/* More timers than can be served: threads get half of the time. */
static void many_timers(void)
{
    static uint32_t timers[160];
    uint32_t notification = make_notification();
    uint64_t bits, rounds = 0;
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
        timers[i] = make_timer();
        CHECK_EQUAL(timer_set(timers[i], notification, clock_nanoseconds(), 100'000, 1), STATUS_OK);
    }
    for (uint64_t start = clock_nanoseconds(); clock_nanoseconds() - start < MILLISECOND;) rounds++;
    CHECK(rounds > 10);
    CHECK_EQUAL(notification_poll(notification, &bits), STATUS_OK);
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) CHECK_EQUAL(capability_delete(timers[i]), STATUS_OK);
    CHECK_EQUAL(capability_delete(notification), STATUS_OK);
}

/* A timer acts by the capability it was set with: when that is gone, or the timer, nothing comes. */
static void timers_need_the_capability(void)
{
    uint32_t notification = make_notification(), timer = make_timer();
    uint32_t narrow = derive(notification, RIGHT_SIGNAL);
    uint64_t bits;
    CHECK_EQUAL(timer_set(timer, narrow, clock_nanoseconds() + MILLISECOND, 0, 1), STATUS_OK);
    CHECK_EQUAL(capability_revoke(notification, nullptr), STATUS_OK);
    CHECK_EQUAL(notification_wait(notification, 2 * MILLISECOND, &bits), STATUS_TIMED_OUT);
    CHECK_EQUAL(timer_set(timer, notification, clock_nanoseconds() + MILLISECOND, 0, 1), STATUS_OK);
    CHECK_EQUAL(capability_delete(timer), STATUS_OK);
    CHECK_EQUAL(notification_wait(notification, 2 * MILLISECOND, &bits), STATUS_TIMED_OUT);
    /* Nor when the process that set it has ended. */
    timer = make_timer();
    struct agent agent = start_agent();
    agent_keep(&agent, derive(notification, RIGHT_SIGNAL | RIGHT_GRANT), true);
    uint32_t settable = derive(timer, RIGHT_WRITE | RIGHT_GRANT);
    agent_keep(&agent, settable, true);
    CHECK_EQUAL(command_words(&agent, COMMAND_SET_TIMER, 1, 0, clock_nanoseconds() + 4 * MILLISECOND), STATUS_OK);
    end_agent(&agent);
    CHECK_EQUAL(notification_wait(notification, 6 * MILLISECOND, &bits), STATUS_TIMED_OUT);
    CHECK_EQUAL(capability_delete(timer), STATUS_OK);
    CHECK_EQUAL(capability_delete(notification), STATUS_OK);
}

static void destroyed_objects_are_stale(void)
{
    uint32_t memory = 0, timer = make_timer();
    CHECK_EQUAL(capability_destroy(timer), STATUS_OK);
    CHECK_EQUAL(capability_destroy(timer), STATUS_STALE);
    CHECK_EQUAL(capability_delete(timer), STATUS_OK);
    CHECK_EQUAL(memory_create(PAGE_BYTES, &memory), STATUS_OK);
    uint32_t narrow = derive(memory, RIGHT_READ);
    CHECK_EQUAL(capability_destroy(narrow), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(memory_map(narrow, 2 * SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(capability_destroy(memory), STATUS_OK);
    CHECK_EQUAL(console_write(console, (char const *)SHARED_ADDRESS, 8), STATUS_BAD_POINTER);
    CHECK_EQUAL(console_write(console, (char const *)(2 * SHARED_ADDRESS), 8), STATUS_BAD_POINTER);
    CHECK_EQUAL(memory_map(narrow, SHARED_ADDRESS, RIGHT_READ), STATUS_STALE);
    CHECK_EQUAL(capability_delete(narrow), STATUS_OK);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
    CHECK_EQUAL(capability_destroy(kernel), STATUS_WRONG_TYPE);
    /* Whoever waits at an endpoint gets DEAD, in another process too. */
    struct agent agent = start_agent();
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, 0), STATUS_BAD_HANDLE);
    CHECK_EQUAL(capability_destroy(agent.endpoint), STATUS_OK);
    uint64_t value;
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_EXITED);
    CHECK_EQUAL(value, STATUS_DEAD);
    struct message message = {};
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_STALE);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
}

static void inspection(void)
{
    uint32_t endpoint = 0, badged = 0, badge = 0;
    enum cap_type cap_type = CAP_TYPE_NONE;
    uint16_t rights = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_SEND | RIGHT_GRANT, 99, &badged), STATUS_OK);
    CHECK_EQUAL(capability_inspect(badged, &cap_type, &rights, &badge), STATUS_OK);
    CHECK(cap_type == CAP_TYPE_ENDPOINT && rights == (RIGHT_SEND | RIGHT_GRANT) && badge == 99);
    CHECK_EQUAL(capability_inspect(kernel, &cap_type, &rights, &badge), STATUS_OK);
    CHECK(cap_type == CAP_TYPE_KERNEL && (rights & RIGHT_MANAGE) != 0 && badge == 0);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    CHECK_EQUAL(capability_inspect(endpoint, &cap_type, &rights, &badge), STATUS_BAD_HANDLE);
    CHECK_EQUAL(capability_delete(badged), STATUS_OK);
}

struct tap_test const NOTIFICATION_TESTS[] = {
    { "bits of a notification gather and are taken once", bits_gather },
    { "a signal wakes who waits in another process", signals_wake },
    { "a wait for a notification ends with what allowed it", waits_end },
    { "timers signal a notification", timers_fire },
    { "timers repeat until they are stopped", timers_repeat },
    { "timers leave time to threads, however many there are", many_timers },
    { "a timer signals only while its capability allows it", timers_need_the_capability },
    { "capabilities to a destroyed object are stale", destroyed_objects_are_stale },
    { "a capability can be inspected", inspection },
};
size_t const NOTIFICATION_TEST_COUNT = sizeof NOTIFICATION_TESTS / sizeof *NOTIFICATION_TESTS;
