/* ipc_tests.c: messages, deaths and mail. */
#include "suite.h"

static void words_and_badge(void)
{
    struct agent agent = start_agent();
    uint32_t sender = 0;
    CHECK_EQUAL(capability_derive(agent.endpoint, RIGHT_SEND, 0x1234'5678, &sender), STATUS_OK);
    struct agent badged = { sender, agent.process };
    struct message message = { .word = { COMMAND_WORDS } };
    CHECK_EQUAL(command(&badged, &message), STATUS_OK);
    CHECK_EQUAL(message.word[1], 0x1234'5678);
    CHECK_EQUAL(message.word[2], 0);
    CHECK_EQUAL(message.word[3], 0);
    CHECK_EQUAL(message.count, 0);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    end_agent(&agent);
}

/* A received message leaves nothing behind in the words it does not use. */
static void no_residue(void)
{
    struct agent agent = start_agent();
    struct user_call call = { .word = { COMMAND_KEEP, 1, 2, 3, 4, 5, 6, 7, [CALL_INFO] = CALL_IPC_CALL,
                                        [CALL_HANDLE] = agent.endpoint, [CALL_CAPS] = ~0ull, [CALL_CAPS_HIGH] = ~0ull,
                                        [CALL_TIMEOUT] = TIMEOUT_FOREVER } };
    user_call(&call);
    CHECK_EQUAL(call.word[CALL_INFO], STATUS_OK);
    for (size_t i = 0; i < MESSAGE_WORDS; i++) CHECK_EQUAL(call.word[i], 0);
    CHECK_EQUAL(call.word[CALL_HANDLE], 0);
    CHECK_EQUAL(call.word[CALL_CAPS], 0);
    CHECK_EQUAL(call.word[CALL_CAPS_HIGH], 0);
    CHECK_EQUAL(call.word[CALL_TIMEOUT], TIMEOUT_FOREVER);
    end_agent(&agent);
}

static void reply_to_nobody(void)
{
    struct message message = {};
    uint32_t endpoint = 0;
    CHECK_EQUAL(ipc_reply(&message), STATUS_NO_CALLER);
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    CHECK_EQUAL(ipc_reply_receive(endpoint, &message, 0), STATUS_NO_CALLER);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

static void receiver_crashes(void)
{
    struct agent agent = start_agent();
    struct message message = { .word = { COMMAND_CRASH } };
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_DEAD);
    uint64_t value;
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_MEMORY_FAULT);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
}

static void receiver_forgets(void)
{
    struct agent agent = start_agent();
    struct message message = { .word = { COMMAND_FORGET } };
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_DEAD);
    end_agent(&agent);
}

static void no_receiver_left(void)
{
    uint32_t endpoint = 0, sender = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_SEND, 0, &sender), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    struct message message = {};
    CHECK_EQUAL(ipc_call(sender, &message, TIMEOUT_FOREVER), STATUS_DEAD);
    CHECK_EQUAL(ipc_send(sender, &message, TIMEOUT_FOREVER), STATUS_DEAD);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
}

/* Calls that would take the kernel's shortest way, to a receiver that waits, are checked like all others. */
static void short_way_is_checked(void)
{
    struct agent agent = start_agent();
    command_words(&agent, COMMAND_KEEP, 0, 0, 0);
    uint32_t mute = 0;
    CHECK_EQUAL(capability_derive(agent.endpoint, RIGHT_GRANT, 0, &mute), STATUS_OK);
    struct { uint64_t handle; enum status status; } const attempts[] = {
        { agent.endpoint | 1ull << 32, STATUS_BAD_HANDLE }, { agent.endpoint ^ 0x10000, STATUS_BAD_HANDLE },
        { console, STATUS_WRONG_TYPE }, { mute, STATUS_MISSING_RIGHTS }, { ~0ull, STATUS_BAD_HANDLE },
    };
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        struct user_call call = { .word = { 11, 12, 13, 14, 15, 16, 17, 18, CALL_IPC_CALL, attempts[i].handle, 20, 21,
                                            TIMEOUT_FOREVER } };
        user_call(&call);
        CHECK_EQUAL(call.word[CALL_INFO], attempts[i].status);
        for (size_t word = 0; word < MESSAGE_WORDS; word++) CHECK_EQUAL(call.word[word], 11 + word);
    }
    CHECK_EQUAL(command_words(&agent, COMMAND_KEEP, 0, 0, 0), STATUS_OK);
    CHECK_EQUAL(capability_delete(mute), STATUS_OK);
    end_agent(&agent);
}

/* Whoever gets an error instead of a reply finds his own words or zeros, nobody else's. */
static void error_leaves_no_residue(void)
{
    struct agent agent = start_agent();
    command_words(&agent, COMMAND_KEEP, 0, 0, 0);       /* from here on it waits */
    struct user_call before = { .word = { 51, 52, 53, 54, 55, 56, 57, 58, CALL_NULL, 59, 60, 61, 62 } };
    user_call(&before);
    struct user_call call = { .word = { COMMAND_CRASH, 12, 13, 14, 15, 16, 17, 18, CALL_IPC_CALL, agent.endpoint, 20, 21,
                                        TIMEOUT_FOREVER } };
    uint64_t sent[CALL_WORDS];
    for (size_t i = 0; i < CALL_WORDS; i++) sent[i] = call.word[i];
    user_call(&call);
    CHECK_EQUAL(call.word[CALL_INFO], STATUS_DEAD);
    for (size_t i = 0; i < CALL_WORDS; i++)
        if (i != CALL_INFO) CHECK(call.word[i] == 0 || call.word[i] == sent[i]);
    uint64_t value;
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_MEMORY_FAULT);
    CHECK_EQUAL(capability_delete(agent.endpoint), STATUS_OK);
}

/* Many clients' worth of messages in a row, to the words. */
static void many_messages(void)
{
    struct agent agent = start_agent();
    for (uint64_t i = 0; i < 200; i++) {
        struct message message = { .word = { COMMAND_KEEP, i, i * i, ~i } };
        CHECK_EQUAL(command(&agent, &message), STATUS_OK);
        CHECK_EQUAL(message.word[1], 0);
    }
    end_agent(&agent);
}

static void mail(void)
{
    uint32_t endpoint = 0, sender = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_SEND, 31, &sender), STATUS_OK);
    struct message message = {};
    CHECK_EQUAL(mail_receive(endpoint, &message), STATUS_WOULD_BLOCK);
    uint64_t sent = 0;
    for (; sent < 100; sent++) {
        for (size_t i = 0; i < MESSAGE_WORDS; i++) message.word[i] = sent * 10 + i;
        if (mail_send(sender, &message) != STATUS_OK) break;
    }
    CHECK(sent > 0 && sent < 100);
    CHECK_EQUAL(mail_send(sender, &message), STATUS_WOULD_BLOCK);
    for (uint64_t got = 0; got < sent; got++) {
        CHECK_EQUAL(mail_receive(endpoint, &message), STATUS_OK);
        CHECK_EQUAL(message.badge, 31);
        for (size_t i = 0; i < MESSAGE_WORDS; i++) CHECK_EQUAL(message.word[i], got * 10 + i);
    }
    CHECK_EQUAL(mail_receive(endpoint, &message), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

/* Two processes mail in turn, each through a capability of its own: nothing is mixed up by the switches between them. */
static void mail_of_two(void)
{
    struct agent agent = start_agent();
    uint32_t endpoint = 0, mine = 0, other = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_SEND, 1, &mine), STATUS_OK);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_SEND | RIGHT_GRANT, 2, &other), STATUS_OK);
    agent_keep(&agent, other, true);
    struct message message = {};
    for (uint64_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < MESSAGE_WORDS; i++) message.word[i] = 1000 + round;
        CHECK_EQUAL(mail_send(mine, &message), STATUS_OK);
        CHECK_EQUAL(command_words(&agent, COMMAND_MAIL_SEND, 0, 2000 + round, 0), STATUS_OK);
        for (uint64_t from = 1; from <= 2; from++) {
            CHECK_EQUAL(mail_receive(endpoint, &message), STATUS_OK);
            CHECK_EQUAL(message.badge, from);
            for (size_t i = 0; i < MESSAGE_WORDS; i++) CHECK_EQUAL(message.word[i], from * 1000 + round);
        }
    }
    CHECK_EQUAL(mail_receive(endpoint, &message), STATUS_WOULD_BLOCK);
    end_agent(&agent);
    /* Its capability went with it. */
    CHECK_EQUAL(mail_send(mine, &message), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    CHECK_EQUAL(mail_send(mine, &message), STATUS_OK);
    CHECK_EQUAL(capability_delete(mine), STATUS_OK);
    CHECK_EQUAL(mail_send(mine, &message), STATUS_BAD_HANDLE);
}

/* Mail goes from one process to another, which takes it by a right of its own. */
static void mail_across(void)
{
    struct agent agent = start_agent();
    uint32_t endpoint = 0, sender = 0, receiver = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_SEND, 77, &sender), STATUS_OK);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_RECEIVE | RIGHT_GRANT, 0, &receiver), STATUS_OK);
    agent_keep(&agent, receiver, false);
    struct message message = { .word = { 5, 0, 0, 0, 0, 0, 0, 6 } };
    CHECK_EQUAL(mail_send(sender, &message), STATUS_OK);
    struct message answer = { .word = { COMMAND_MAIL_RECEIVE, 0 } };
    CHECK_EQUAL(command(&agent, &answer), STATUS_OK);
    CHECK_EQUAL(answer.word[1], 5);
    CHECK_EQUAL(answer.word[2], 6);
    CHECK_EQUAL(answer.word[3], 77);
    answer = (struct message){ .word = { COMMAND_MAIL_RECEIVE, 0 } };
    CHECK_EQUAL(command(&agent, &answer), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(command_words(&agent, COMMAND_MAIL_SEND, 0, 1, 0), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_revoke(endpoint, nullptr), STATUS_OK);
    CHECK_EQUAL(command_words(&agent, COMMAND_MAIL_RECEIVE, 0, 0, 0), STATUS_BAD_HANDLE);
    CHECK_EQUAL(mail_send(sender, &message), STATUS_BAD_HANDLE);
    end_agent(&agent);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

/* Calls the agent by the short way into the kernel or by the long one. */
static uint64_t pieces_of(struct agent const *agent, struct message *pieces, bool short_way)
{
    *pieces = (struct message){ .word = { COMMAND_MAIL_PIECES, 0 } };
    CHECK_EQUAL(ipc_call(agent->endpoint, pieces, short_way ? TIMEOUT_FOREVER : 1'000'000'000), STATUS_OK);
    return pieces->word[0];
}

/* The instructions serve the thread that was bound, and none that the hart runs meanwhile; what it had begun is over. */
static void mail_instructions_are_bound(void)
{
    if (!USER_HAS_MAIL_INSTRUCTIONS || mail_bind() != STATUS_OK) return;
    struct agent agent = start_agent();
    uint32_t endpoint = 0, shared = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_SEND | RIGHT_RECEIVE | RIGHT_GRANT, 9, &shared), STATUS_OK);
    agent_keep(&agent, shared, false);
    struct message message = { .word = { 1, 2, 3, 4, 5, 6, 7, 8 } }, pieces;
    for (unsigned short_way = 0; short_way <= 1; short_way++) {
        CHECK_EQUAL(mail_send(endpoint, &message), STATUS_OK);
        user_mail_stage(message.word);
        CHECK_EQUAL(mail_answer_get_status(user_mail_receive(endpoint)), MAIL_STATUS_OK);
        CHECK_EQUAL(pieces_of(&agent, &pieces, short_way), MAIL_STATUS_UNBOUND);
        CHECK_EQUAL(pieces.word[1], MAIL_STATUS_UNBOUND);
        CHECK_EQUAL(pieces.word[2], 0);
        CHECK_EQUAL(pieces.word[3], MAIL_STATUS_LOST);
        /* Discarded: the message is still there, and nothing was sent. */
        CHECK_EQUAL(mail_answer_get_status(user_mail_pop()), MAIL_STATUS_LOST);
        CHECK_EQUAL(mail_answer_get_status(user_mail_send(endpoint)), MAIL_STATUS_RETRY);
        CHECK_EQUAL(mail_receive(endpoint, &message), STATUS_OK);
        for (size_t i = 0; i < MESSAGE_WORDS; i++) CHECK_EQUAL(message.word[i], i + 1);
        CHECK_EQUAL(mail_receive(endpoint, &message), STATUS_WOULD_BLOCK);
    }
    /* Bound as well, the agent gets what is its own and nothing of this thread's. */
    CHECK_EQUAL(command_words(&agent, COMMAND_MAIL_RECEIVE, 0, 0, 0), STATUS_WOULD_BLOCK);
    for (unsigned short_way = 0; short_way <= 1; short_way++) {
        user_mail_stage(message.word);
        CHECK_EQUAL(pieces_of(&agent, &pieces, short_way), MAIL_STATUS_OK);
        CHECK_EQUAL(pieces.word[1], MAIL_STATUS_OK);
        CHECK_EQUAL(pieces.word[2], 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8);
        CHECK_EQUAL(pieces.word[3], MAIL_STATUS_OK);
        CHECK_EQUAL(mail_answer_get_status(user_mail_send(endpoint)), MAIL_STATUS_RETRY);
    }
    /* It ends; who runs next has not asked for the instructions. */
    uint32_t next = start_hostile(DEED_MAIL_INSTRUCTION, 0, shared);
    end_agent(&agent);
    uint64_t status;
    CHECK_EQUAL(await_end(next, &status), EXIT_REASON_EXITED);
    CHECK_EQUAL(status, MAIL_STATUS_UNBOUND);
    CHECK_EQUAL(mail_receive(endpoint, &message), STATUS_WOULD_BLOCK);
    CHECK_EQUAL(capability_delete(shared), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

/* A sender that changes its message, after it was sent and before it is received, has changed nothing: words, capabilities and
   badge are those of the system call. A capability that was deleted meanwhile is none, whatever fills its slot. */
static void message_changed_behind_the_check(void)
{
    for (unsigned capability_too = 0; capability_too <= 1; capability_too++) {
        uint32_t endpoint = 0, sender = 0, badge = 0;
        CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
        CHECK_EQUAL(capability_derive(endpoint, RIGHT_SEND | RIGHT_GRANT, 9, &sender), STATUS_OK);
        uint32_t process = start_hostile(DEED_CHANGE_MESSAGE, capability_too, sender);
        struct message message = {};
        for (unsigned i = 0; i < 1000 && mail_receive(endpoint, &message) != STATUS_OK; i++) thread_yield();
        CHECK_EQUAL(message.badge, 9);
        for (size_t i = 0; i < MESSAGE_WORDS; i++) CHECK_EQUAL(message.word[i], 11 + i);
        message = (struct message){};
        CHECK_EQUAL(ipc_receive(endpoint, &message, 0), capability_too ? STATUS_WOULD_BLOCK : STATUS_OK);
        CHECK_EQUAL(message.badge, capability_too ? 0 : 9);
        CHECK_EQUAL(message.count, capability_too ? 0 : 1);
        for (size_t i = 0; i < MESSAGE_WORDS; i++) CHECK_EQUAL(message.word[i], capability_too ? 0 : i + 1);
        if (message.count == 1) {
            uint32_t got = message.capability[0];
            CHECK_EQUAL(capability_check(got, CAP_TYPE_ENDPOINT, RIGHT_SEND | RIGHT_GRANT, &badge), STATUS_OK);
            CHECK_EQUAL(badge, 5);
            CHECK_EQUAL(capability_check(got, CAP_TYPE_ENDPOINT, RIGHT_RECEIVE, nullptr), STATUS_MISSING_RIGHTS);
            CHECK_EQUAL(capability_delete(got), STATUS_OK);
        }
        uint64_t value;
        CHECK_EQUAL(await_end(process, &value), EXIT_REASON_EXITED);
        CHECK_EQUAL(value, capability_too ? STATUS_BAD_HANDLE : STATUS_OK);
        CHECK_EQUAL(capability_delete(sender), STATUS_OK);
        CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    }
}

struct tap_test const IPC_TESTS[] = {
    { "the receiver learns the sender's badge", words_and_badge },
    { "a message leaves no residue", no_residue },
    { "a reply needs a caller", reply_to_nobody },
    { "a caller learns that the receiver died", receiver_crashes },
    { "a caller learns that the receiver dropped it", receiver_forgets },
    { "a caller learns that nobody can receive", no_receiver_left },
    { "the short way is checked like all others", short_way_is_checked },
    { "an error leaves no residue", error_leaves_no_residue },
    { "many calls in a row", many_messages },
    { "a message that its sender changes later is the one that was sent", message_changed_behind_the_check },
    { "mail keeps order and badge, and refuses when full", mail },
    { "mail of two processes is not mixed up", mail_of_two },
    { "mail is taken by another process", mail_across },
    { "mail instructions serve the thread that is bound", mail_instructions_are_bound },
};
size_t const IPC_TEST_COUNT = sizeof IPC_TESTS / sizeof *IPC_TESTS;
