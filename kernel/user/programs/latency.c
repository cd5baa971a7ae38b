/*
 * latency.c: measures the kernel's operations and prints one line each. Start and stop points: bench/operations.md.
 * Capabilities: console, CAP_SPACE (to start the partner), KERNEL (to switch the check path).
 */
#include "roles.h"
#include "user.h"

constexpr size_t SAMPLES = 1024;
constexpr size_t BATCHES = 64;           /* each of as many messages as a queue holds */

static uint64_t samples[SAMPLES], sorted[SAMPLES];
static uint32_t space, kernel;
static unsigned failures;

/* Sorts `count` samples by radix of 8 bits: 1,024 numbers in a few steps each, for simulated time is dear. */
static void sort_samples(size_t count)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++) all |= samples[i];
    for (unsigned shift = 0; shift < 64 && all >> shift != 0; shift += 8) {
        size_t place[256] = {};
        for (size_t i = 0; i < count; i++) place[samples[i] >> shift & 255]++;
        size_t sum = 0;
        for (size_t digit = 0; digit < 256; digit++) {
            size_t here = place[digit];
            place[digit] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) sorted[place[samples[i] >> shift & 255]++] = samples[i];
        for (size_t i = 0; i < count; i++) samples[i] = sorted[i];
    }
}

static void report_first(size_t count, char const *operation, char const *variant)
{
    sort_samples(count);
    print("bench operation=%s variant=%s n=%zu min=%lu median=%lu p99=%lu max=%lu\n", operation, variant, count,
          samples[0], samples[count / 2], samples[count * 99 / 100], samples[count - 1]);
}

static void report(char const *operation, char const *variant) { report_first(SAMPLES, operation, variant); }

static void failed(char const *what, enum status status)
{
    print("latency: %s failed: %s\n", what, status_name(status));
    failures++;
}

static void measure_counter(void)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        uint64_t start = user_counter();
        samples[i] = user_counter() - start;
    }
    report("counter_read", "warm");
}

static void measure_null(void)
{
    struct user_call call = {};
    for (size_t i = 0; i < SAMPLES; i++) {
        call.word[CALL_INFO] = CALL_NULL;
        user_call_stamped(&call);
        samples[i] = call.after - call.before;
    }
    report("syscall_null", "syscall");
}

/* ---- capability check --------------------------------------------------------------------------------------------- */

static void measure_check_instruction(uint64_t query)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        uint64_t start = user_counter();
        uint64_t answer = user_check_instruction(query);
        if (answer_get_verdict(answer) != VERDICT_OK) {
            failed("check instruction", (enum status)answer_get_verdict(answer));
            return;
        }
        samples[i] = user_counter() - start;
    }
    report("capability_check", "hw-hit");
}

static void measure_check_kernel(uint64_t query)
{
    uint64_t words[3] = { query, (uintptr_t)samples, SAMPLES };
    enum status status = kernel_control(kernel, KERNEL_CONTROL_MEASURE_CHECK, words);
    if (status == STATUS_OK) report("capability_check", "sw-hit");
    else failed("software check", status);
}

static void measure_check_call(uint64_t query)
{
    struct user_call call = {};
    for (size_t i = 0; i < SAMPLES; i++) {
        call.word[CALL_INFO] = CALL_CAP_CHECK;
        call.word[0] = query;
        user_call_stamped(&call);
        samples[i] = call.after - call.before;
        if (call.word[CALL_INFO] != STATUS_OK) {
            failed("check by system call", (enum status)call.word[CALL_INFO]);
            return;
        }
    }
    report("capability_check", "syscall");
}

/* ---- IPC ---------------------------------------------------------------------------------------------------------- */

static uint64_t roundtrips[SAMPLES];

static void measure_ipc(uint32_t endpoint, char const *variant)
{
    struct user_call call = {};
    for (size_t i = 0; i < SAMPLES; i++) {
        for (size_t word = 0; word < MESSAGE_WORDS; word++) call.word[word] = i + word;
        call.word[CALL_INFO] = CALL_IPC_CALL;
        call.word[CALL_HANDLE] = endpoint;
        call.word[CALL_TIMEOUT] = TIMEOUT_FOREVER;
        user_call_stamped(&call);
        bool good = call.word[CALL_INFO] == STATUS_OK;
        for (size_t word = 0; word < MESSAGE_WORDS - 1; word++) good = good && call.word[word] == i + word;
        if (!good) {
            failed("call", (enum status)call.word[CALL_INFO]);
            return;
        }
        samples[i] = call.word[7] - call.before;
        roundtrips[i] = call.after - call.before;
    }
    report("ipc_small_oneway", variant);
    for (size_t i = 0; i < SAMPLES; i++) samples[i] = roundtrips[i];
    report("ipc_small_roundtrip", variant);
}

/* Starts pong in another address space with one capability besides its console. */
static bool start_partner(enum role role, uint64_t argument, uint32_t capability, uint32_t *process)
{
    struct message start = { .word = { role, argument }, .capability = { console, capability }, .count = 2 };
    enum status status = process_create(space, "pong", &start, process);
    if (status != STATUS_OK) failed("partner", status);
    return status == STATUS_OK;
}

static void await_partner(uint32_t process)
{
    enum exit_reason reason;
    uint64_t value;
    enum status status = process_wait(process, TIMEOUT_FOREVER, &reason, &value);
    if (status != STATUS_OK || reason != EXIT_REASON_EXITED || value != 0) failed("partner's end", status);
}

static bool set_accelerator(bool use)
{
    uint64_t words[3] = { use };
    return kernel_control(kernel, KERNEL_CONTROL_SET_ACCELERATOR, words) == STATUS_OK;
}

static void measure_checks_and_ipc(void)
{
    uint32_t endpoint, sender, partner;
    if (endpoint_create(&endpoint) != STATUS_OK
        || capability_derive(endpoint, RIGHT_SEND, 1, &sender) != STATUS_OK) {
        failed("endpoint", STATUS_NO_SLOTS);
        return;
    }
    uint64_t words[3] = {};
    bool unit = kernel_control(kernel, KERNEL_CONTROL_GET_ACCELERATOR, words) == STATUS_OK && words[0] == 1;
    uint64_t query = query_make(sender, CAP_TYPE_ENDPOINT, RIGHT_SEND);
    set_accelerator(false);
    measure_check_kernel(query);
    measure_check_call(query);
    if (USER_HAS_CHECK_INSTRUCTION && unit) measure_check_instruction(query);
    if (!start_partner(ROLE_ECHO, 0, endpoint, &partner)) return;
    measure_ipc(sender, "sw-hit");
    if (unit && set_accelerator(true)) measure_ipc(sender, "hw-hit");
    struct message stop = { .word = { PONG_STOP } };
    ipc_send(sender, &stop, TIMEOUT_FOREVER);
    await_partner(partner);
}

/* ---- mail ----------------------------------------------------------------------------------------------------------- */

typedef enum status mail_sender(uint32_t endpoint, struct message const *message);

/* Sends numbered messages until one is refused; returns how many were not. */
static uint64_t fill(mail_sender *send, uint32_t endpoint, struct message *message)
{
    uint64_t first = message->word[0];
    while (send(endpoint, message) == STATUS_OK) message->word[MESSAGE_WORDS - 1] = ~++message->word[0];
    return message->word[0] - first;
}

/* For each message, from one process to another: the queue is filled, the other process empties it, and back. */
static void measure_throughput(char const *variant, bool by_call)
{
    mail_sender *send = by_call ? mail_send_call : mail_send;
    uint32_t endpoint, sender, partner;
    if (endpoint_create(&endpoint) != STATUS_OK
        || capability_derive(endpoint, RIGHT_SEND, 1, &sender) != STATUS_OK) {
        failed("endpoint", STATUS_NO_SLOTS);
        return;
    }
    if (!start_partner(ROLE_DRAIN, by_call, endpoint, &partner)) return;
    struct message message = { .word = { [MESSAGE_WORDS - 1] = ~0ull } };
    size_t taken = 0;
    for (unsigned attempt = 0; attempt < 2 * BATCHES && taken < BATCHES; attempt++) {
        uint64_t start = user_counter();
        uint64_t sent = fill(send, sender, &message);
        thread_yield();
        /* None: the end of a slice came between. The first time the partner begins. */
        if (sent != 0 && attempt != 0) samples[taken++] = (user_counter() - start) / sent;
    }
    struct message stop = { .word = { PONG_STOP, message.word[0] } };
    enum status status = send(sender, &stop);
    if (taken == BATCHES && status == STATUS_OK) report_first(BATCHES, "ipc_throughput", variant);
    else failed("mail", status);
    await_partner(partner);
}

/* ---- context switch ------------------------------------------------------------------------------------------------- */

static void measure_switch(void)
{
    uint32_t memory, partner;
    if (memory_create(PAGE_BYTES, &memory) != STATUS_OK
        || memory_map(memory, SHARED_ADDRESS, RIGHT_READ | RIGHT_WRITE) != STATUS_OK) {
        failed("shared memory", STATUS_NO_MEMORY);
        return;
    }
    uint64_t volatile *shared = (uint64_t volatile *)SHARED_ADDRESS;
    if (!start_partner(ROLE_SWITCH, 0, memory, &partner)) return;
    struct user_call call = {};
    for (size_t i = 0; i < SAMPLES;) {
        shared[0] = 0;
        call.word[CALL_INFO] = CALL_YIELD;
        user_call_stamped(&call);
        /* Zero: the partner has not come to its loop yet, or the end of a slice came between. */
        if (shared[0] > call.before) samples[i++] = shared[0] - call.before;
    }
    shared[1] = 1;
    report("context_switch", "warm");
    await_partner(partner);
}

int main(struct user_call *start)
{
    space = start_capability(start, 1);
    kernel = start_capability(start, 2);
    measure_counter();
    measure_null();
    measure_checks_and_ipc();
    measure_throughput("syscall", true);
    if (USER_HAS_MAIL_INSTRUCTIONS && mail_bind() == STATUS_OK) measure_throughput("mailbox", false);
    measure_switch();
    return failures == 0 ? 0 : 1;
}
