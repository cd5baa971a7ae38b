/*
 * revocation_tests.c: what others do while a revocation is under way. The kernel interrupts it after some microseconds, so who
 * comes in between, and when, is the machine's choice; a kernel built for tests lets the next thread run each time, and then
 * these tests meet revocations that are half done. What they check holds in every order.
 */
#include "suite.h"

constexpr unsigned DESCENDANTS = 160;
constexpr uint16_t ALL = RIGHT_SEND | RIGHT_GRANT | RIGHT_DERIVE | RIGHT_REVOKE;
constexpr size_t STACK = 2048;

[[gnu::aligned(16)]] static uint8_t stacks[2][STACK];
static uint32_t root, descendants[DESCENDANTS];
static uint64_t revoked[2];

static enum status check_send(uint32_t handle)
{
    return capability_check(handle, CAP_TYPE_ENDPOINT, RIGHT_SEND, nullptr);
}

/* A tree in which each capability has some children: three of four are children of the last one. */
static void grow_below(uint32_t parent)
{
    for (unsigned i = 0; i < DESCENDANTS; i++) {
        CHECK_EQUAL(capability_derive(parent, ALL, 0, &descendants[i]), STATUS_OK);
        if (i % 4 == 0) parent = descendants[i];
    }
}

/* Such a tree below a new endpoint. */
static void grow(void)
{
    CHECK_EQUAL(endpoint_create(&root), STATUS_OK);
    grow_below(root);
}

static unsigned alive(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < DESCENDANTS; i++) count += check_send(descendants[i]) == STATUS_OK;
    return count;
}

static void revoke_root(uint64_t index)
{
    revoked[index] = 0;
    thread_exit(capability_revoke(root, &revoked[index]));
}

/* Starts a thread that revokes, and goes on when it has begun, or has been through with it. */
static uint32_t start_revoking(uint64_t index)
{
    uint32_t thread = 0;
    CHECK_EQUAL(thread_create(revoke_root, stacks[index] + STACK, index, &thread), STATUS_OK);
    for (unsigned i = 0; i < 4 && alive() == DESCENDANTS; i++) thread_yield();
    unsigned left = alive();
    if (left != 0 && left != DESCENDANTS) print("# %u of %u are left\n", left, DESCENDANTS);
    return thread;
}

static enum status finish(uint32_t thread)
{
    enum exit_reason reason = EXIT_REASON_EXCEPTION;
    uint64_t value = 0;
    CHECK_EQUAL(thread_wait(thread, TIMEOUT_FOREVER, &reason, &value), STATUS_OK);
    CHECK_EQUAL(capability_delete(thread), STATUS_OK);
    return reason == EXIT_REASON_EXITED ? (enum status)value : STATUS_DEAD;
}

static void is_over(void)
{
    CHECK_EQUAL(alive(), 0);
    CHECK_EQUAL(check_send(root), STATUS_OK);
    CHECK_EQUAL(capability_delete(root), STATUS_OK);
}

/* Who derives from the root gets a capability when all that were there are dead. It may be killed like them. */
static void derive_meanwhile(void)
{
    grow();
    uint32_t thread = start_revoking(0), derived = 0;
    CHECK_EQUAL(capability_derive(root, RIGHT_SEND, 0, &derived), STATUS_OK);
    CHECK_EQUAL(alive(), 0);
    CHECK_EQUAL(finish(thread), STATUS_OK);
    enum status status = capability_delete(derived);
    CHECK(status == STATUS_OK || status == STATUS_BAD_HANDLE);
    is_over();
}

/* From a descendant nothing is derived that outlives the revocation, nor sent, nor moved. */
static void use_descendants_meanwhile(void)
{
    struct agent agent = start_agent();
    grow();
    uint32_t thread = start_revoking(0);
    for (unsigned i = 0; i < DESCENDANTS; i += 5) {
        uint32_t derived = 0;
        enum status status = capability_derive(descendants[i], RIGHT_SEND, 0, &derived);
        CHECK(status == STATUS_OK || status == STATUS_BAD_HANDLE);
        struct message message = { .word = { COMMAND_KEEP }, .capability = { descendants[i] }, .count = 1, .move = i & 1 };
        status = ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER);
        CHECK(status == STATUS_OK || status == STATUS_BAD_HANDLE || status == STATUS_WOULD_BLOCK);
        thread_yield();
    }
    CHECK_EQUAL(finish(thread), STATUS_OK);
    for (uint64_t i = 0; i < 8; i++)
        CHECK(command_words(&agent, COMMAND_CHECK, i, CAP_TYPE_ENDPOINT, RIGHT_SEND) != STATUS_OK);
    is_over();
    end_agent(&agent);
}

static bool volatile stopped;
static uint32_t held[4096];

/* Derives from the oldest descendant that is left and deletes it, so that what it made is its parent's; and so on. */
static void undermine(uint64_t)
{
    constexpr unsigned COUNT = sizeof held / sizeof *held, MADE = 64;
    unsigned first = 0, last = 0;
    while (last < DESCENDANTS) held[last] = descendants[last], last++;
    while (!stopped && first != last) {
        uint32_t oldest = held[first % COUNT];
        enum status status = STATUS_OK;
        unsigned before = last;
        while (status == STATUS_OK && last != before + MADE) {
            status = capability_derive(oldest, ALL, 0, &held[last % COUNT]);
            if (status == STATUS_OK) last++;
        }
        if (last != before) (void)capability_delete(oldest);
        if (last != before || status != STATUS_NO_SLOTS) first++;
        if (last != before || status == STATUS_NO_SLOTS) thread_yield();
    }
    thread_exit(0);
}

/* Nobody keeps a revocation alive by filling the tree from below. */
static void undermine_meanwhile(void)
{
    /* Children of the root, so that the oldest is without mark until the last. */
    CHECK_EQUAL(endpoint_create(&root), STATUS_OK);
    for (unsigned i = 0; i < DESCENDANTS; i++) CHECK_EQUAL(capability_derive(root, ALL, 0, &descendants[i]), STATUS_OK);
    stopped = false;
    uint32_t thread = start_revoking(0), other = 0;
    CHECK_EQUAL(thread_create(undermine, stacks[1] + STACK, 0, &other), STATUS_OK);
    enum exit_reason reason = EXIT_REASON_EXCEPTION;
    uint64_t value = 0;
    CHECK_EQUAL(thread_wait(thread, 2'000'000'000, &reason, &value), STATUS_OK);
    stopped = true;
    CHECK_EQUAL(value, STATUS_OK);
    CHECK_EQUAL(finish(thread), STATUS_OK);
    CHECK_EQUAL(finish(other), STATUS_OK);
    is_over();
}

/* Two who revoke the same: when either is back, nothing is left. Together they killed each once. */
static void revoke_twice(void)
{
    grow();
    uint32_t first = start_revoking(0), second = start_revoking(1);
    CHECK_EQUAL(finish(second), STATUS_OK);
    CHECK_EQUAL(alive(), 0);
    CHECK_EQUAL(finish(first), STATUS_OK);
    CHECK_EQUAL(revoked[0] + revoked[1], DESCENDANTS);
    is_over();
}

/* A revocation of something else waits for it, and then does what it is for. */
static void revoke_another(void)
{
    uint32_t other = 0, child = 0;
    uint64_t killed = 0;
    CHECK_EQUAL(endpoint_create(&other), STATUS_OK);
    CHECK_EQUAL(capability_derive(other, RIGHT_SEND, 0, &child), STATUS_OK);
    grow();
    uint32_t thread = start_revoking(0);
    CHECK_EQUAL(capability_revoke(other, &killed), STATUS_OK);
    CHECK_EQUAL(killed, 1);
    CHECK_EQUAL(check_send(child), STATUS_BAD_HANDLE);
    CHECK_EQUAL(finish(thread), STATUS_OK);
    CHECK_EQUAL(capability_delete(other), STATUS_OK);
    is_over();
}

/* Whoever revokes what is below a root that is being revoked is told that it is gone. */
static void revoke_below(void)
{
    uint32_t below = 0;
    for (unsigned round = 0; round < 8; round++) {
        grow();
        /* The last step is to be this thread's in some round, and not to be full. */
        for (unsigned i = 0; i < 3 * round; i++) CHECK_EQUAL(capability_derive(root, RIGHT_SEND, 0, &below), STATUS_OK);
        uint32_t thread = start_revoking(0);
        for (unsigned i = 0; i < round % 2; i++) thread_yield();
        below = 0;
        bool begun = alive() != DESCENDANTS;
        for (unsigned i = 0; i < DESCENDANTS && below == 0; i++)
            if (check_send(descendants[i]) == STATUS_OK) below = descendants[i];
        /* Kernels that let nobody in between have none left. */
        if (begun && below != 0) CHECK_EQUAL(capability_revoke(below, nullptr), STATUS_BAD_HANDLE);
        CHECK_EQUAL(finish(thread), STATUS_OK);
        is_over();
    }
}

/* The thread that revokes is killed: what it began is finished by whoever meets it. */
static void revoker_dies(void)
{
    grow();
    uint32_t thread = start_revoking(0), derived = 0;
    enum status killed = thread_kill(thread, 1);
    CHECK(killed == STATUS_OK || killed == STATUS_DEAD);
    (void)finish(thread);
    CHECK_EQUAL(capability_derive(root, RIGHT_SEND, 0, &derived), STATUS_OK);
    if (alive() != 0) CHECK_EQUAL(capability_revoke(root, nullptr), STATUS_OK);   /* it had not begun */
    else CHECK_EQUAL(capability_delete(derived), STATUS_OK);
    is_over();
}

/* The root is deleted: either the revocation was there before, or it finds no capability. */
static void root_is_deleted(void)
{
    grow();
    uint32_t thread = start_revoking(0);
    CHECK_EQUAL(capability_delete(root), STATUS_OK);
    enum status status = finish(thread);
    CHECK(status == STATUS_OK || status == STATUS_BAD_HANDLE);
    for (unsigned i = 0; i < DESCENDANTS; i++)
        if (check_send(descendants[i]) == STATUS_OK) CHECK_EQUAL(capability_delete(descendants[i]), STATUS_OK);
}

/* A process that revokes is killed, and its capability space, with the root in it, ends. */
static void revoking_process_dies(void)
{
    uint32_t endpoint = 0, child = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    uint32_t process = start_hostile(DEED_REVOKE, DESCENDANTS, endpoint);
    thread_yield();
    thread_yield();
    enum status killed = process_kill(process, 0);
    CHECK(killed == STATUS_OK || killed == STATUS_DEAD);
    uint64_t value = 0;
    (void)await_end(process, &value);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_SEND, 0, &child), STATUS_OK);
    CHECK_EQUAL(capability_revoke(endpoint, nullptr), STATUS_OK);
    CHECK_EQUAL(check_send(child), STATUS_BAD_HANDLE);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

/* A name that is being revoked is unregistered at once: nobody waits in the kernel for the end of the revocation. */
static void unregister_meanwhile(void)
{
    uint32_t registry = 0, found = 0;
    CHECK_EQUAL(endpoint_create(&root), STATUS_OK);
    CHECK_EQUAL(registry_create(&registry), STATUS_OK);
    CHECK_EQUAL(registry_register(registry, "below", root), STATUS_OK);
    CHECK_EQUAL(registry_lookup(registry, "below", &found), STATUS_OK);
    grow_below(found);
    uint32_t thread = start_revoking(0);
    unsigned before = alive();
    CHECK_EQUAL(registry_unregister(registry, "below"), before != 0 ? STATUS_OK : STATUS_NOT_FOUND);
    if (before != 0) CHECK(alive() != 0);
    CHECK_EQUAL(registry_lookup(registry, "below", &found), STATUS_NOT_FOUND);
    CHECK_EQUAL(finish(thread), STATUS_OK);
    CHECK_EQUAL(capability_delete(registry), STATUS_OK);
    is_over();
}

/* A process is to get what is being revoked: it is made once, when that is over. tests/system looks at the processes' numbers. */
static void create_meanwhile(void)
{
    uint64_t value = 0;
    grow();
    print("# processes made around a revocation\n");
    CHECK_EQUAL(await_end(start_hostile(DEED_COMPUTE, 0, 0), &value), EXIT_REASON_EXITED);
    uint32_t thread = start_revoking(0);
    CHECK_EQUAL(await_end(start_hostile(DEED_COMPUTE, 0, root), &value), EXIT_REASON_EXITED);
    CHECK_EQUAL(finish(thread), STATUS_OK);
    CHECK_EQUAL(await_end(start_hostile(DEED_COMPUTE, 0, 0), &value), EXIT_REASON_EXITED);
    print("# and no others\n");
    is_over();
}

/* By the engine, if there is one, as well as by software: what hangs in its list when a delete comes is put into order. */
static void delete_takes_back(void)
{
    grow();
    uint64_t killed = 0;
    CHECK_EQUAL(capability_revoke(root, &killed), STATUS_OK);
    CHECK_EQUAL(killed, DESCENDANTS);
    CHECK_EQUAL(alive(), 0);
    is_over();
}

struct tap_test const REVOCATION_TESTS[] = {
    { "deriving from a root that is being revoked waits", derive_meanwhile },
    { "nothing escapes a revocation", use_descendants_meanwhile },
    { "nobody keeps a revocation alive", undermine_meanwhile },
    { "two revoke the same tree", revoke_twice },
    { "two revoke two trees", revoke_another },
    { "a revocation below one that is under way", revoke_below },
    { "a thread dies while it revokes", revoker_dies },
    { "a root is deleted while it is revoked", root_is_deleted },
    { "a process dies while it revokes", revoking_process_dies },
    { "a name is unregistered while it is revoked", unregister_meanwhile },
    { "a process is made while a revocation is under way", create_meanwhile },
    { "a delete behind a revocation of many", delete_takes_back },
};
size_t const REVOCATION_TEST_COUNT = sizeof REVOCATION_TESTS / sizeof *REVOCATION_TESTS;
