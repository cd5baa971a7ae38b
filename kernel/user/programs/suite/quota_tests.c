/* quota_tests.c: quotas of processes come out of their makers', and go back. */
#include "suite.h"

static enum status const SHORTAGE[RESOURCES] = {
    [RESOURCE_FRAMES] = STATUS_NO_MEMORY, [RESOURCE_SLOTS] = STATUS_NO_SLOTS, [RESOURCE_OBJECTS] = STATUS_NO_OBJECTS,
    [RESOURCE_THREADS] = STATUS_NO_THREADS,
};

static struct process_state state_of(uint32_t process)
{
    struct process_state state = {};
    CHECK_EQUAL(process_info(process, &state), STATUS_OK);
    return state;
}

/* Our own limits are those of `before`, less what is in the array, times `count`. */
static void expect_less(struct quota const before[RESOURCES], uint64_t const less[RESOURCES], uint64_t count)
{
    struct quota now[RESOURCES];
    process_quotas(now);
    for (size_t i = 0; i < RESOURCES; i++) CHECK_EQUAL(now[i].limit, before[i].limit - count * less[i]);
}

static enum status try_quotas(uint64_t quotas, uint32_t *process)
{
    struct message start = { .word = { DEED_EXIT }, .capability = { console, console }, .count = 2 };
    return process_create_with(quotas, space, "hostile", &start, process);
}

static void come_from_the_maker(void)
{
    struct quota before[RESOURCES], now[RESOURCES];
    process_quotas(before);
    struct agent agent = start_agent();
    struct process_state state = state_of(agent.process);
    process_quotas(now);
    for (size_t i = 0; i < RESOURCES; i++) {
        CHECK(state.quota[i].limit > 0);
        CHECK_EQUAL(now[i].limit, before[i].limit - state.quota[i].limit);
    }
    CHECK_EQUAL(now[RESOURCE_OBJECTS].used, before[RESOURCE_OBJECTS].used + 2);      /* an endpoint, too */
    end_agent(&agent);
    /* As told. */
    uint64_t const amounts[RESOURCES] = { 100, 64, 20, 3 };
    uint32_t process = 0;
    uint64_t value;
    CHECK_EQUAL(try_quotas(quotas_make(100, 64, 20, 3), &process), STATUS_OK);
    state = state_of(process);
    for (size_t i = 0; i < RESOURCES; i++) CHECK_EQUAL(state.quota[i].limit, amounts[i]);
    expect_less(before, amounts, 1);
    CHECK_EQUAL(await_end(process, &value), EXIT_REASON_EXITED);
    /* More than there is of one, and less than it needs: nothing has changed. */
    for (size_t i = 0; i < RESOURCES; i++)
        CHECK_EQUAL(try_quotas(0xffffull << 16 * i, &process), SHORTAGE[i]);
    CHECK_EQUAL(try_quotas(quotas_make(1, 0, 0, 0), &process), STATUS_NO_MEMORY);
    CHECK_EQUAL(try_quotas(quotas_make(8, 0, 0, 0), &process), STATUS_NO_MEMORY);
    CHECK_EQUAL(try_quotas(quotas_make(0, 1, 0, 0), &process), STATUS_NO_SLOTS);
    expect_less(before, amounts, 0);
}

/* An agent that may make processes, and reaches those by endpoints of ours. */
static struct agent start_maker(void)
{
    struct agent agent = start_agent();
    agent_keep(&agent, space, false);
    return agent;
}

/* Has an agent make one, with its kept CAP_SPACE; `index` is where the agent keeps what it is given. Takes the process over. */
static enum status spawn(struct agent const *maker, uint64_t quotas, unsigned *index, struct agent *made)
{
    uint32_t receiver = 0;
    CHECK_EQUAL(endpoint_create(&made->endpoint), STATUS_OK);
    CHECK_EQUAL(capability_derive(made->endpoint, RIGHT_RECEIVE | RIGHT_GRANT, 0, &receiver), STATUS_OK);
    agent_keep(maker, receiver, true);
    enum status status = (enum status)command_words(maker, COMMAND_SPAWN, 0, quotas, (*index)++);
    if (status != STATUS_OK) {
        CHECK_EQUAL(capability_revoke(made->endpoint, nullptr), STATUS_OK);
        CHECK_EQUAL(capability_delete(made->endpoint), STATUS_OK);
        return status;
    }
    struct message message = { .word = { COMMAND_GIVE, (*index)++, 1 } };
    CHECK_EQUAL(command(maker, &message), STATUS_OK);
    made->process = message.capability[0];
    return status;
}

/* Who may make processes has no more for it: two children that take half of what there is of a resource, and no third; no
   child of theirs that has more than they. When the maker ends its children are ours, with what they have. */
static void nothing_is_multiplied(void)
{
    for (size_t resource = 0; resource < RESOURCES; resource++) {
        struct quota before[RESOURCES];
        process_quotas(before);
        struct agent maker = start_maker(), children[2], none;
        struct process_state at_first = state_of(maker.process);
        uint64_t amounts[RESOURCES] = { 40, 24, 8, 2 };
        amounts[resource] = (at_first.quota[resource].limit - at_first.quota[resource].used - (resource == RESOURCE_THREADS ? 0 : 8)) / 2;
        uint64_t quotas = quotas_make(amounts[0], amounts[1], amounts[2], amounts[3]);
        unsigned index = 1;
        for (size_t i = 0; i < 2; i++) CHECK_EQUAL(spawn(&maker, quotas, &index, &children[i]), STATUS_OK);
        CHECK_EQUAL(spawn(&maker, quotas, &index, &none), SHORTAGE[resource]);
        struct process_state now = state_of(maker.process);
        for (size_t i = 0; i < RESOURCES; i++) {
            uint64_t sum = now.quota[i].limit;
            for (size_t j = 0; j < 2; j++) sum += state_of(children[j].process).quota[i].limit;
            CHECK_EQUAL(sum, at_first.quota[i].limit);
            CHECK_EQUAL(state_of(children[0].process).quota[i].limit, amounts[i]);
        }
        agent_keep(&children[0], space, false);
        unsigned there = 1;
        CHECK_EQUAL(spawn(&children[0], (amounts[resource] + 1) << 16 * resource, &there, &none), SHORTAGE[resource]);
        end_agent(&maker);
        expect_less(before, amounts, 2);
        CHECK_EQUAL(process_limit(children[0].process, RESOURCE_OBJECTS, (uint32_t)amounts[RESOURCE_OBJECTS] + 1), STATUS_OK);
        CHECK_EQUAL(process_limit(children[0].process, RESOURCE_OBJECTS, (uint32_t)amounts[RESOURCE_OBJECTS]), STATUS_OK);
        expect_less(before, amounts, 2);
        for (size_t i = 0; i < 2; i++) end_agent(&children[i]);
        expect_less(before, amounts, 0);
    }
}

/* A chain of processes that each make one and end: the last has no more than the first, and what is in use stays charged. */
static void chains_end(void)
{
    struct quota before[RESOURCES];
    process_quotas(before);
    struct agent last = start_maker(), next;
    uint64_t const amounts[RESOURCES] = { 64, 40, 12, 2 };
    for (unsigned i = 0; i < 5; i++) {
        unsigned index = 1;
        CHECK_EQUAL(spawn(&last, quotas_make(64, 40, 12, 2), &index, &next), STATUS_OK);
        end_agent(&last);
        last = next;
        agent_keep(&last, space, false);
        expect_less(before, amounts, 1);
        /* We are its maker now. */
        for (size_t j = 0; j < RESOURCES; j++)
            CHECK_EQUAL(process_limit(last.process, (enum resource)j, 4 * (uint32_t)amounts[j]), STATUS_OK);
        expect_less(before, amounts, 4);
    }
    /* What it made lives on in our space, and is missing until it goes. */
    struct message message = { .word = { COMMAND_CREATE, CAP_TYPE_MEMORY, 1, 1 } };
    CHECK_EQUAL(command(&last, &message), STATUS_OK);
    message = (struct message){ .word = { COMMAND_GIVE, 1, 1 } };
    CHECK_EQUAL(command(&last, &message), STATUS_OK);
    CHECK_EQUAL(message.count, 1);
    end_agent(&last);
    uint64_t const memory[RESOURCES] = { 2, 0, 1, 0 };
    expect_less(before, memory, 1);
    CHECK_EQUAL(capability_delete(message.capability[0]), STATUS_OK);
    expect_less(before, memory, 0);
}

static void limits_move(void)
{
    struct quota before[RESOURCES], now[RESOURCES];
    process_quotas(before);
    struct agent agent = start_agent(), other = start_agent();
    struct process_state state = state_of(agent.process), others = state_of(other.process);
    agent_keep(&other, agent.process, false);
    for (size_t i = 0; i < RESOURCES; i++) {
        enum resource resource = (enum resource)i;
        uint32_t limit = state.quota[i].limit;
        /* Whoever may manage it can take from it, for its maker; no more to give to it. */
        CHECK_EQUAL(command_words(&other, COMMAND_LIMIT, 0, i, limit - 1), STATUS_OK);
        CHECK_EQUAL(command_words(&other, COMMAND_LIMIT, 0, i, limit), STATUS_BAD_ARGUMENT);
        CHECK_EQUAL(state_of(other.process).quota[i].limit, others.quota[i].limit);
        process_quotas(now);
        CHECK_EQUAL(now[i].limit, before[i].limit - others.quota[i].limit - limit + 1);
        CHECK_EQUAL(process_limit(agent.process, resource, limit + 2), STATUS_OK);
        CHECK_EQUAL(state_of(agent.process).quota[i].limit, limit + 2);
        CHECK_EQUAL(process_limit(agent.process, resource, limit + now[i].limit - now[i].used), SHORTAGE[i]);
        CHECK_EQUAL(process_limit(agent.process, resource, ~0u), SHORTAGE[i]);
        CHECK_EQUAL(process_limit(agent.process, resource, limit), STATUS_OK);
    }
    CHECK_EQUAL(process_limit(agent.process, (enum resource)RESOURCES, 3), STATUS_BAD_ARGUMENT);
    /* What is sealed stays so, also for the maker. */
    uint32_t there = 0;
    CHECK_EQUAL(process_space(agent.process, &there), STATUS_OK);
    CHECK_EQUAL(space_seal(there, 50), STATUS_OK);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_SLOTS, 51), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_SLOTS, 40), STATUS_OK);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_SLOTS, 50), STATUS_OK);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_SLOTS, 51), STATUS_BAD_ARGUMENT);
    process_quotas(now);
    CHECK_EQUAL(now[RESOURCE_SLOTS].limit, before[RESOURCE_SLOTS].limit - others.quota[RESOURCE_SLOTS].limit - 50);
    CHECK_EQUAL(capability_delete(there), STATUS_OK);
    end_agent(&other);
    end_agent(&agent);
}

/* The slots of what has just been revoked are left for a process, though nobody has taken them back yet. */
static void revoked_slots_are_left(void)
{
    constexpr uint32_t COPIES = 60, SPARE = 8;
    struct agent maker = start_maker(), made;
    uint32_t endpoint = 0, there = 0, copied;
    uint64_t revoked = 0;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    CHECK_EQUAL(process_space(maker.process, &there), STATUS_OK);
    for (uint32_t i = 0; i < COPIES; i++) CHECK_EQUAL(capability_copy(endpoint, there, &copied), STATUS_OK);
    uint32_t used = state_of(maker.process).quota[RESOURCE_SLOTS].used;
    CHECK_EQUAL(process_limit(maker.process, RESOURCE_SLOTS, used + SPARE), STATUS_OK);
    CHECK_EQUAL(capability_revoke(endpoint, &revoked), STATUS_OK);
    CHECK_EQUAL(revoked, COPIES);
    /* Half of them, but for the one that holds what the new process receives by. */
    unsigned index = 1;
    CHECK_EQUAL(spawn(&maker, 0, &index, &made), STATUS_OK);
    CHECK_EQUAL(state_of(made.process).quota[RESOURCE_SLOTS].limit, (COPIES + SPARE - 1) / 2);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
    CHECK_EQUAL(capability_delete(there), STATUS_OK);
    end_agent(&made);
    end_agent(&maker);
}

struct tap_test const QUOTA_TESTS[] = {
    { "quotas come out of the maker's and go back", come_from_the_maker },
    { "making processes multiplies nothing", nothing_is_multiplied },
    { "quotas of a chain of processes that end go back to the first", chains_end },
    { "limits move between a process and its maker", limits_move },
    { "slots of what was revoked are left for a new process", revoked_slots_are_left },
};
size_t const QUOTA_TEST_COUNT = sizeof QUOTA_TESTS / sizeof *QUOTA_TESTS;
