/* address_space_tests.c: memory mapped into the address space of another process, by whom that is allowed. */
#include "suite.h"

constexpr uint16_t READ_WRITE = RIGHT_READ | RIGHT_WRITE, READ_EXECUTE = RIGHT_READ | RIGHT_EXECUTE;

/* Where nothing is mapped that shares a page table with SHARED_ADDRESS. */
constexpr uintptr_t FAR_ADDRESS = 0x10'0000'0000;

static uint32_t make_memory(uint64_t bytes)
{
    uint32_t memory = 0;
    CHECK_EQUAL(memory_create(bytes, &memory), STATUS_OK);
    return memory;
}

static uint32_t derive(uint32_t from, uint16_t rights)
{
    uint32_t derived = 0;
    CHECK_EQUAL(capability_derive(from, rights, 0, &derived), STATUS_OK);
    return derived;
}

static uint32_t address_space_of(struct agent const *agent)
{
    uint32_t made = 0;
    CHECK_EQUAL(process_address_space(agent->process, &made), STATUS_OK);
    return made;
}

static uint16_t allowed(uint32_t address_space, uintptr_t address)
{
    uint16_t rights = RIGHT_ALL;
    CHECK_EQUAL(address_space_info(address_space, address, &rights), STATUS_OK);
    return rights;
}

static uint64_t read_there(struct agent const *agent, uintptr_t address)
{
    struct message message = { .word = { COMMAND_READ, address } };
    CHECK_EQUAL(command(agent, &message), STATUS_OK);
    return message.word[1];
}

/* The agent touches memory that it may not, which ends it. */
static void expect_fault(struct agent const *agent, enum command number, uintptr_t address)
{
    struct message message = { .word = { number, address } };
    enum status status = ipc_call(agent->endpoint, &message, TIMEOUT_FOREVER);
    CHECK_EQUAL(status, STATUS_DEAD);
    if (status == STATUS_OK) (void)process_kill(agent->process, 0);
    uint64_t value;
    CHECK_EQUAL(await_end(agent->process, &value), EXIT_REASON_MEMORY_FAULT);
    CHECK_EQUAL(value, address);
    CHECK_EQUAL(capability_delete(agent->endpoint), STATUS_OK);
}

static void drop(uint32_t capability) { CHECK_EQUAL(capability_delete(capability), STATUS_OK); }

static uint64_t used(struct agent const *agent, enum resource resource)
{
    struct process_state state = {};
    CHECK_EQUAL(process_info(agent->process, &state), STATUS_OK);
    return state.quota[resource].used;
}

static uint64_t used_here(enum resource resource)
{
    struct quota quotas[RESOURCES];
    process_quotas(quotas);
    return quotas[resource].used;
}

/* A child reads and writes what its maker has mapped there, and has no capability for. */
static void maps_into_another(void)
{
    struct agent agent = start_agent();
    uint32_t there = address_space_of(&agent), memory = make_memory(2 * PAGE_BYTES), second = derive(memory, READ_WRITE);
    uint64_t volatile *words = (uint64_t volatile *)SHARED_ADDRESS;
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    words[PAGE_BYTES / sizeof *words] = 0x1234;
    CHECK_EQUAL(allowed(there, 2 * SHARED_ADDRESS), 0);
    CHECK_EQUAL(memory_map_in(there, second, 2 * SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    CHECK_EQUAL(allowed(there, 2 * SHARED_ADDRESS + PAGE_BYTES), READ_WRITE);
    CHECK_EQUAL(allowed(there, 2 * SHARED_ADDRESS + 2 * PAGE_BYTES), 0);
    CHECK_EQUAL(allowed(0, 2 * SHARED_ADDRESS), 0);
    CHECK_EQUAL(read_there(&agent, 2 * SHARED_ADDRESS + PAGE_BYTES), 0x1234);
    CHECK_EQUAL(command_words(&agent, COMMAND_WRITE, 2 * SHARED_ADDRESS, 0x5678, 0), STATUS_OK);
    CHECK_EQUAL(words[0], 0x5678);
    uint64_t bytes = 0;
    uintptr_t address = 0;
    CHECK_EQUAL(memory_info(second, &bytes, &address), STATUS_OK);
    CHECK_EQUAL(address, 2 * SHARED_ADDRESS);
    /* One mapping a capability, in one place, with the rules of one's own. */
    CHECK_EQUAL(memory_map(second, 2 * SHARED_ADDRESS, RIGHT_READ), STATUS_BAD_ARGUMENT);
    uint32_t third = derive(memory, READ_EXECUTE);
    CHECK_EQUAL(memory_map_in(there, third, 2 * SHARED_ADDRESS + PAGE_BYTES, RIGHT_READ), STATUS_OVERLAP);
    CHECK_EQUAL(memory_map_in(there, third, PROCESS_STACK_END - PAGE_BYTES, RIGHT_READ), STATUS_OVERLAP);
    CHECK_EQUAL(memory_map_in(there, memory, FAR_ADDRESS, RIGHT_WRITE | RIGHT_EXECUTE), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_map_in(there, third, USER_KERNEL_ADDRESS, RIGHT_READ), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(memory_map_in(there, third, SHARED_ADDRESS, READ_WRITE), STATUS_MISSING_RIGHTS);
    /* It is not where the caller looks if he names no space. */
    CHECK_EQUAL(memory_protect(second, 2 * SHARED_ADDRESS, RIGHT_READ), STATUS_NOT_FOUND);
    CHECK_EQUAL(memory_unmap(second, SHARED_ADDRESS), STATUS_NOT_FOUND);
    CHECK_EQUAL(memory_unmap(second, 2 * SHARED_ADDRESS), STATUS_OK);
    CHECK_EQUAL(allowed(there, 2 * SHARED_ADDRESS), 0);
    expect_fault(&agent, COMMAND_READ, 2 * SHARED_ADDRESS);
    drop(there);
    CHECK_EQUAL(capability_revoke(memory, nullptr), STATUS_OK);
    drop(memory);
}

[[gnu::noinline, gnu::aligned(64)]] static uint64_t triple(uint64_t value) { return value * 3 + 1; }

/* A loader in user mode: code goes to where its process has never written. */
static void loads_code(void)
{
    struct agent agent = start_agent();
    uint32_t there = address_space_of(&agent), memory = make_memory(PAGE_BYTES), code = derive(memory, READ_EXECUTE);
    CHECK_EQUAL(memory_map(memory, SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    for (size_t i = 0; i < 64; i++) ((uint8_t volatile *)SHARED_ADDRESS)[i] = ((uint8_t const volatile *)triple)[i];
    CHECK_EQUAL(memory_map_in(there, code, SHARED_ADDRESS, READ_EXECUTE), STATUS_OK);
    CHECK_EQUAL(allowed(there, SHARED_ADDRESS), READ_EXECUTE);
    struct message message = { .word = { COMMAND_FUNCTION, SHARED_ADDRESS, 5 } };
    CHECK_EQUAL(command(&agent, &message), STATUS_OK);
    CHECK_EQUAL(message.word[1], triple(5));
    CHECK_EQUAL(memory_protect_in(there, code, SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    expect_fault(&agent, COMMAND_FUNCTION, SHARED_ADDRESS);
    drop(there);
    drop(code);
    drop(memory);
}

/* What a page was is forgotten at once, also where its process has just used it: whatever place of a lookaside buffer it has. */
static void translations_are_forgotten(void)
{
    constexpr size_t PAGES = 32;
    struct agent agent = start_agent();
    uint32_t there = address_space_of(&agent), memory[2];
    for (size_t i = 0; i < 2; i++) {
        memory[i] = make_memory(PAGES * PAGE_BYTES);
        CHECK_EQUAL(memory_map(memory[i], SHARED_ADDRESS, READ_WRITE), STATUS_OK);
        for (size_t page = 0; page < PAGES; page++) *(uint64_t volatile *)(SHARED_ADDRESS + page * PAGE_BYTES) = i;
        CHECK_EQUAL(memory_unmap(memory[i], SHARED_ADDRESS), STATUS_OK);
    }
    for (size_t page = 0; page < PAGES; page++) {
        uintptr_t address = SHARED_ADDRESS + page * PAGE_BYTES;
        CHECK_EQUAL(memory_map_in(there, memory[page % 2], SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
        CHECK_EQUAL(read_there(&agent, address), page % 2);
        CHECK_EQUAL(memory_unmap(memory[page % 2], SHARED_ADDRESS), STATUS_OK);
        CHECK_EQUAL(command_words(&agent, COMMAND_TEXT, address, 1, 0), STATUS_BAD_POINTER);
    }
    CHECK_EQUAL(memory_map_in(there, memory[0], SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    uintptr_t address = SHARED_ADDRESS + PAGES / 2 * PAGE_BYTES;
    CHECK_EQUAL(read_there(&agent, address), 0);
    CHECK_EQUAL(memory_protect_in(there, memory[0], SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    CHECK_EQUAL(command_words(&agent, COMMAND_WRITE, address, 7, 0), STATUS_OK);
    CHECK_EQUAL(memory_protect_in(there, memory[0], SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    expect_fault(&agent, COMMAND_WRITE, address);
    drop(there);
    drop(memory[0]);
    drop(memory[1]);
}

/* READ looks, WRITE maps, EXECUTE maps code; whoever is refused has changed nothing. */
static void each_right(void)
{
    struct agent agent = start_agent();
    uint32_t there = address_space_of(&agent), memory = make_memory(PAGE_BYTES), code = derive(memory, READ_EXECUTE);
    uint32_t no_read = derive(there, RIGHT_WRITE | RIGHT_EXECUTE), no_write = derive(there, READ_EXECUTE);
    uint32_t data = derive(there, READ_WRITE);
    uint16_t rights = 0;
    CHECK_EQUAL(memory_map_in(no_read, memory, SHARED_ADDRESS, RIGHT_READ), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(memory_map_in(no_write, memory, SHARED_ADDRESS, RIGHT_READ), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(memory_map_in(no_write, code, SHARED_ADDRESS, READ_EXECUTE), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(memory_map_in(data, code, SHARED_ADDRESS, READ_EXECUTE), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(memory_map_in(agent.process, memory, SHARED_ADDRESS, RIGHT_READ), STATUS_WRONG_TYPE);
    CHECK_EQUAL(memory_map_in(memory, memory, SHARED_ADDRESS, RIGHT_READ), STATUS_WRONG_TYPE);
    CHECK_EQUAL(memory_map_in(1, memory, SHARED_ADDRESS, RIGHT_READ), STATUS_BAD_HANDLE);
    CHECK_EQUAL(address_space_info(no_read, SHARED_ADDRESS, &rights), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(allowed(there, SHARED_ADDRESS), 0);
    CHECK_EQUAL(memory_map_in(data, code, SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(memory_protect_in(data, code, SHARED_ADDRESS, READ_EXECUTE), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(memory_protect_in(no_write, code, SHARED_ADDRESS, READ_EXECUTE), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(address_space_unmap(no_write, SHARED_ADDRESS), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(allowed(no_write, SHARED_ADDRESS), RIGHT_READ);
    CHECK_EQUAL(memory_protect_in(there, code, SHARED_ADDRESS, READ_EXECUTE), STATUS_OK);
    CHECK_EQUAL(address_space_unmap(no_read, SHARED_ADDRESS), STATUS_OK);
    /* Nobody ends an address space but by its process. */
    CHECK_EQUAL(capability_destroy(there), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_revoke(there, nullptr), STATUS_OK);
    CHECK_EQUAL(memory_map_in(data, code, SHARED_ADDRESS, RIGHT_READ), STATUS_BAD_HANDLE);
    end_agent(&agent);
    drop(there);
    drop(code);
    drop(memory);
}

/* With the process its address space is gone, and so are the mappings there; the memory goes on. */
static void ends_with_its_process(void)
{
    struct agent agent = start_agent();
    uint32_t there = address_space_of(&agent), again = address_space_of(&agent), memory = make_memory(PAGE_BYTES), none = 0;
    CHECK_EQUAL(memory_map_in(there, memory, SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    CHECK_EQUAL(command_words(&agent, COMMAND_WRITE, SHARED_ADDRESS, 0x77, 0), STATUS_OK);
    struct message message = { .word = { COMMAND_LEAVE } };
    CHECK_EQUAL(ipc_call(agent.endpoint, &message, TIMEOUT_FOREVER), STATUS_DEAD);
    uint64_t objects = used_here(RESOURCE_OBJECTS), value, bytes = 0;
    uintptr_t address = 1;
    uint16_t rights = 0;
    CHECK_EQUAL(capability_check(there, CAP_TYPE_ADDRESS_SPACE, RIGHT_WRITE, nullptr), STATUS_STALE);
    CHECK_EQUAL(memory_map_in(there, memory, SHARED_ADDRESS, RIGHT_READ), STATUS_STALE);
    CHECK_EQUAL(memory_protect_in(there, memory, SHARED_ADDRESS, RIGHT_READ), STATUS_STALE);
    CHECK_EQUAL(address_space_info(there, SHARED_ADDRESS, &rights), STATUS_STALE);
    CHECK_EQUAL(address_space_unmap(again, SHARED_ADDRESS), STATUS_STALE);
    CHECK_EQUAL(process_address_space(agent.process, &none), STATUS_DEAD);
    CHECK_EQUAL(memory_info(memory, &bytes, &address), STATUS_OK);
    CHECK_EQUAL(address, 0);
    /* Another process, which may have the record and the tables that it had. */
    struct agent other = start_agent();
    CHECK_EQUAL(used_here(RESOURCE_OBJECTS), objects + 2);
    uint32_t elsewhere = address_space_of(&other);
    CHECK_EQUAL(memory_map_in(there, memory, SHARED_ADDRESS, RIGHT_READ), STATUS_STALE);
    CHECK_EQUAL(memory_map_in(elsewhere, memory, SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(read_there(&other, SHARED_ADDRESS), 0x77);
    CHECK_EQUAL(await_end(agent.process, &value), EXIT_REASON_EXITED);
    end_agent(&other);
    drop(agent.endpoint);
    drop(there);
    drop(again);
    drop(elsewhere);
    drop(memory);
}

/* The object is whose who asked first; page tables are whose the address space is. */
static void charges(void)
{
    struct agent agent = start_agent(), asker = start_agent();
    uint64_t objects = used_here(RESOURCE_OBJECTS), frames = used(&agent, RESOURCE_FRAMES);
    uint32_t there = address_space_of(&agent);
    CHECK_EQUAL(used_here(RESOURCE_OBJECTS), objects + 1);
    uint32_t again = address_space_of(&agent);
    CHECK_EQUAL(used_here(RESOURCE_OBJECTS), objects + 1);
    drop(there);
    CHECK_EQUAL(used_here(RESOURCE_OBJECTS), objects + 1);
    drop(again);
    CHECK_EQUAL(used_here(RESOURCE_OBJECTS), objects);
    /* Somebody else asks, who has no objects left, and then one. */
    agent_keep(&asker, agent.process, false);
    CHECK_EQUAL(process_limit(asker.process, RESOURCE_OBJECTS, 0), STATUS_OK);
    CHECK_EQUAL(command_words(&asker, COMMAND_ADDRESS_SPACE, 0, 0, 0), STATUS_NO_OBJECTS);
    CHECK_EQUAL(process_limit(asker.process, RESOURCE_OBJECTS, 1), STATUS_OK);
    CHECK_EQUAL(command_words(&asker, COMMAND_ADDRESS_SPACE, 0, 0, 0), STATUS_OK);
    CHECK_EQUAL(used(&asker, RESOURCE_OBJECTS), 1);
    CHECK_EQUAL(used(&agent, RESOURCE_OBJECTS), 0);
    objects = used_here(RESOURCE_OBJECTS);
    there = address_space_of(&agent);
    CHECK_EQUAL(used_here(RESOURCE_OBJECTS), objects);
    uint32_t memory = make_memory(PAGE_BYTES);
    uint64_t own = used_here(RESOURCE_FRAMES);
    CHECK_EQUAL(memory_map_in(there, memory, FAR_ADDRESS, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(used_here(RESOURCE_FRAMES), own);
    uint64_t tables = used(&agent, RESOURCE_FRAMES) - frames;
    CHECK(tables >= 1 && tables <= 3);
    CHECK_EQUAL(memory_unmap(memory, FAR_ADDRESS), STATUS_OK);
    CHECK_EQUAL(process_limit(agent.process, RESOURCE_FRAMES, (uint32_t)(frames + tables)), STATUS_OK);
    CHECK_EQUAL(memory_map_in(there, memory, 2 * FAR_ADDRESS, RIGHT_READ), STATUS_NO_MEMORY);
    CHECK_EQUAL(allowed(there, 2 * FAR_ADDRESS), 0);
    CHECK_EQUAL(memory_map_in(there, memory, FAR_ADDRESS + PAGE_BYTES, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(used(&agent, RESOURCE_FRAMES), frames + tables);
    CHECK_EQUAL(used_here(RESOURCE_FRAMES), own);
    /* Half of it fits: none of it is mapped. */
    uint32_t large = make_memory(2 * PAGE_BYTES);
    constexpr uintptr_t TABLE_BYTES = 512 * PAGE_BYTES;
    CHECK_EQUAL(memory_map_in(there, large, FAR_ADDRESS + TABLE_BYTES - PAGE_BYTES, RIGHT_READ), STATUS_NO_MEMORY);
    CHECK_EQUAL(allowed(there, FAR_ADDRESS + TABLE_BYTES - PAGE_BYTES), 0);
    CHECK_EQUAL(memory_map_in(there, large, FAR_ADDRESS, RIGHT_READ), STATUS_OVERLAP);
    CHECK_EQUAL(allowed(there, FAR_ADDRESS), 0);
    end_agent(&asker);
    end_agent(&agent);
    drop(there);
    drop(large);
    drop(memory);
}

/* Memory that is revoked is gone everywhere; what an address space's capability allowed stays until somebody undoes it. */
static void revocation(void)
{
    struct agent agent = start_agent();
    uint32_t there = address_space_of(&agent), memory = make_memory(PAGE_BYTES), lent = derive(there, READ_WRITE);
    uint32_t given = derive(memory, READ_WRITE | RIGHT_DERIVE), below = derive(given, RIGHT_READ), kept = make_memory(PAGE_BYTES);
    CHECK_EQUAL(memory_map_in(lent, below, SHARED_ADDRESS, RIGHT_READ), STATUS_OK);
    CHECK_EQUAL(memory_map_in(lent, kept, 2 * SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    CHECK_EQUAL(read_there(&agent, SHARED_ADDRESS), 0);
    CHECK_EQUAL(command_words(&agent, COMMAND_WRITE, 2 * SHARED_ADDRESS, 0x99, 0), STATUS_OK);
    CHECK_EQUAL(capability_revoke(there, nullptr), STATUS_OK);
    CHECK_EQUAL(memory_protect_in(lent, kept, 2 * SHARED_ADDRESS, RIGHT_READ), STATUS_BAD_HANDLE);
    CHECK_EQUAL(read_there(&agent, 2 * SHARED_ADDRESS), 0x99);
    CHECK_EQUAL(read_there(&agent, SHARED_ADDRESS), 0);
    uint64_t revoked = 0;
    CHECK_EQUAL(capability_revoke(memory, &revoked), STATUS_OK);
    CHECK_EQUAL(revoked, 2);
    CHECK_EQUAL(allowed(there, SHARED_ADDRESS), 0);
    CHECK_EQUAL(allowed(there, 2 * SHARED_ADDRESS), READ_WRITE);
    /* Who has the space can take out what others put there, but not what was there from the start on. */
    CHECK_EQUAL(address_space_unmap(there, 2 * SHARED_ADDRESS + PAGE_BYTES), STATUS_NOT_FOUND);
    CHECK_EQUAL(address_space_unmap(there, PROCESS_STACK_END - PAGE_BYTES), STATUS_NOT_FOUND);
    CHECK_EQUAL(address_space_unmap(there, 2 * SHARED_ADDRESS), STATUS_OK);
    CHECK_EQUAL(memory_unmap(kept, 2 * SHARED_ADDRESS), STATUS_NOT_FOUND);
    expect_fault(&agent, COMMAND_READ, 2 * SHARED_ADDRESS);
    /* In one's own. */
    CHECK_EQUAL(memory_map(kept, SHARED_ADDRESS, READ_WRITE), STATUS_OK);
    CHECK_EQUAL(allowed(0, SHARED_ADDRESS), READ_WRITE);
    CHECK_EQUAL(*(uint64_t volatile *)SHARED_ADDRESS, 0x99);
    CHECK_EQUAL(address_space_unmap(0, SHARED_ADDRESS), STATUS_OK);
    CHECK_EQUAL(allowed(0, SHARED_ADDRESS), 0);
    drop(there);
    drop(kept);
    drop(memory);
}

/* A pager that ends takes along what it has mapped with its own capabilities, and nothing else. */
static void end_of_the_mapper(void)
{
    struct agent agent = start_agent(), pager = start_agent();
    uint32_t there = address_space_of(&agent), memory = make_memory(PAGE_BYTES), given = derive(memory, READ_WRITE | RIGHT_GRANT);
    uint64_t made = 0;
    agent_keep(&pager, there, false);
    agent_keep(&pager, given, true);
    struct message message = { .word = { COMMAND_CREATE, CAP_TYPE_MEMORY, 1, 1 } };
    CHECK_EQUAL(command(&pager, &message), STATUS_OK);
    made = message.word[1];
    CHECK_EQUAL(made, 1);
    for (uint64_t i = 1; i <= 2; i++) {
        message = (struct message){ .word = { COMMAND_MAP_IN, i, i * SHARED_ADDRESS, READ_WRITE, 0 } };
        CHECK_EQUAL(command(&pager, &message), STATUS_OK);
        CHECK_EQUAL(command_words(&agent, COMMAND_WRITE, i * SHARED_ADDRESS, i, 0), STATUS_OK);
    }
    uint32_t own = derive(memory, RIGHT_READ);
    CHECK_EQUAL(memory_map_in(there, own, FAR_ADDRESS, RIGHT_READ), STATUS_OK);
    end_agent(&pager);
    CHECK_EQUAL(allowed(there, SHARED_ADDRESS), 0);
    CHECK_EQUAL(allowed(there, 2 * SHARED_ADDRESS), 0);
    CHECK_EQUAL(read_there(&agent, FAR_ADDRESS), 1);
    expect_fault(&agent, COMMAND_READ, 2 * SHARED_ADDRESS);
    drop(there);
    drop(own);
    drop(memory);
}

struct tap_test const ADDRESS_SPACE_TESTS[] = {
    { "memory is mapped into another process", maps_into_another },
    { "code is loaded into another process", loads_code },
    { "translations of another process are forgotten", translations_are_forgotten },
    { "each right to an address space is needed", each_right },
    { "an address space ends with its process", ends_with_its_process },
    { "who pays for mappings in another process", charges },
    { "revoked memory leaves other processes", revocation },
    { "mappings end with their mapper", end_of_the_mapper },
};
size_t const ADDRESS_SPACE_TEST_COUNT = sizeof ADDRESS_SPACE_TESTS / sizeof *ADDRESS_SPACE_TESTS;
