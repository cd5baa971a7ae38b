/*
 * rights_tests.c: walks the table of system calls (veridian/calls.h). For each handle argument of each call, a
 * capability that lacks just one of the rights needed, one of another type, a dead, a forged and an empty handle must be
 * refused with the verdict that says so, and nothing may change; one with exactly the rights needed is not refused.
 * Argument words that are too wide are refused. It prints what it found in one line for each handle, which
 * tests/system/rights.py reads.
 */
#include <veridian/calls.h>
#include "channel.h"
#include "suite.h"

#define RULE(NAME, name, ...) [CALL_##NAME] = { __VA_ARGS__ },
static struct call_rule const rules[CALL_COUNT] = { CALL_TABLE(RULE) };
#undef RULE

#define RIGHTS_OF(TYPE, rights) [CAP_TYPE_##TYPE] = rights,
static uint16_t const type_rights[] = { TYPE_RIGHTS(RIGHTS_OF) };
#undef RIGHTS_OF

constexpr size_t TYPES = sizeof type_rights / sizeof *type_rights;

/* Capabilities with all rights, by type. That without a type serves where any will do. */
static uint32_t whole[TYPES], stale;
/* Whose address space it is. */
static struct agent mapped;

[[gnu::aligned(16)]] static uint8_t stack[512];

/* A thread that does nothing, and may be killed. */
static void sleep(uint64_t) { for (;;) thread_yield(); }

static void make_objects(void)
{
    whole[CAP_TYPE_IO_RANGE] = console;
    whole[CAP_TYPE_CAP_SPACE] = space;
    whole[CAP_TYPE_KERNEL] = kernel;
    whole[CAP_TYPE_PROCESS] = start_hostile(DEED_EXIT, 0, 0);
    CHECK_EQUAL(endpoint_create(&whole[CAP_TYPE_ENDPOINT]), STATUS_OK);
    CHECK_EQUAL(memory_create(PAGE_BYTES, &whole[CAP_TYPE_MEMORY]), STATUS_OK);
    CHECK_EQUAL(buffer_create(PAGE_BYTES, &whole[CAP_TYPE_SHARED_BUFFER]), STATUS_OK);
    CHECK_EQUAL(notification_create(&whole[CAP_TYPE_NOTIFICATION]), STATUS_OK);
    mapped = start_agent();
    CHECK_EQUAL(process_address_space(mapped.process, &whole[CAP_TYPE_ADDRESS_SPACE]), STATUS_OK);
    CHECK_EQUAL(channel_create(&whole[CAP_TYPE_CHANNEL]), STATUS_OK);
    CHECK_EQUAL(timer_create(&whole[CAP_TYPE_TIMER]), STATUS_OK);
    CHECK_EQUAL(reservation_create(&whole[CAP_TYPE_RESERVATION]), STATUS_OK);
    CHECK_EQUAL(thread_create(sleep, stack + sizeof stack, 0, &whole[CAP_TYPE_THREAD]), STATUS_OK);
    unsigned registers, number = 0;
    CHECK_EQUAL(io_info(console, &registers, &number), STATUS_OK);
    CHECK_EQUAL(interrupt_create(kernel, number, &whole[CAP_TYPE_INTERRUPT]), STATUS_OK);
    CHECK_EQUAL(registry_create(&whole[CAP_TYPE_REGISTRY_NAME]), STATUS_OK);
    /* One more object, destroyed, for capabilities that are stale. */
    CHECK_EQUAL(endpoint_create(&stale), STATUS_OK);
    CHECK_EQUAL(capability_destroy(stale), STATUS_OK);
    whole[CAP_TYPE_NONE] = whole[CAP_TYPE_ENDPOINT];
    for (size_t i = 0; i < TYPES; i++) CHECK((type_rights[i] != 0) == (i != CAP_TYPE_NONE && whole[i] != 0));
}

static void drop_objects(void)
{
    uint64_t value;
    await_end(whole[CAP_TYPE_PROCESS], &value);
    (void)thread_kill(whole[CAP_TYPE_THREAD], 0);
    enum cap_type const made[] = { CAP_TYPE_THREAD, CAP_TYPE_INTERRUPT, CAP_TYPE_ENDPOINT, CAP_TYPE_MEMORY, CAP_TYPE_NOTIFICATION, CAP_TYPE_CHANNEL,
                                   CAP_TYPE_TIMER, CAP_TYPE_REGISTRY_NAME, CAP_TYPE_SHARED_BUFFER, CAP_TYPE_ADDRESS_SPACE,
                                   CAP_TYPE_RESERVATION };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) CHECK_EQUAL(capability_delete(whole[made[i]]), STATUS_OK);
    CHECK_EQUAL(capability_delete(stale), STATUS_OK);
    end_agent(&mapped);
}

static uint16_t all_rights(struct handle_rule const *rule)
{
    return type_rights[rule->cap_type == CAP_TYPE_NONE ? CAP_TYPE_ENDPOINT : rule->cap_type];
}

static uint32_t derive(uint32_t from, uint16_t rights)
{
    uint32_t derived = 0;
    CHECK_EQUAL(capability_derive(from, rights, 0, &derived), STATUS_OK);
    return derived;
}

/* The handle, if its slot is used no more. */
static uint32_t emptied(uint32_t handle)
{
    uint64_t tag = handle_get_tag(handle);
    return (uint32_t)handle_make(handle_get_index(handle), tag == UINT16_MAX ? 1 : tag + 1);
}

/* Arguments with which the call, if it is not refused, does no harm. */
static struct user_call harmless(size_t number)
{
    struct user_call call = { .word = { [CALL_INFO] = number } };
    for (unsigned i = 0; i < rules[number].handle_count; i++)
        call.word[rules[number].handle[i].word] = whole[rules[number].handle[i].cap_type];
    switch (number) {
    case CALL_KERNEL_CONTROL: call.word[0] = 0xff; break;
    case CALL_IO_READ: case CALL_IO_WRITE: call.word[0] = ~0ull; break;
    case CALL_MEM_MAP: call.word[0] = SHARED_ADDRESS; break;
    default: break;
    }
    return call;
}

/* Makes the call; if it must be refused, no word but the info word may change. */
static enum status attempt(struct user_call const *given, bool refused)
{
    struct user_call call = *given;
    user_call(&call);
    if (refused)
        for (size_t i = 0; i < CALL_WORDS; i++)
            if (i != CALL_INFO) CHECK_EQUAL(call.word[i], given->word[i]);
    /* What a call that was not refused has made is not wanted. */
    uint64_t handle = call.word[CALL_HANDLE];
    enum status status = (enum status)info_out_get_status(call.word[CALL_INFO]);
    if (status == STATUS_OK && handle != given->word[CALL_HANDLE] && handle != 0) capability_delete((uint32_t)handle);
    return status;
}

/* The call with this handle in the place of the rule. */
static enum status attempt_with(size_t number, struct handle_rule const *rule, uint64_t handle, uint64_t asked)
{
    struct user_call call = harmless(number);
    call.word[rule->word] = handle;
    if (rule->asked != NO_WORD) call.word[rule->asked] = asked;
    return attempt(&call, true);
}

/* Each right of `needed` away in turn; those without which the call is refused for just that. */
static uint16_t walk_rights(size_t number, struct handle_rule const *rule, uint16_t needed, uint64_t asked)
{
    uint16_t refused = 0;
    for (unsigned left = needed; left != 0; left &= left - 1) {
        uint16_t right = (uint16_t)(left & -left);
        uint32_t lacking = derive(whole[rule->cap_type], all_rights(rule) & (uint16_t)~right);
        if (attempt_with(number, rule, lacking, asked) == STATUS_MISSING_RIGHTS) refused |= right;
        CHECK_EQUAL(capability_delete(lacking), STATUS_OK);
    }
    return refused;
}

static enum status with_enough(size_t number, struct handle_rule const *rule, uint16_t needed, uint64_t asked)
{
    struct user_call call = harmless(number);
    uint32_t object = 0, from = whole[rule->cap_type];
    /* What a call destroys or moves away if it may is its own. */
    if (number == CALL_CAP_MOVE && rule->word != CALL_HANDLE)
        call.word[CALL_HANDLE] = derive(whole[CAP_TYPE_NONE], RIGHT_GRANT);
    if (number == CALL_CAP_DESTROY) CHECK_EQUAL(endpoint_create(&object), STATUS_OK);
    uint32_t enough = derive(object != 0 ? object : from, needed);
    call.word[rule->word] = enough;
    if (rule->asked != NO_WORD) call.word[rule->asked] = asked;
    enum status status = attempt(&call, false);
    capability_delete(enough);
    if (object != 0) CHECK_EQUAL(capability_delete(object), STATUS_OK);
    return status;
}

static void walk_handle(size_t number, unsigned index)
{
    struct handle_rule const *rule = &rules[number].handle[index];
    uint16_t const asks[] = { RIGHT_READ, RIGHT_READ | RIGHT_WRITE, RIGHT_READ | RIGHT_EXECUTE };
    uint16_t refused = 0, needed = 0, passed = 0;
    enum status enough = STATUS_OK;
    for (size_t i = 0; i < (rule->asked != NO_WORD ? sizeof asks / sizeof *asks : 1); i++) {
        uint16_t asked = rule->asked != NO_WORD ? asks[i] : 0;
        uint16_t seen = walk_rights(number, rule, rule->rights | asked, asked);
        needed |= rule->rights | asked;
        refused |= seen;
        /* Each time that it is needed, and not just one of these. */
        passed |= (uint16_t)((rule->rights | asked) & ~seen);
        enum status status = with_enough(number, rule, rule->rights | asked, asked);
        if (status >= STATUS_BAD_HANDLE && status <= STATUS_UNDECIDED) enough = status;
    }
    refused &= (uint16_t)~passed;
    CHECK_EQUAL(refused, needed);
    CHECK_EQUAL(enough, STATUS_OK);
    enum status wrong = STATUS_WRONG_TYPE;
    for (size_t type = 1; type < TYPES && rule->cap_type != CAP_TYPE_NONE; type++) {
        if (type == rule->cap_type || type == rule->other_type || whole[type] == 0) continue;
        enum status status = attempt_with(number, rule, whole[type], RIGHT_READ);
        if (status != STATUS_WRONG_TYPE) wrong = status;
    }
    CHECK_EQUAL(wrong, STATUS_WRONG_TYPE);
    uint32_t gone = derive(whole[rule->cap_type], all_rights(rule));
    CHECK_EQUAL(capability_delete(gone), STATUS_OK);
    enum status deleted = attempt_with(number, rule, gone, RIGHT_READ);
    enum status empty = attempt_with(number, rule, emptied(gone), RIGHT_READ);
    enum status wide = attempt_with(number, rule, whole[rule->cap_type] | 1ull << 32, RIGHT_READ);
    CHECK_EQUAL(deleted, STATUS_BAD_HANDLE);
    CHECK_EQUAL(empty, STATUS_EMPTY);
    CHECK_EQUAL(wide, STATUS_BAD_HANDLE);
    enum status dead = rule->stale ? STATUS_OK : attempt_with(number, rule, stale, RIGHT_READ);
    CHECK_EQUAL(dead, rule->stale ? STATUS_OK : STATUS_STALE);
    print("rights call=%zu handle=%u refused=%u wrong_type=%u deleted=%u empty=%u wide=%u stale=%u enough=%u\n", number, index,
          refused, rule->cap_type == CAP_TYPE_NONE ? 0 : wrong, deleted, empty, wide, dead, enough);
}

static void walk(void)
{
    make_objects();
    for (size_t number = 0; number < CALL_COUNT; number++)
        for (unsigned index = 0; index < rules[number].handle_count; index++) walk_handle(number, index);
    drop_objects();
}

/* The lowest bit that an argument does not have, and the highest of its word. */
static void widths(void)
{
    make_objects();
    for (size_t number = 0; number < CALL_COUNT; number++)
        for (unsigned word = 0; word < MESSAGE_WORDS; word++) {
            bool narrow_16 = (rules[number].narrow_16 >> word & 1) != 0;
            if (!narrow_16 && (rules[number].narrow_32 >> word & 1) == 0) continue;
            for (unsigned i = 0; i < 2; i++) {
                struct user_call call = harmless(number);
                call.word[word] |= 1ull << (i != 0 ? 63 : narrow_16 ? 16 : 32);
                CHECK_EQUAL(attempt(&call, true), STATUS_BAD_ARGUMENT);
            }
        }
    drop_objects();
}

/* Capabilities with a call that takes none, and more than four with one that takes some. */
static void transfers(void)
{
    make_objects();
    for (size_t number = 0; number < CALL_COUNT; number++) {
        if (number == CALL_EXIT || number == CALL_THREAD_EXIT) continue;
        struct user_call call = harmless(number);
        call.word[CALL_INFO] = info_in_make(number, rules[number].transfers ? 5 : 1, 0);
        CHECK_EQUAL(attempt(&call, true), STATUS_BAD_ARGUMENT);
        call.word[CALL_INFO] = info_in_make(number, 0, 0) | 1ull << 24;
        CHECK_EQUAL(attempt(&call, true), STATUS_BAD_CALL);
    }
    drop_objects();
}

struct tap_test const RIGHTS_TESTS[] = {
    { "each call is refused without each right that it needs", walk },
    { "arguments too wide are refused", widths },
    { "capabilities and reserved bits are refused where there may be none", transfers },
};
size_t const RIGHTS_TEST_COUNT = sizeof RIGHTS_TESTS / sizeof *RIGHTS_TESTS;
