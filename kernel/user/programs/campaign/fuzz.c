/*
 * fuzz.c: system calls of random numbers with random words: handles that are good, dead or made up, pointers that are
 * good, bad or end in a hole, rights, types and lengths at their edges. Nothing may happen but what the table of system
 * calls says: the statuses that it lists, and an error that comes at once leaves all words alone. What this process was
 * given stays where it is; what the calls make lives in a pool, is thrown away at random, and all at once now and then.
 */
#include <veridian/calls.h>
#include "../../include/hostile.h"
#include "campaign.h"

#define RULE(NAME, name, ...) [CALL_##NAME] = { __VA_ARGS__ },
static struct call_rule const rules[CALL_COUNT] = { CALL_TABLE(RULE) };
#undef RULE

constexpr size_t POOL = 48, ROUND = 4096;
constexpr uint64_t LONGEST_WAIT = 2'000;

static uint32_t pool[POOL];
/* Bit i: a call of this number ended with status i. The last: of numbers that are none. */
static uint32_t statuses[CALL_COUNT + 1];
static uint32_t partner, partner_space, partner_endpoint;
[[gnu::aligned(16)]] static uint8_t stacks[64][512];
static size_t next_stack;
[[gnu::aligned(4096)]] static uint8_t scratch[PAGE_BYTES];
static char const *const names[] = { "hostile", "nobody", "a", "name-of-31-bytes-which-is-longest" };

static void end_at_once(uint64_t) { thread_exit(0); }

/* The end of a stack for a thread that ends at once. */
static uint8_t *stack_end(void)
{
    next_stack = (next_stack + 1) % (sizeof stacks / sizeof *stacks);
    return stacks[next_stack] + sizeof *stacks;
}

/* ---- the pool --------------------------------------------------------------------------------------------------- */

static void put(uint32_t handle)
{
    uint32_t *place = &pool[random_below(POOL)];
    (void)capability_delete(*place);
    *place = handle;
}

static void put_copy(uint32_t handle, uint16_t without)
{
    enum cap_type cap_type;
    uint16_t rights;
    uint32_t badge, derived;
    if (capability_inspect(handle, &cap_type, &rights, &badge) != STATUS_OK)
        complain("what was given stays", 0, handle, 0);
    else if (capability_derive(handle, rights & (uint16_t)~without, 0, &derived) == STATUS_OK)
        put(derived);
}

static void end_partner(void)
{
    enum exit_reason reason;
    uint64_t value;
    (void)process_kill(partner, 0);
    if (process_wait(partner, TIMEOUT_FOREVER, &reason, &value) != STATUS_OK) complain("a process ends", 0, partner, 0);
    uint32_t const parts[] = { partner, partner_space, partner_endpoint };
    for (size_t i = 0; i < 3; i++) {
        (void)capability_revoke(parts[i], nullptr);
        (void)capability_delete(parts[i]);
    }
}

/* A process that waits for messages; it is what processes, spaces and endpoints of another are. */
static void start_partner(void)
{
    uint32_t receiver = 0;
    struct message start = { .word = { DEED_AGENT }, .capability = { console }, .count = 2, .move = 2 };
    if (endpoint_create(&partner_endpoint) != STATUS_OK) complain("an endpoint is made", 0, 0, 0);
    if (capability_derive(partner_endpoint, RIGHT_RECEIVE | RIGHT_GRANT, 0, &receiver) != STATUS_OK)
        complain("it is derived", 0, 0, 0);
    start.capability[1] = receiver;
    enum status status = process_create(space, "hostile", &start, &partner);
    if (status != STATUS_OK) complain("a process is made", 0, status, 0);
    if (process_space(partner, &partner_space) != STATUS_OK) complain("its space is had", 0, 0, 0);
}

/* Throws everything away that the calls have made. */
static void empty_pool(void)
{
    for (size_t i = 0; i < POOL; i++) {
        (void)capability_delete(pool[i]);
        pool[i] = 0;
    }
    uint32_t const given[] = { console, space, kernel };
    for (size_t i = 0; i < 3; i++)
        if (capability_revoke(given[i], nullptr) != STATUS_OK) complain("what was given stays", i, given[i], 0);
}

/* One of each type, with all rights but those that would end the system, take its console away or fill the space of who
   started this. */
static void fill_pool(void)
{
    uint32_t handle;
    for (enum cap_type cap_type = CAP_TYPE_PROCESS; cap_type <= CAP_TYPE_KERNEL; cap_type++) {
        struct user_call call = { .word = { cap_type, PAGE_BYTES * (1 + random_below(3)) } };
        if (system_call(&call, CALL_CAP_CREATE) == STATUS_OK) put((uint32_t)call.word[CALL_HANDLE]);
    }
    /* What comes at the console is for who started this. */
    put_copy(console, RIGHT_MANAGE | RIGHT_READ);
    put_copy(space, RIGHT_WRITE | RIGHT_MANAGE);
    put_copy(kernel, 0);
    put_copy(partner, 0);
    put_copy(partner_space, 0);
    if (process_address_space(partner, &handle) == STATUS_OK) put(handle);
    put_copy(partner_endpoint, RIGHT_SEND | RIGHT_MANAGE);
    if (thread_create(end_at_once, stack_end(), 0, &handle) == STATUS_OK) put(handle);
}

/* ---- one call --------------------------------------------------------------------------------------------------- */

/* What this process needs itself: not even a guess may hit it. */
static uint64_t spare(uint64_t handle)
{
    uint32_t const own[] = { console, space, kernel, partner, partner_space, partner_endpoint };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (handle == own[i]) return 0;
    return handle;
}

static uint64_t any_handle(void)
{
    uint64_t word = random_word();
    unsigned kind = random_below(16);
    uint32_t known = pool[word % POOL];
    if (kind == 0) return spare(word);
    if (kind == 1) return known | 1ull << (32 + word % 32);
    if (kind == 2) return known ^ 1u << (16 + word % 16);
    if (kind == 3) return spare(handle_make(word % 64, word >> 32));
    return known;
}

/* A number of any size. */
static uint64_t any_number(void)
{
    uint64_t word = random_word();
    return random_below(2) != 0 ? word >> (word % 64) : random_below(2) != 0 ? random_below(9) : ~(word >> (word % 64));
}

/* No address at which this program has anything. */
static uint64_t bad_address(void)
{
    static uint64_t const known[] = {
        0, 1, 0xfff, USER_KERNEL_ADDRESS, ~0ull, ~0ull - 63, 1ull << 63, PROCESS_STACK_GUARD,
    };
    unsigned which = random_below(10);
    return which < 8 ? known[which] : random_word() | 1ull << 63;
}

static uint64_t any_address(void)
{
    unsigned kind = random_below(8);
    if (kind < 3) return (uintptr_t)scratch + random_below(PAGE_BYTES);
    if (kind == 3) return PROCESS_STACK_END - random_below(64);
    if (kind == 4) return (uintptr_t)fuzz;
    if (kind == 5) return 0x1000'0000 + PAGE_BYTES * random_below(16);
    return bad_address();
}

static void set_name(struct user_call *call, unsigned word)
{
    char const *name = names[random_below(sizeof names / sizeof *names)];
    call->word[word] = (uintptr_t)name;
    call->word[word + 1] = text_length(name);
}

/* Words that would end this process or the system, or write rubbish on the console, become others. */
static void tame(struct user_call *call, uint64_t number)
{
    uint64_t *words = call->word;
    if (number == CALL_PROCESS_CREATE) words[CALL_TIMEOUT] *= random_below(2);      /* quotas */
    else if (number != CALL_TIMER_SET) words[CALL_TIMEOUT] = random_below(4) * LONGEST_WAIT / 3;
    switch (number) {
    case CALL_CONSOLE_WRITE: words[0] = bad_address(); break;
    case CALL_KERNEL_CONTROL:
        if (words[0] == KERNEL_CONTROL_SHUTDOWN) words[0] = KERNEL_CONTROL_MEASURE_CHECK;
        if (words[0] == KERNEL_CONTROL_MEASURE_CHECK) {
            words[1] = query_make(any_handle() & UINT32_MAX, random_below(12), 0);
            words[2] = random_below(2) != 0 ? (uintptr_t)scratch + random_below(64) : bad_address();
            words[3] = random_below(8);
        }
        break;
    case CALL_THREAD_CREATE:
        words[0] = random_below(4) != 0 ? (uintptr_t)end_at_once : bad_address() | 1ull << 63;
        words[1] = (uintptr_t)stack_end() - USER_ENTRY_STACK;
        break;
    case CALL_PROCESS_CREATE:
        if (random_below(16) == 0) set_name(call, 0);
        words[2] = DEED_EXIT;
        break;
    case CALL_REGISTRY_REGISTER: case CALL_REGISTRY_LOOKUP: case CALL_REGISTRY_UNREGISTER:
        if (random_below(2) == 0) set_name(call, 0);
        break;
    case CALL_CAP_CHECK:
        words[0] = query_make(any_handle() & UINT32_MAX, random_below(14), random_word() & RIGHT_ALL);
        break;
    case CALL_CAP_CREATE: words[0] = random_below(16); break;
    case CALL_CAP_DERIVE:
        if (random_below(4) != 0) words[0] &= RIGHT_ALL;
        if (random_below(4) != 0) words[1] = 0;
        break;
    default: break;
    }
}

static uint64_t random_call(struct user_call *call)
{
    uint64_t number = random_below(CALL_COUNT);
    if (number == CALL_EXIT || number == CALL_THREAD_EXIT || random_below(64) == 0)
        number = CALL_COUNT + random_word() % (0x1'0000 - CALL_COUNT);
    for (size_t i = 0; i < CALL_WORDS; i++)
        call->word[i] = random_below(4) == 0 ? any_address() : any_number();
    if (number < CALL_COUNT)
        for (unsigned i = 0; i < rules[number].handle_count; i++)
            call->word[rules[number].handle[i].word] = any_handle();
    for (size_t i = CALL_CAPS; i <= CALL_CAPS_HIGH; i++)
        call->word[i] = (any_handle() & UINT32_MAX) | any_handle() << 32;
    bool transfers = number < CALL_COUNT && rules[number].transfers;
    uint64_t carried = transfers || random_below(32) == 0 ? info_in_make(0, random_below(6), random_below(16)) : 0;
    call->word[CALL_INFO] = number | carried | (random_below(64) == 0 ? 1ull << (24 + random_below(40)) : 0);
    tame(call, number);
    return number;
}

/* A wait that ends in an error leaves words alone or at zero; any other call in error leaves them alone. */
static void expect_untouched(struct user_call const *given, struct user_call const *call, uint64_t at)
{
    for (size_t i = 0; i < CALL_WORDS; i++)
        if (i != CALL_INFO && call->word[i] != given->word[i] && call->word[i] != 0)
            complain("an error leaves the words alone", at, given->word[CALL_INFO], i);
}

static void keep_results(struct user_call const *given, struct user_call const *call, uint64_t number)
{
    if (number >= CALL_COUNT) return;
    if (call->word[CALL_HANDLE] != given->word[CALL_HANDLE] && call->word[CALL_HANDLE] <= UINT32_MAX)
        put((uint32_t)call->word[CALL_HANDLE]);
    for (unsigned i = 0; i < info_out_get_cap_count(call->word[CALL_INFO]) && i < MESSAGE_CAPABILITIES; i++)
        put((uint32_t)(call->word[CALL_CAPS + i / 2] >> i % 2 * 32));
}

static void one(uint64_t at)
{
    struct user_call given, call;
    uint64_t number = random_call(&given);
    call = given;
    user_call(&call);
    uint64_t status = info_out_get_status(call.word[CALL_INFO]);
    size_t row = number < CALL_COUNT ? number : CALL_COUNT;
    statuses[row] |= status < 32 ? 1u << status : 0;
    if ((call.word[CALL_INFO] & INFO_OUT_RESERVED) != 0)
        complain("reserved bits are zero", at, given.word[CALL_INFO], call.word[CALL_INFO]);
    bool listed = status == STATUS_OK ? number < CALL_COUNT
                : number < CALL_COUNT ? (rules[number].errors >> status & 1) != 0 : status == STATUS_BAD_CALL;
    if (!listed) complain("a call ends as its table says", at, number, status);
    if (status != STATUS_OK && number != CALL_CAP_CHECK) expect_untouched(&given, &call, at);
    if (status == STATUS_OK) keep_results(&given, &call, number);
}

void fuzz(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (i % ROUND == 0) {
            if (i != 0) {
                empty_pool();
                end_partner();
            }
            start_partner();
        }
        if (i % 64 == 0) fill_pool();
        one(i);
        progress("fuzz", i);
    }
    empty_pool();
    end_partner();
    for (size_t i = 0; i <= CALL_COUNT; i++) print("campaign: fuzz number=%zu statuses=0x%x\n", i, statuses[i]);
    print("campaign: fuzz count=%lu\n", count);
}
