/* suite.c: the booted test: runs every test and ends the machine with 0 or 1. Capabilities: console, CAP_SPACE, KERNEL. */
#include "suite.h"

uint32_t space, kernel;
bool unit_present;

uint32_t start_hostile(enum deed deed, uint64_t argument, uint32_t capability)
{
    struct message start = { .word = { deed, argument }, .capability = { console, capability },
                             .count = capability != 0 ? 2 : 1 };
    uint32_t process = 0;
    CHECK_EQUAL(process_create(space, "hostile", &start, &process), STATUS_OK);
    return process;
}

enum exit_reason await_end(uint32_t process, uint64_t *value)
{
    enum exit_reason reason = EXIT_REASON_KILLED;
    *value = 0;
    CHECK_EQUAL(process_wait(process, TIMEOUT_FOREVER, &reason, value), STATUS_OK);
    CHECK_EQUAL(capability_delete(process), STATUS_OK);
    return reason;
}

void expect_end(enum deed deed, uint64_t argument, enum exit_reason reason, uint64_t value)
{
    uint64_t actual;
    CHECK_EQUAL(await_end(start_hostile(deed, argument, 0), &actual), reason);
    CHECK_EQUAL(actual, value);
}

struct agent start_agent(void)
{
    struct agent agent = {};
    uint32_t receiver = 0;
    CHECK_EQUAL(endpoint_create(&agent.endpoint), STATUS_OK);
    CHECK_EQUAL(capability_derive(agent.endpoint, RIGHT_RECEIVE | RIGHT_GRANT, 0, &receiver), STATUS_OK);
    struct message start = { .word = { DEED_AGENT }, .capability = { console, receiver }, .count = 2, .move = 2 };
    CHECK_EQUAL(process_create(space, "hostile", &start, &agent.process), STATUS_OK);
    return agent;
}

void end_agent(struct agent *agent)
{
    struct message message = { .word = { COMMAND_LEAVE } };
    CHECK_EQUAL(ipc_call(agent->endpoint, &message, TIMEOUT_FOREVER), STATUS_DEAD);
    uint64_t value;
    CHECK_EQUAL(await_end(agent->process, &value), EXIT_REASON_EXITED);
    CHECK_EQUAL(value, 0);
    CHECK_EQUAL(capability_delete(agent->endpoint), STATUS_OK);
}

uint64_t command(struct agent const *agent, struct message *message)
{
    CHECK_EQUAL(ipc_call(agent->endpoint, message, TIMEOUT_FOREVER), STATUS_OK);
    return message->word[0];
}

uint64_t command_words(struct agent const *agent, enum command number, uint64_t first, uint64_t second, uint64_t third)
{
    struct message message = { .word = { number, first, second, third } };
    return command(agent, &message);
}

void agent_keep(struct agent const *agent, uint32_t capability, bool move)
{
    struct message message = { .word = { COMMAND_KEEP }, .capability = { capability }, .count = 1, .move = move };
    CHECK_EQUAL(command(agent, &message), STATUS_OK);
    CHECK_EQUAL(message.word[1], 1);
}

/* All tests as one plan. */
static struct tap_test plan[160];
static size_t planned;

static void add(struct tap_test const *tests, size_t count)
{
    for (size_t i = 0; i < count && planned < sizeof plan / sizeof *plan; i++) plan[planned++] = tests[i];
}

static struct statistics before;
static struct quota quotas_before[RESOURCES];

/* Every test gives back what it took: the whole system's counts and this process's quotas are what they were. Ids that were retired meanwhile are
   counted, and the frames of page tables that this process has from the start on are its own. */
static void all_is_given_back(void)
{
    struct statistics now = {};
    CHECK_EQUAL(kernel_statistics(kernel, &now), STATUS_OK);
    CHECK_EQUAL(now.frames, before.frames);
    CHECK_EQUAL(now.slots, before.slots);
    CHECK_EQUAL(now.objects, before.objects);
    CHECK_EQUAL(now.spaces, before.spaces);
    CHECK_EQUAL(now.processes, before.processes);
    CHECK_EQUAL(now.threads, before.threads);
    before = now;
    struct quota quotas[RESOURCES];
    process_quotas(quotas);
    for (size_t i = 0; i < RESOURCES; i++) {
        CHECK_EQUAL(quotas[i].used, quotas_before[i].used);
        CHECK_EQUAL(quotas[i].limit, quotas_before[i].limit);
        quotas_before[i] = quotas[i];
    }
}

/* Makes the page tables of the places where tests map something, and takes the first counts. */
static void prepare_counts(void)
{
    for (unsigned i = 1; i <= 2; i++) {
        uint32_t memory = 0;
        memory_create(PAGE_BYTES, &memory);
        memory_map(memory, i * SHARED_ADDRESS, RIGHT_READ);
        capability_delete(memory);
    }
    kernel_statistics(kernel, &before);
    process_quotas(quotas_before);
    tap_afterwards = all_is_given_back;
}

int main(struct user_call *start)
{
    space = start_capability(start, 1);
    kernel = start_capability(start, 2);
    uint64_t words[3] = {};
    unit_present = kernel_control(kernel, KERNEL_CONTROL_GET_ACCELERATOR, words) == STATUS_OK && words[0] == 1;
    add(CALL_TESTS, CALL_TEST_COUNT);
    add(FAULT_TESTS, FAULT_TEST_COUNT);
    add(CAPABILITY_TESTS, CAPABILITY_TEST_COUNT);
    add(REVOCATION_TESTS, REVOCATION_TEST_COUNT);
    add(IPC_TESTS, IPC_TEST_COUNT);
    add(CHANNEL_TESTS, CHANNEL_TEST_COUNT);
    add(MEMORY_TESTS, MEMORY_TEST_COUNT);
    add(ADDRESS_SPACE_TESTS, ADDRESS_SPACE_TEST_COUNT);
    add(NOTIFICATION_TESTS, NOTIFICATION_TEST_COUNT);
    add(PROCESS_TESTS, PROCESS_TEST_COUNT);
    add(QUOTA_TESTS, QUOTA_TEST_COUNT);
    add(DEVICE_TESTS, DEVICE_TEST_COUNT);
    add(THREAD_TESTS, THREAD_TEST_COUNT);
    add(SPACE_TESTS, SPACE_TEST_COUNT);
    add(RIGHTS_TESTS, RIGHTS_TEST_COUNT);
    add(TIME_TESTS, TIME_TEST_COUNT);
    add(RESERVATION_TESTS, RESERVATION_TEST_COUNT);
    prepare_counts();
    size_t failed = tap_run(plan, planned);
    print("# %zu of %zu failed\n", failed, planned);
    uint64_t code[3] = { failed == 0 ? 0 : 1 };
    kernel_control(kernel, KERNEL_CONTROL_SHUTDOWN, code);
    return 1;
}
