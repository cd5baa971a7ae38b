/* capability_tests.c: handles, derivation, revocation and transfer between processes. */
#include "suite.h"

static uint32_t make_endpoint(void)
{
    uint32_t endpoint = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    return endpoint;
}

static uint32_t derive(uint32_t handle, uint16_t rights, uint32_t badge)
{
    uint32_t derived = 0;
    CHECK_EQUAL(capability_derive(handle, rights, badge, &derived), STATUS_OK);
    return derived;
}

static enum status check_send(uint32_t handle)
{
    return capability_check(handle, CAP_TYPE_ENDPOINT, RIGHT_SEND, nullptr);
}

static void stale_handles(void)
{
    uint32_t endpoint = make_endpoint();
    CHECK_EQUAL(check_send(endpoint), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    CHECK_EQUAL(check_send(endpoint), STATUS_BAD_HANDLE);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_BAD_HANDLE);
    /* The slot is used again, under another handle. */
    for (unsigned i = 0; i < 300; i++) {
        uint32_t next = make_endpoint();
        CHECK(next != endpoint);
        CHECK_EQUAL(check_send(endpoint), STATUS_BAD_HANDLE);
        CHECK_EQUAL(capability_delete(next), STATUS_OK);
    }
}

static void missing_rights(void)
{
    uint32_t endpoint = make_endpoint();
    uint32_t sender = derive(endpoint, RIGHT_SEND, 0), receiver = derive(endpoint, RIGHT_RECEIVE, 0);
    struct message message = {};
    CHECK_EQUAL(ipc_receive(sender, &message, 0), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(ipc_send(receiver, &message, 0), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(ipc_call(receiver, &message, 0), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(mail_receive(sender, &message), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_revoke(sender, nullptr), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    CHECK_EQUAL(capability_delete(receiver), STATUS_OK);
}

static void derive_narrows(void)
{
    uint32_t endpoint = make_endpoint(), derived = 0;
    uint32_t sender = derive(endpoint, RIGHT_SEND | RIGHT_DERIVE, 0);
    CHECK_EQUAL(capability_check(sender, CAP_TYPE_ENDPOINT, RIGHT_SEND | RIGHT_DERIVE, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_check(sender, CAP_TYPE_ENDPOINT, RIGHT_RECEIVE, nullptr), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_derive(sender, RIGHT_SEND | RIGHT_RECEIVE, 0, &derived), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_derive(sender, RIGHT_ALL, 0, &derived), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_EXECUTE, 0, &derived), STATUS_MISSING_RIGHTS);
    uint32_t leaf = derive(sender, RIGHT_SEND, 0);
    CHECK_EQUAL(capability_derive(leaf, RIGHT_SEND, 0, &derived), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_revoke(endpoint, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

static void badges_stay(void)
{
    uint32_t endpoint = make_endpoint(), badge = 0, derived = 0;
    uint32_t sender = derive(endpoint, RIGHT_SEND | RIGHT_DERIVE, 77);
    CHECK_EQUAL(capability_check(sender, CAP_TYPE_ENDPOINT, RIGHT_SEND, &badge), STATUS_OK);
    CHECK_EQUAL(badge, 77);
    CHECK_EQUAL(capability_derive(sender, RIGHT_SEND, 78, &derived), STATUS_BAD_ARGUMENT);
    uint32_t child = derive(sender, RIGHT_SEND, 0);
    CHECK_EQUAL(capability_check(child, CAP_TYPE_ENDPOINT, RIGHT_SEND, &badge), STATUS_OK);
    CHECK_EQUAL(badge, 77);
    CHECK_EQUAL(capability_revoke(endpoint, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

static void revoke_own(void)
{
    uint32_t endpoint = make_endpoint();
    uint32_t chain = endpoint, all[20];
    for (unsigned i = 0; i < 10; i++) chain = all[i] = derive(chain, RIGHT_SEND | RIGHT_DERIVE | RIGHT_REVOKE, 0);
    for (unsigned i = 10; i < 20; i++) all[i] = derive(all[3], RIGHT_SEND, 0);
    uint64_t revoked = 0;
    CHECK_EQUAL(capability_revoke(all[3], &revoked), STATUS_OK);
    CHECK_EQUAL(revoked, 16);
    for (unsigned i = 0; i < 20; i++) CHECK_EQUAL(check_send(all[i]), i <= 3 ? STATUS_OK : STATUS_BAD_HANDLE);
    CHECK_EQUAL(capability_revoke(endpoint, &revoked), STATUS_OK);
    CHECK_EQUAL(revoked, 4);
    CHECK_EQUAL(check_send(endpoint), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

static void revoke_elsewhere(void)
{
    struct agent agent = start_agent();
    uint32_t endpoint = make_endpoint();
    uint32_t shared = derive(endpoint, RIGHT_SEND | RIGHT_GRANT | RIGHT_DERIVE, 5);
    agent_keep(&agent, shared, false);
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, RIGHT_SEND), STATUS_OK);
    /* A grandchild in the other process dies too. */
    CHECK_EQUAL(command_words(&agent, COMMAND_DERIVE, 0, RIGHT_SEND, 0), STATUS_OK);
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 1, CAP_TYPE_ENDPOINT, RIGHT_SEND), STATUS_OK);
    uint64_t revoked = 0;
    CHECK_EQUAL(capability_revoke(endpoint, &revoked), STATUS_OK);
    CHECK_EQUAL(revoked, 3);
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, RIGHT_SEND), STATUS_BAD_HANDLE);
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 1, CAP_TYPE_ENDPOINT, RIGHT_SEND), STATUS_BAD_HANDLE);
    CHECK_EQUAL(command_words(&agent, COMMAND_DERIVE, 0, RIGHT_SEND, 0), STATUS_BAD_HANDLE);
    CHECK_EQUAL(check_send(shared), STATUS_BAD_HANDLE);
    CHECK_EQUAL(check_send(endpoint), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    end_agent(&agent);
}

/* A thread that waits through a capability gets nothing any more once that is revoked. */
static void revoke_ends_waits(void)
{
    uint64_t value = 0;
    struct agent agent = start_agent();
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, 0), STATUS_BAD_HANDLE);
    CHECK_EQUAL(capability_revoke(agent.endpoint, nullptr), STATUS_OK);
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_EXITED);
    CHECK_EQUAL(value, STATUS_BAD_HANDLE);
    struct message message = {};
    CHECK_EQUAL(ipc_send(agent.endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);

    agent = start_agent();
    uint32_t endpoint = make_endpoint();
    agent_keep(&agent, derive(endpoint, RIGHT_SEND | RIGHT_GRANT, 3), true);
    message = (struct message){ .word = { COMMAND_CALL } };
    CHECK_EQUAL(ipc_send(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_OK);
    for (int i = 0; i < 10; i++) thread_yield();
    CHECK_EQUAL(capability_revoke(endpoint, nullptr), STATUS_OK);
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_EXITED);
    CHECK_EQUAL(value, STATUS_BAD_HANDLE);
    CHECK_EQUAL(ipc_receive(endpoint, &message, 0), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
}

static void copy_and_move(void)
{
    struct agent agent = start_agent();
    uint32_t endpoint = make_endpoint();
    uint32_t copied = derive(endpoint, RIGHT_SEND | RIGHT_GRANT, 1), moved = derive(endpoint, RIGHT_SEND | RIGHT_GRANT, 2);
    agent_keep(&agent, copied, false);
    agent_keep(&agent, moved, true);
    CHECK_EQUAL(check_send(copied), STATUS_OK);
    CHECK_EQUAL(check_send(moved), STATUS_BAD_HANDLE);
    for (uint64_t i = 0; i < 2; i++)
        CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, i, CAP_TYPE_ENDPOINT, RIGHT_SEND | RIGHT_GRANT), STATUS_OK);
    /* Back again in a reply, moved: with its badge. */
    struct message message = { .word = { COMMAND_GIVE, 1, 1 } };
    CHECK_EQUAL(command(&agent, &message), STATUS_OK);
    CHECK_EQUAL(message.count, 1);
    uint32_t badge = 0;
    CHECK_EQUAL(capability_check(message.capability[0], CAP_TYPE_ENDPOINT, RIGHT_SEND, &badge), STATUS_OK);
    CHECK_EQUAL(badge, 2);
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 1, CAP_TYPE_ENDPOINT, RIGHT_SEND), STATUS_BAD_HANDLE);
    CHECK_EQUAL(capability_revoke(endpoint, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    end_agent(&agent);
}

/* All capabilities of a message arrive, or none, and then nothing else happened either. */
static void transfer_is_atomic(void)
{
    struct agent agent = start_agent();
    uint32_t endpoint = make_endpoint();
    uint32_t good = derive(endpoint, RIGHT_SEND | RIGHT_GRANT, 0), fixed = derive(endpoint, RIGHT_SEND, 0);
    struct message message = { .word = { COMMAND_KEEP }, .capability = { good, fixed }, .count = 2, .move = 1 };
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_MISSING_RIGHTS);
    message.capability[1] = good ^ 0x10000;
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_BAD_HANDLE);
    message.capability[1] = good;
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_BAD_ARGUMENT);
    message.move = 4;
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(check_send(good), STATUS_OK);
    /* The agent kept nothing and still waits. */
    CHECK_EQUAL(command_words(&agent, COMMAND_CHECK, 0, CAP_TYPE_ENDPOINT, RIGHT_SEND), STATUS_BAD_HANDLE);
    struct message four = { .word = { COMMAND_KEEP }, .capability = { good, good, good, good }, .count = 4 };
    CHECK_EQUAL(command(&agent, &four), STATUS_OK);
    CHECK_EQUAL(four.word[1], 4);
    uint64_t revoked = 0;
    CHECK_EQUAL(capability_revoke(endpoint, &revoked), STATUS_OK);
    CHECK_EQUAL(revoked, 6);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    end_agent(&agent);
}

/* A space grows up to its limit, says so, and gives everything back. */
static void slots_run_out(void)
{
    uint32_t endpoint = make_endpoint(), derived = 0;
    uint64_t made = 0, revoked = 0;
    enum status status;
    while ((status = capability_derive(endpoint, RIGHT_SEND, 0, &derived)) == STATUS_OK && made < 10'000) made++;
    CHECK_EQUAL(status, STATUS_NO_SLOTS);
    CHECK(made > 500);
    uint32_t other = 0;
    CHECK_EQUAL(endpoint_create(&other), STATUS_NO_SLOTS);
    CHECK_EQUAL(capability_revoke(endpoint, &revoked), STATUS_OK);
    CHECK_EQUAL(revoked, made);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

/* Both paths of the kernel and the user's instruction must give the same verdict. */
static void paths_agree(void)
{
    if (!unit_present) {
        tap_skip("no capability unit");
        return;
    }
    uint32_t endpoint = make_endpoint();
    uint32_t sender = derive(endpoint, RIGHT_SEND, 9), gone = derive(endpoint, RIGHT_SEND, 0);
    CHECK_EQUAL(capability_delete(gone), STATUS_OK);
    uint32_t const handles[] = { endpoint, sender, gone, console, space, 0, 0xffff'ffff, sender ^ 1, sender ^ 0x8000'0000,
                                 (uint32_t)handle_make(200, 1), (uint32_t)handle_make(0xffff, 0) };
    uint16_t const rights[] = { 0, RIGHT_SEND, RIGHT_RECEIVE, RIGHT_SEND | RIGHT_GRANT, RIGHT_ALL, 0xffff };
    enum cap_type const types[] = { CAP_TYPE_NONE, CAP_TYPE_ENDPOINT, CAP_TYPE_IO_RANGE, CAP_TYPE_KERNEL };
    for (size_t h = 0; h < sizeof handles / sizeof *handles; h++)
        for (size_t t = 0; t < sizeof types / sizeof *types; t++)
            for (size_t r = 0; r < sizeof rights / sizeof *rights; r++) {
                uint64_t query = query_make(handles[h], types[t], rights[r]), answers[2];
                for (uint64_t use = 0; use < 2; use++) {
                    uint64_t words[3] = { use };
                    CHECK_EQUAL(kernel_control(kernel, KERNEL_CONTROL_SET_ACCELERATOR, words), STATUS_OK);
                    struct user_call call = { .word = { query } };
                    system_call(&call, CALL_CAP_CHECK);
                    answers[use] = call.word[0];
                }
                CHECK_EQUAL(answers[1], answers[0]);
                if (USER_HAS_CHECK_INSTRUCTION) CHECK_EQUAL(user_check_instruction(query), answers[0]);
            }
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

struct tap_test const CAPABILITY_TESTS[] = {
    { "a stale handle stays bad", stale_handles },
    { "missing rights are refused", missing_rights },
    { "deriving only narrows", derive_narrows },
    { "a badge cannot be changed", badges_stay },
    { "revoke kills all descendants and nothing else", revoke_own },
    { "revoke reaches into other processes", revoke_elsewhere },
    { "revoke ends waits through what it kills", revoke_ends_waits },
    { "capabilities are copied and moved by messages", copy_and_move },
    { "a transfer happens wholly or not at all", transfer_is_atomic },
    { "a full capability space says so and recovers", slots_run_out },
    { "hardware and software checks agree", paths_agree },
};
size_t const CAPABILITY_TEST_COUNT = sizeof CAPABILITY_TESTS / sizeof *CAPABILITY_TESTS;
