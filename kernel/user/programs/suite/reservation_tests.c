/* reservation_tests.c: reserved time of the processor. */
#include "suite.h"

constexpr uint64_t MICROSECOND = 1'000, MILLISECOND = 1'000'000;
constexpr size_t THREADS = 5, SHARING = 4, STACK = 2048;

[[gnu::aligned(16)]] static uint8_t stacks[THREADS][STACK];
static uint64_t volatile counters[THREADS];
static uint32_t threads[THREADS], reservations[THREADS];

static uint32_t make(uint64_t budget, uint64_t period)
{
    uint32_t reservation = 0;
    CHECK_EQUAL(reservation_create(&reservation), STATUS_OK);
    CHECK_EQUAL(reservation_set(reservation, kernel, budget, period), STATUS_OK);
    return reservation;
}

static struct reservation_state state_of(uint32_t reservation)
{
    struct reservation_state state = {};
    CHECK_EQUAL(reservation_info(reservation, &state), STATUS_OK);
    return state;
}

static void start(void (*entry)(uint64_t), size_t index)
{
    counters[index] = 0;
    CHECK_EQUAL(thread_create(entry, stacks[index] + STACK, index, &threads[index]), STATUS_OK);
}

/* The code that a thread ended with. */
static uint64_t finish(size_t index)
{
    enum exit_reason reason;
    uint64_t value = 0;
    CHECK_EQUAL(thread_wait(threads[index], TIMEOUT_FOREVER, &reason, &value), STATUS_OK);
    CHECK_EQUAL(capability_delete(threads[index]), STATUS_OK);
    return value;
}

static void end(size_t index)
{
    thread_kill(threads[index], 0);
    finish(index);
}

/* Something was used since `before`; false if that takes too long. */
static bool is_used(uint32_t reservation, uint64_t before)
{
    uint64_t begun = clock_nanoseconds();
    while (state_of(reservation).used == before) {
        if (clock_nanoseconds() - begun > 50 * MILLISECOND) return false;
        thread_yield();
    }
    return true;
}

static void spin(uint64_t index)
{
    for (;;) counters[index] = counters[index] + 1;
}

static void settings(void)
{
    static struct { uint64_t budget, period; } const bad[] = {
        { 199'999, MILLISECOND }, { MILLISECOND, MILLISECOND - 1 }, { 500 * MILLISECOND, 1'000'000'001 },
        { MILLISECOND, 257 * MILLISECOND }, { 0, MILLISECOND }, { MILLISECOND, 0 }, { 1ull << 32, 1ull << 33 },
    };
    uint32_t reservation = 0;
    CHECK_EQUAL(reservation_create(&reservation), STATUS_OK);
    struct reservation_state state = state_of(reservation);
    CHECK(state.budget == 0 && state.period == 0 && state.used == 0 && !state.bound);
    CHECK_EQUAL(reservation_set(reservation, kernel, MILLISECOND, 256 * MILLISECOND), STATUS_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_EQUAL(reservation_set(reservation, kernel, bad[i].budget, bad[i].period), STATUS_BAD_ARGUMENT);
    state = state_of(reservation);
    CHECK(state.budget == MILLISECOND && state.period == 256 * MILLISECOND);
    CHECK_EQUAL(reservation_set(reservation, kernel, 0, 0), STATUS_OK);
    CHECK_EQUAL(state_of(reservation).budget, 0);
    CHECK_EQUAL(capability_delete(reservation), STATUS_OK);
}

/* All together have three quarters at most, to the last 2^-32. */
static void admission(void)
{
    for (size_t i = 0; i < 3; i++) reservations[i] = make((i + 1) * MILLISECOND, (i + 1) * 4 * MILLISECOND);
    uint32_t fourth = 0;
    CHECK_EQUAL(reservation_create(&fourth), STATUS_OK);
    CHECK_EQUAL(reservation_set(fourth, kernel, 200 * MICROSECOND, 51'200 * MICROSECOND), STATUS_NO_TIME);
    CHECK_EQUAL(state_of(fourth).period, 0);
    /* One that exists can neither grow, nor be lost by that. */
    CHECK_EQUAL(reservation_set(reservations[1], kernel, 250'000'001, 1'000'000'000), STATUS_NO_TIME);
    CHECK_EQUAL(state_of(reservations[1]).budget, 2 * MILLISECOND);
    CHECK_EQUAL(reservation_set(reservations[1], kernel, 250'000'000, 1'000'000'000), STATUS_OK);
    /* What is given up is there for others. */
    CHECK_EQUAL(reservation_set(reservations[1], kernel, MILLISECOND, 8 * MILLISECOND), STATUS_OK);
    CHECK_EQUAL(reservation_set(fourth, kernel, MILLISECOND, 8 * MILLISECOND), STATUS_OK);
    CHECK_EQUAL(capability_destroy(reservations[0]), STATUS_OK);
    CHECK_EQUAL(reservation_set(fourth, kernel, 3 * MILLISECOND, 8 * MILLISECOND), STATUS_OK);
    CHECK_EQUAL(capability_delete(reservations[1]), STATUS_OK);
    CHECK_EQUAL(capability_delete(reservations[2]), STATUS_OK);
    CHECK_EQUAL(reservation_set(fourth, kernel, 6 * MILLISECOND, 8 * MILLISECOND), STATUS_OK);
    CHECK_EQUAL(capability_delete(reservations[0]), STATUS_OK);
    CHECK_EQUAL(capability_delete(fourth), STATUS_OK);
}

/* ---- shares ------------------------------------------------------------------------------------------------------------ */

constexpr uint64_t LONG = 12 * MILLISECOND;
static uint64_t elapsed, used[2], counted[SHARING];

/* Waits until it and the other one have had a period, counts for a while, and ends the others. */
static void count_and_end(uint64_t)
{
    CHECK(is_used(reservations[0], 0) && is_used(reservations[1], 0));
    uint64_t begun = clock_nanoseconds(), now = begun, before[2];
    for (size_t i = 0; i < 2; i++) before[i] = state_of(reservations[i]).used;
    for (size_t i = 0; i < SHARING; i++) counted[i] = counters[i];
    while (now - begun < LONG) {
        for (unsigned i = 0; i < 50; i++) counters[0] = counters[0] + 1;
        now = clock_nanoseconds();
    }
    for (size_t i = 0; i < SHARING; i++) counted[i] = counters[i] - counted[i];
    for (size_t i = 0; i < 2; i++) used[i] = state_of(reservations[i]).used - before[i];
    elapsed = clock_nanoseconds() - begun;
    for (size_t i = 1; i < SHARING; i++) thread_kill(threads[i], 0);
    thread_exit(0);
}

/* What was charged in `elapsed` is the share of it, but for a budget. */
static void check_used(uint64_t amount, uint64_t budget, uint64_t period)
{
    uint64_t share = elapsed / period * budget + elapsed % period * budget / period;
    CHECK(amount >= share - budget);
    CHECK(amount <= share + budget + 100 * MICROSECOND);
}

/* Two threads with reservations beside two that spin: each has what was reserved for it, and the others what is left. */
static void shares(void)
{
    reservations[0] = make(500 * MICROSECOND, 2 * MILLISECOND);
    reservations[1] = make(600 * MICROSECOND, 1'200 * MICROSECOND);
    start(count_and_end, 0);
    for (size_t i = 1; i < SHARING; i++) start(spin, i);
    for (size_t i = 0; i < 2; i++) CHECK_EQUAL(reservation_bind(reservations[i], threads[i]), STATUS_OK);
    for (size_t i = 0; i < SHARING; i++) finish(i);
    CHECK(elapsed >= LONG && elapsed < 2 * LONG);
    check_used(used[0], 500 * MICROSECOND, 2 * MILLISECOND);
    check_used(used[1], 600 * MICROSECOND, 1'200 * MICROSECOND);
    /* The counters tell the same: one half is reserved for the second, and of the last quarter it has a part too. */
    uint64_t others = counted[2] + counted[3];
    print("# reserved 1/4: %lu ns, 1/2: %lu ns of %lu; counted %lu beside %lu\n", used[0], used[1], elapsed, counted[1], others);
    CHECK(counted[1] > 7 * others / 4);
    CHECK(others > counted[1] / 50);
    for (size_t i = 0; i < 2; i++) CHECK_EQUAL(capability_delete(reservations[i]), STATUS_OK);
}

static uint64_t late;

/* Waits for points in time. */
static void wake_and_look(uint64_t)
{
    uint32_t notification = 0;
    uint64_t bits;
    late = 0;
    CHECK_EQUAL(notification_create(&notification), STATUS_OK);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t begun = clock_nanoseconds();
        CHECK_EQUAL(notification_wait(notification, MILLISECOND, &bits), STATUS_TIMED_OUT);
        uint64_t now = clock_nanoseconds();
        if (i > 0 && now - begun - MILLISECOND > late) late = now - begun - MILLISECOND;
    }
    CHECK_EQUAL(capability_delete(notification), STATUS_OK);
    thread_exit(0);
}

/* Who has something left of its budget does not wait for the slices of others. */
static void wakes_at_once(void)
{
    reservations[0] = make(500 * MICROSECOND, MILLISECOND);
    start(wake_and_look, 0);
    CHECK_EQUAL(reservation_bind(reservations[0], threads[0]), STATUS_OK);
    for (size_t i = 1; i < 3; i++) start(spin, i);
    finish(0);
    for (size_t i = 1; i < 3; i++) end(i);
    CHECK(late < MILLISECOND);
    CHECK_EQUAL(capability_delete(reservations[0]), STATUS_OK);
}

static uint32_t bells[2];

/* Sleeps for as short as can be, again and again: the kernel has more to do with that than the thread. */
static void wake_again(uint64_t)
{
    CHECK(is_used(reservations[0], 0));
    uint64_t bits, begun = clock_nanoseconds(), before = counters[2];
    used[0] = state_of(reservations[0]).used;
    for (counted[1] = 0; clock_nanoseconds() - begun < LONG; counted[1]++)
        CHECK_EQUAL(notification_wait(bells[0], 1, &bits), STATUS_TIMED_OUT);
    counted[2] = counters[2] - before;
    used[0] = state_of(reservations[0]).used - used[0];
    elapsed = clock_nanoseconds() - begun;
    thread_exit(0);
}

/* A thread that wakes again and again pays for what that costs the kernel: who has no reservation keeps a part. */
static void wakes_cost(void)
{
    uint64_t bits;
    CHECK_EQUAL(notification_create(&bells[0]), STATUS_OK);
    start(spin, 2);
    uint64_t begun = clock_nanoseconds(), before = counters[2];
    CHECK_EQUAL(notification_wait(bells[0], 2 * MILLISECOND, &bits), STATUS_TIMED_OUT);
    uint64_t alone = counters[2] - before, took = clock_nanoseconds() - begun;
    reservations[0] = make(700 * MICROSECOND, MILLISECOND);
    start(wake_again, 1);
    CHECK_EQUAL(reservation_bind(reservations[0], threads[1]), STATUS_OK);
    finish(1);
    end(2);
    print("# alone %lu in %lu ns; beside %lu wakes that were charged %lu ns: %lu in %lu\n", alone, took, counted[1], used[0], counted[2],
          elapsed);
    /* Three tenths are reserved for nobody: half of that at least. */
    CHECK(counted[2] * took * 100 >= alone * elapsed * 15);
    CHECK_EQUAL(capability_delete(reservations[0]), STATUS_OK);
    CHECK_EQUAL(capability_delete(bells[0]), STATUS_OK);
}

static void yield_for_ever(uint64_t) { for (;;) thread_yield(); }

static void busy(uint64_t nanoseconds)
{
    uint64_t begun = clock_nanoseconds();
    while (clock_nanoseconds() - begun < nanoseconds) continue;
}

/* Runs on a reservation of its own until it has seen what it is to see. */
static void watch(uint64_t)
{
    busy(4 * MILLISECOND);
    used[1] = state_of(reservations[1]).used;
    thread_kill(threads[1], 0);
    thread_kill(threads[2], 0);
    thread_exit(0);
}

/* To yield is to leave the rest of the period to others. */
static void yields(void)
{
    reservations[0] = make(250 * MICROSECOND, MILLISECOND);
    reservations[1] = make(500 * MICROSECOND, MILLISECOND);
    start(watch, 0);
    start(yield_for_ever, 1);
    start(spin, 2);
    for (size_t i = 0; i < 2; i++) CHECK_EQUAL(reservation_bind(reservations[i], threads[i]), STATUS_OK);
    for (size_t i = 0; i < 3; i++) finish(i);
    CHECK(used[1] > 0 && used[1] < MILLISECOND);
    for (size_t i = 0; i < 2; i++) CHECK_EQUAL(capability_delete(reservations[i]), STATUS_OK);
}

/* ---- messages ---------------------------------------------------------------------------------------------------------- */

static uint32_t meeting;

static void serve(uint64_t)
{
    struct message message;
    enum status status = ipc_receive(meeting, &message, TIMEOUT_FOREVER);
    while (status == STATUS_OK && message.word[0] != 0) {
        busy(message.word[0]);
        status = ipc_reply_receive(meeting, &message, TIMEOUT_FOREVER);
    }
    /* Answers, and goes on by itself. */
    ipc_reply(&message);
    thread_exit(0);
}

static uint64_t enough;

/* Calls the server, by the short path and with a timeout, until that has used what is reserved for the caller. */
static void call_server(uint64_t)
{
    uint64_t begun = clock_nanoseconds(), calls = 0;
    struct message message;
    for (; state_of(reservations[0]).used < enough && clock_nanoseconds() - begun < 50 * MILLISECOND; calls++) {
        message = (struct message){ .word = { 100 * MICROSECOND } };
        CHECK_EQUAL(ipc_call(meeting, &message, calls % 2 != 0 ? TIMEOUT_FOREVER : 100 * MILLISECOND), STATUS_OK);
    }
    elapsed = clock_nanoseconds() - begun;
    message = (struct message){};
    CHECK_EQUAL(ipc_call(meeting, &message, TIMEOUT_FOREVER), STATUS_OK);
    thread_kill(threads[2], 0);
    thread_exit(calls);
}

/* The time of who is called is charged to who calls, and neither has more of it than is reserved. */
static void lends(void)
{
    CHECK_EQUAL(endpoint_create(&meeting), STATUS_OK);
    reservations[0] = make(400 * MICROSECOND, 1'600 * MICROSECOND);
    enough = 3 * 400 * MICROSECOND;
    start(call_server, 0);
    start(serve, 1);
    start(spin, 2);
    CHECK_EQUAL(reservation_bind(reservations[0], threads[0]), STATUS_OK);
    uint64_t calls = finish(0);
    finish(1);
    finish(2);
    /* What the caller does itself is a small part. */
    CHECK(calls >= 4);
    CHECK(elapsed >= 2 * 1'600 * MICROSECOND && elapsed < 12 * 1'600 * MICROSECOND);
    CHECK_EQUAL(capability_delete(reservations[0]), STATUS_OK);
    CHECK_EQUAL(capability_delete(meeting), STATUS_OK);
}

/* Answers by one call and receives by another. */
static void answer_and_receive(uint64_t)
{
    struct message message = { .word = { 1 } };
    while (message.word[0] != 0) {
        CHECK_EQUAL(ipc_receive(meeting, &message, TIMEOUT_FOREVER), STATUS_OK);
        CHECK_EQUAL(ipc_reply(&message), STATUS_OK);
    }
    thread_exit(0);
}

static void call_for_long(uint64_t)
{
    struct message message;
    uint64_t begun = clock_nanoseconds(), before = counters[2];
    while (clock_nanoseconds() - begun < LONG) {
        message = (struct message){ .word = { 1 } };
        CHECK_EQUAL(ipc_call(meeting, &message, TIMEOUT_FOREVER), STATUS_OK);
    }
    counted[2] = counters[2] - before;
    message = (struct message){};
    CHECK_EQUAL(ipc_call(meeting, &message, TIMEOUT_FOREVER), STATUS_OK);
    thread_exit(0);
}

/* Two that answer each other have one slice, and not a new one with each answer. */
static void answers_share(void)
{
    CHECK_EQUAL(endpoint_create(&meeting), STATUS_OK);
    start(spin, 2);
    start(answer_and_receive, 1);
    start(call_for_long, 0);
    finish(0);
    finish(1);
    end(2);
    CHECK(counted[2] > 0);
    CHECK_EQUAL(capability_delete(meeting), STATUS_OK);
}

enum { CONTROLLER, CALLER, MIDDLE, SERVER, OTHER };
static uint32_t inner, silent;          /* an endpoint, and a notification that nobody signals */

static void call_when_told(uint64_t)
{
    struct message message = {};
    uint64_t bits;
    CHECK_EQUAL(notification_wait(bells[0], TIMEOUT_FOREVER, &bits), STATUS_OK);
    ipc_call(meeting, &message, TIMEOUT_FOREVER);
    thread_exit(0);
}

static void pass_on(uint64_t)
{
    struct message message;
    CHECK_EQUAL(ipc_receive(meeting, &message, TIMEOUT_FOREVER), STATUS_OK);
    ipc_call(inner, &message, TIMEOUT_FOREVER);
    thread_exit(0);
}

static void receive_and_spin(uint64_t index)
{
    struct message message;
    CHECK_EQUAL(ipc_receive(inner, &message, TIMEOUT_FOREVER), STATUS_OK);
    spin(index);
}

static void spin_when_told(uint64_t index)
{
    uint64_t bits;
    CHECK_EQUAL(notification_wait(bells[1], TIMEOUT_FOREVER, &bits), STATUS_OK);
    spin(index);
}

/* Has the server stand first, on what the caller lends it, and another thread with a later deadline behind it. Then the one in
   between gets a reservation that ends later than both: the server runs on that from now on, and is not first any more. */
static void rearrange(uint64_t)
{
    uint64_t bits;
    notification_wait(silent, 11 * MILLISECOND, &bits);
    CHECK_EQUAL(notification_signal(bells[0], 1), STATUS_OK);
    notification_wait(silent, 200 * MICROSECOND, &bits);
    CHECK_EQUAL(notification_signal(bells[1], 1), STATUS_OK);
    CHECK_EQUAL(reservation_bind(reservations[2], threads[MIDDLE]), STATUS_OK);
    uint64_t before = state_of(reservations[3]).used;
    notification_wait(silent, 300 * MICROSECOND, &bits);
    used[0] = state_of(reservations[3]).used - before;
    for (size_t i = CALLER; i < THREADS; i++) thread_kill(threads[i], 0);
    thread_exit(0);
}

/* Who works for a thread that is bound has its place by the deadline of what it runs on. */
static void places(void)
{
    static uint64_t const set[][2] = {
        { 200 * MICROSECOND, 2 * MILLISECOND }, { 800 * MICROSECOND, 4 * MILLISECOND }, { 2 * MILLISECOND, 10 * MILLISECOND },
        { 800 * MICROSECOND, 4 * MILLISECOND },
    };
    CHECK_EQUAL(endpoint_create(&meeting), STATUS_OK);
    CHECK_EQUAL(endpoint_create(&inner), STATUS_OK);
    for (size_t i = 0; i < 2; i++) CHECK_EQUAL(notification_create(&bells[i]), STATUS_OK);
    CHECK_EQUAL(notification_create(&silent), STATUS_OK);
    for (size_t i = 0; i < 4; i++) reservations[i] = make(set[i][0], set[i][1]);
    start(receive_and_spin, SERVER);
    start(pass_on, MIDDLE);
    start(call_when_told, CALLER);
    start(spin_when_told, OTHER);
    start(rearrange, CONTROLLER);
    CHECK_EQUAL(reservation_bind(reservations[0], threads[CONTROLLER]), STATUS_OK);
    CHECK_EQUAL(reservation_bind(reservations[1], threads[CALLER]), STATUS_OK);
    CHECK_EQUAL(reservation_bind(reservations[3], threads[OTHER]), STATUS_OK);
    for (size_t i = 0; i < THREADS; i++) finish(i);
    CHECK(used[0] > 0);
    for (size_t i = 0; i < 2; i++) CHECK_EQUAL(capability_delete(bells[i]), STATUS_OK);
    CHECK_EQUAL(capability_delete(silent), STATUS_OK);
    for (size_t i = 0; i < 4; i++) CHECK_EQUAL(capability_delete(reservations[i]), STATUS_OK);
    CHECK_EQUAL(capability_delete(meeting), STATUS_OK);
    CHECK_EQUAL(capability_delete(inner), STATUS_OK);
}

/* ---- what ends a binding ----------------------------------------------------------------------------------------------- */

/* A thread that spins, and has used something of the reservation through this capability to it. */
static void bind_spinning(uint32_t reservation, size_t index)
{
    start(spin, index);
    CHECK_EQUAL(reservation_bind(reservation, threads[index]), STATUS_OK);
    uint64_t before = state_of(reservations[0]).used;
    CHECK(is_used(reservations[0], before));
}

/* The thread is bound no more, uses nothing more, and goes on. */
static void expect_free(size_t index)
{
    struct reservation_state state = state_of(reservations[0]);
    CHECK(!state.bound);
    uint64_t count = counters[index];
    while (counters[index] == count) thread_yield();
    CHECK_EQUAL(state_of(reservations[0]).used, state.used);
}

/* Binds itself, uses up a budget, and leaves off while it runs on the next one. */
static void bind_itself(uint64_t index)
{
    uint64_t before = state_of(reservations[0]).used;
    while (threads[index] == 0) thread_yield();
    CHECK_EQUAL(reservation_bind(reservations[0], threads[index]), STATUS_OK);
    while (state_of(reservations[0]).used < before + 350 * MICROSECOND) continue;
    CHECK_EQUAL(reservation_unbind(reservations[0]), STATUS_OK);
    uint64_t used_then = state_of(reservations[0]).used;
    busy(100 * MICROSECOND);
    CHECK_EQUAL(state_of(reservations[0]).used, used_then);
    thread_exit(0);
}

static void bindings_end(void)
{
    uint32_t narrow = 0, other = 0, own = 0;
    uint64_t revoked;
    reservations[0] = make(300 * MICROSECOND, MILLISECOND);
    threads[1] = 0;
    start(bind_itself, 1);
    start(spin, 2);
    finish(1);
    end(2);
    /* Revoked; deleted; given up; destroyed: each while the thread runs on it. */
    CHECK_EQUAL(capability_derive(reservations[0], RIGHT_EXECUTE, 0, &narrow), STATUS_OK);
    bind_spinning(narrow, 1);
    CHECK_EQUAL(reservation_info(narrow, &(struct reservation_state){}), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(reservation_set(narrow, kernel, 0, 0), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_revoke(reservations[0], &revoked), STATUS_OK);
    CHECK_EQUAL(revoked, 1);
    expect_free(1);
    CHECK_EQUAL(capability_derive(reservations[0], RIGHT_EXECUTE | RIGHT_GRANT, 0, &narrow), STATUS_OK);
    CHECK_EQUAL(capability_derive(reservations[0], RIGHT_EXECUTE, 0, &other), STATUS_OK);
    CHECK_EQUAL(reservation_bind(narrow, threads[1]), STATUS_OK);
    CHECK_EQUAL(reservation_bind(other, threads[1]), STATUS_EXISTS);
    start(spin, 2);
    CHECK_EQUAL(reservation_bind(other, threads[2]), STATUS_EXISTS);
    CHECK_EQUAL(reservation_create(&own), STATUS_OK);
    CHECK_EQUAL(reservation_bind(own, threads[1]), STATUS_EXISTS);
    CHECK_EQUAL(capability_delete(own), STATUS_OK);
    /* Not by another's end. */
    CHECK_EQUAL(capability_delete(other), STATUS_OK);
    CHECK(state_of(reservations[0]).bound);
    CHECK_EQUAL(capability_move(narrow, space, &other), STATUS_OK);
    expect_free(1);
    CHECK_EQUAL(reservation_bind(other, threads[2]), STATUS_OK);
    CHECK_EQUAL(reservation_unbind(reservations[0]), STATUS_OK);
    CHECK_EQUAL(reservation_unbind(reservations[0]), STATUS_OK);
    expect_free(2);
    CHECK_EQUAL(reservation_bind(other, threads[2]), STATUS_OK);
    CHECK_EQUAL(capability_destroy(reservations[0]), STATUS_OK);
    CHECK_EQUAL(reservation_bind(other, threads[2]), STATUS_STALE);
    CHECK_EQUAL(reservation_unbind(reservations[0]), STATUS_STALE);
    CHECK_EQUAL(reservation_set(reservations[0], kernel, 0, 0), STATUS_STALE);
    CHECK_EQUAL(reservation_info(reservations[0], &(struct reservation_state){}), STATUS_STALE);
    uint64_t count = counters[2];
    while (counters[2] == count) thread_yield();
    end(1);
    end(2);
    CHECK_EQUAL(capability_delete(other), STATUS_OK);
    CHECK_EQUAL(capability_delete(reservations[0]), STATUS_OK);
}

static void exit_at_once(uint64_t) { thread_exit(0); }

/* A thread that ends leaves the reservation to the next one, and so does a process. */
static void threads_end(void)
{
    reservations[0] = make(300 * MICROSECOND, MILLISECOND);
    bind_spinning(reservations[0], 1);
    CHECK_EQUAL(thread_suspend(threads[1]), STATUS_OK);
    CHECK(state_of(reservations[0]).bound);
    CHECK_EQUAL(thread_resume(threads[1]), STATUS_OK);
    CHECK_EQUAL(thread_kill(threads[1], 0), STATUS_OK);
    CHECK(!state_of(reservations[0]).bound);
    CHECK_EQUAL(reservation_bind(reservations[0], threads[1]), STATUS_DEAD);
    finish(1);
    start(exit_at_once, 1);
    CHECK_EQUAL(reservation_bind(reservations[0], threads[1]), STATUS_OK);
    finish(1);
    CHECK(!state_of(reservations[0]).bound);
    uint64_t before = state_of(reservations[0]).used;
    uint32_t memory = 0;
    CHECK_EQUAL(memory_create(PAGE_BYTES, &memory), STATUS_OK);
    uint32_t process = start_hostile(DEED_SPIN, 0, memory);
    CHECK_EQUAL(reservation_bind(reservations[0], process), STATUS_OK);
    CHECK(is_used(reservations[0], before));
    CHECK_EQUAL(process_kill(process, 0), STATUS_OK);
    CHECK(!state_of(reservations[0]).bound);
    CHECK_EQUAL(reservation_bind(reservations[0], process), STATUS_DEAD);
    uint64_t value;
    CHECK_EQUAL(await_end(process, &value), EXIT_REASON_KILLED);
    CHECK_EQUAL(capability_delete(memory), STATUS_OK);
    CHECK_EQUAL(capability_delete(reservations[0]), STATUS_OK);
}

/* What a process holds is free when it ends: its time too. */
static void processes_end(void)
{
    struct agent agent = start_agent();
    struct message message = { .word = { COMMAND_CREATE, CAP_TYPE_RESERVATION, 2, 1 } };
    CHECK_EQUAL(command(&agent, &message), STATUS_OK);
    CHECK_EQUAL(message.word[1], 2);
    uint32_t given = make(6 * MILLISECOND, 8 * MILLISECOND), mine = 0;
    CHECK_EQUAL(reservation_bind(given, agent.process), STATUS_OK);
    agent_keep(&agent, given, true);
    CHECK_EQUAL(reservation_create(&mine), STATUS_OK);
    CHECK_EQUAL(reservation_set(mine, kernel, MILLISECOND, 8 * MILLISECOND), STATUS_NO_TIME);
    end_agent(&agent);
    CHECK_EQUAL(reservation_set(mine, kernel, 6 * MILLISECOND, 8 * MILLISECOND), STATUS_OK);
    CHECK_EQUAL(capability_delete(mine), STATUS_OK);
}

/* Whoever may not reserve time cannot, whatever reservations it makes. */
static void authority(void)
{
    uint32_t reservation = 0, weak = 0, able = 0;
    CHECK_EQUAL(reservation_create(&reservation), STATUS_OK);
    CHECK_EQUAL(capability_derive(kernel, RIGHT_READ | RIGHT_MANAGE, 0, &weak), STATUS_OK);
    CHECK_EQUAL(capability_derive(kernel, RIGHT_EXECUTE, 0, &able), STATUS_OK);
    CHECK_EQUAL(reservation_set(reservation, weak, MILLISECOND, 8 * MILLISECOND), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(reservation_set(reservation, console, MILLISECOND, 8 * MILLISECOND), STATUS_WRONG_TYPE);
    CHECK_EQUAL(state_of(reservation).period, 0);
    CHECK_EQUAL(reservation_set(reservation, able, MILLISECOND, 8 * MILLISECOND), STATUS_OK);
    uint64_t words[3] = {};
    CHECK_EQUAL(kernel_control(able, KERNEL_CONTROL_GET_ACCELERATOR, words), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_delete(able), STATUS_OK);
    CHECK_EQUAL(capability_delete(weak), STATUS_OK);
    CHECK_EQUAL(capability_delete(reservation), STATUS_OK);
}

struct tap_test const RESERVATION_TESTS[] = {
    { "reservations are set within bounds", settings },
    { "no more than three quarters of the processor are reserved", admission },
    { "time is reserved by whoever the kernel's capability allows it", authority },
    { "threads have what is reserved for them beside threads that spin", shares },
    { "a thread with a reservation does not wait for slices", wakes_at_once },
    { "a thread that wakes again and again leaves others their part", wakes_cost },
    { "who yields leaves the rest of its reservation", yields },
    { "who calls pays for who is called", lends },
    { "two that answer each other share slices with others", answers_share },
    { "a server's place is by the deadline of what it runs on", places },
    { "a binding ends with its capability", bindings_end },
    { "a reservation is free when its thread ends", threads_end },
    { "reserved time is free when who holds it ends", processes_end },
};
size_t const RESERVATION_TEST_COUNT = sizeof RESERVATION_TESTS / sizeof *RESERVATION_TESTS;
