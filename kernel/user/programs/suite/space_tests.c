/* space_tests.c: capabilities put into the space of another process, sealed spaces, and registries of names. */
#include "suite.h"

static uint32_t make_endpoint(void)
{
    uint32_t endpoint = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    return endpoint;
}

static uint32_t derive(uint32_t from, uint16_t rights)
{
    uint32_t derived = 0;
    CHECK_EQUAL(capability_derive(from, rights, 0, &derived), STATUS_OK);
    return derived;
}

static uint32_t space_of(struct agent const *agent)
{
    uint32_t made = 0;
    CHECK_EQUAL(process_space(agent->process, &made), STATUS_OK);
    return made;
}

static enum status check_there(struct agent const *agent, uint32_t handle)
{
    return (enum status)command_words(agent, COMMAND_CHECK_HANDLE, handle, CAP_TYPE_ENDPOINT, RIGHT_SEND);
}

static void copies_and_moves(void)
{
    struct agent agent = start_agent();
    uint32_t there = space_of(&agent), endpoint = make_endpoint(), copied = 0, moved = 0, none = 0;
    uint32_t sender = derive(endpoint, RIGHT_SEND | RIGHT_GRANT), fixed = derive(endpoint, RIGHT_SEND);
    CHECK_EQUAL(capability_copy(sender, there, &copied), STATUS_OK);
    CHECK_EQUAL(check_there(&agent, copied), STATUS_OK);
    CHECK_EQUAL(capability_move(sender, there, &moved), STATUS_OK);
    CHECK_EQUAL(check_there(&agent, moved), STATUS_OK);
    CHECK_EQUAL(capability_check(sender, CAP_TYPE_ENDPOINT, RIGHT_SEND, nullptr), STATUS_BAD_HANDLE);
    CHECK_EQUAL(capability_copy(fixed, there, &none), STATUS_MISSING_RIGHTS);
    uint64_t revoked = 0;
    CHECK_EQUAL(capability_revoke(endpoint, &revoked), STATUS_OK);
    CHECK_EQUAL(revoked, 3);
    CHECK_EQUAL(check_there(&agent, copied), STATUS_BAD_HANDLE);
    CHECK_EQUAL(check_there(&agent, moved), STATUS_BAD_HANDLE);
    /* In one's own space a copy is one more capability. */
    CHECK_EQUAL(capability_copy(endpoint, space, &copied), STATUS_OK);
    CHECK_EQUAL(capability_check(copied, CAP_TYPE_ENDPOINT, RIGHT_SEND | RIGHT_RECEIVE, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_delete(copied), STATUS_OK);
    end_agent(&agent);
    CHECK_EQUAL(capability_copy(endpoint, there, &copied), STATUS_DEAD);
    CHECK_EQUAL(capability_move(endpoint, there, &copied), STATUS_DEAD);
    CHECK_EQUAL(capability_check(endpoint, CAP_TYPE_ENDPOINT, RIGHT_SEND, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    CHECK_EQUAL(capability_delete(there), STATUS_OK);
}

/* The space of a process allows no new processes, whoever made it. */
static void no_processes(void)
{
    struct agent agent = start_agent();
    uint32_t there = space_of(&agent), process = 0;
    struct message start = { .capability = { console }, .count = 1 };
    CHECK_EQUAL(process_create(there, "hostile", &start, &process), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_delete(there), STATUS_OK);
    end_agent(&agent);
}

static void seals(void)
{
    struct agent agent = start_agent();
    uint32_t there = space_of(&agent), endpoint = make_endpoint(), copied = 0;
    uint64_t used = 0, limit = 0;
    CHECK_EQUAL(space_info(there, &used, &limit), STATUS_OK);
    CHECK(used > 0 && used < limit);
    CHECK_EQUAL(space_seal(there, (uint32_t)used - 1), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(space_seal(there, (uint32_t)limit + 1), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(space_seal(there, (uint32_t)used + 1), STATUS_OK);
    CHECK_EQUAL(space_seal(there, (uint32_t)used + 2), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(capability_copy(endpoint, there, &copied), STATUS_OK);
    CHECK_EQUAL(capability_copy(endpoint, there, &copied), STATUS_NO_SLOTS);
    CHECK_EQUAL(capability_move(endpoint, there, &copied), STATUS_NO_SLOTS);
    uint64_t now = 0;
    CHECK_EQUAL(space_info(there, &now, &limit), STATUS_OK);
    CHECK(now == used + 1 && limit == used + 1);
    CHECK_EQUAL(capability_revoke(endpoint, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_copy(endpoint, there, &copied), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    end_agent(&agent);
    CHECK_EQUAL(space_info(there, &used, &limit), STATUS_DEAD);
    CHECK_EQUAL(space_seal(there, 1), STATUS_DEAD);
    CHECK_EQUAL(capability_delete(there), STATUS_OK);
}

static void names(void)
{
    uint32_t registry = 0, endpoint = make_endpoint(), found = 0, badge = 0, sender = 0;
    CHECK_EQUAL(registry_create(&registry), STATUS_OK);
    CHECK_EQUAL(capability_derive(endpoint, RIGHT_SEND | RIGHT_GRANT | RIGHT_REVOKE, 5, &sender), STATUS_OK);
    CHECK_EQUAL(registry_lookup(registry, "files", &found), STATUS_NOT_FOUND);
    CHECK_EQUAL(registry_register(registry, "files", sender), STATUS_OK);
    CHECK_EQUAL(registry_register(registry, "files", endpoint), STATUS_EXISTS);
    CHECK_EQUAL(registry_lookup(registry, "file", &found), STATUS_NOT_FOUND);
    CHECK_EQUAL(registry_lookup(registry, "files", &found), STATUS_OK);
    CHECK_EQUAL(capability_check(found, CAP_TYPE_ENDPOINT, RIGHT_SEND, &badge), STATUS_OK);
    CHECK_EQUAL(badge, 5);
    CHECK_EQUAL(capability_check(found, CAP_TYPE_ENDPOINT, RIGHT_RECEIVE, nullptr), STATUS_MISSING_RIGHTS);
    /* Revoking what was registered ends what was found, and the name. */
    CHECK_EQUAL(capability_revoke(sender, nullptr), STATUS_OK);
    CHECK_EQUAL(capability_check(found, CAP_TYPE_ENDPOINT, RIGHT_SEND, nullptr), STATUS_BAD_HANDLE);
    CHECK_EQUAL(registry_lookup(registry, "files", &found), STATUS_NOT_FOUND);
    CHECK_EQUAL(registry_register(registry, "files", sender), STATUS_OK);
    CHECK_EQUAL(registry_unregister(registry, "files"), STATUS_OK);
    CHECK_EQUAL(registry_unregister(registry, "files"), STATUS_NOT_FOUND);
    CHECK_EQUAL(registry_lookup(registry, "files", &found), STATUS_NOT_FOUND);
    /* More names than a table has places; the registry goes with all of them. */
    char name[] = "server 00";
    for (unsigned i = 0; i < 100; i++) {
        name[7] = (char)('0' + i / 10);
        name[8] = (char)('0' + i % 10);
        CHECK_EQUAL(registry_register(registry, name, sender), STATUS_OK);
    }
    CHECK_EQUAL(registry_lookup(registry, "server 73", &found), STATUS_OK);
    CHECK_EQUAL(capability_delete(found), STATUS_OK);
    CHECK_EQUAL(capability_delete(registry), STATUS_OK);
    CHECK_EQUAL(capability_delete(sender), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

static void bad_names(void)
{
    uint32_t registry = 0, endpoint = make_endpoint(), found = 0;
    CHECK_EQUAL(registry_create(&registry), STATUS_OK);
    CHECK_EQUAL(registry_register(registry, "", endpoint), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(registry_register(registry, "a name of 32 bytes is too long..", endpoint), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(registry_register(registry, "a name of 31 bytes is good.....", endpoint), STATUS_OK);
    CHECK_EQUAL(registry_lookup(registry, "a name of 31 bytes is good.....", &found), STATUS_OK);
    CHECK_EQUAL(capability_delete(found), STATUS_OK);
    for (enum call number = CALL_REGISTRY_REGISTER; number <= CALL_REGISTRY_UNREGISTER; number++) {
        struct user_call call = { .word = { USER_KERNEL_ADDRESS, 4, endpoint, [CALL_HANDLE] = registry } };
        CHECK_EQUAL(system_call(&call, number), STATUS_BAD_POINTER);
        call = (struct user_call){ .word = { (uintptr_t)"a\0b", 3, endpoint, [CALL_HANDLE] = registry } };
        CHECK_EQUAL(system_call(&call, number), STATUS_BAD_ARGUMENT);
    }
    CHECK_EQUAL(capability_delete(registry), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

/* The names of a process end with it, and count as its objects. */
static void names_end_with_their_process(void)
{
    struct agent agent = start_agent();
    uint32_t registry = 0, endpoint = make_endpoint(), found = 0;
    CHECK_EQUAL(registry_create(&registry), STATUS_OK);
    agent_keep(&agent, registry, false);
    agent_keep(&agent, endpoint, false);
    CHECK_EQUAL(command_words(&agent, COMMAND_REGISTER, 0, 1, 0), STATUS_OK);
    CHECK_EQUAL(registry_lookup(registry, "agent", &found), STATUS_OK);
    CHECK_EQUAL(capability_delete(found), STATUS_OK);
    struct process_state state = {};
    CHECK_EQUAL(process_info(agent.process, &state), STATUS_OK);
    CHECK_EQUAL(state.quota[RESOURCE_OBJECTS].used, 1);
    CHECK_EQUAL(registry_unregister(registry, "agent"), STATUS_OK);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_OBJECTS, 0), STATUS_OK);
    CHECK_EQUAL(command_words(&agent, COMMAND_REGISTER, 0, 1, 0), STATUS_NO_OBJECTS);
    end_agent(&agent);
    agent = start_agent();
    agent_keep(&agent, registry, false);
    agent_keep(&agent, endpoint, false);
    CHECK_EQUAL(command_words(&agent, COMMAND_REGISTER, 0, 1, 0), STATUS_OK);
    end_agent(&agent);
    CHECK_EQUAL(registry_lookup(registry, "agent", &found), STATUS_NOT_FOUND);
    CHECK_EQUAL(capability_delete(registry), STATUS_OK);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

struct tap_test const SPACE_TESTS[] = {
    { "capabilities are put into another space", copies_and_moves },
    { "the space of a process makes no processes", no_processes },
    { "a sealed space stays sealed", seals },
    { "names lead to endpoints until they are revoked", names },
    { "bad names are refused", bad_names },
    { "names end with their process", names_end_with_their_process },
};
size_t const SPACE_TEST_COUNT = sizeof SPACE_TESTS / sizeof *SPACE_TESTS;
