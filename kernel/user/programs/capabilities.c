/*
 * capabilities.c: measures operations on capabilities as a program sees them, by system call: create, derive, delete, and
 * revoke for derivation trees of two shapes and many sizes. Where there is a capability unit each is measured without
 * and with it. Start and stop points: bench/operations.md. Its capabilities: console, CAP_SPACE, KERNEL.
 */
#include "roles.h"
#include "user.h"

enum shape { SHAPE_FAN, SHAPE_CHAIN, SHAPE_COUNT };

constexpr size_t SAMPLES = 65, RUNS = 3;
constexpr unsigned STEP = 4;
static struct { char const *name; unsigned largest; } const shapes[SHAPE_COUNT] = {
    [SHAPE_FAN] = { "fan", 1024 }, [SHAPE_CHAIN] = { "chain", 64 },
};
constexpr uint16_t ALL = RIGHT_SEND | RIGHT_DERIVE | RIGHT_REVOKE;

static uint64_t samples[SAMPLES];
static uint32_t kernel, endpoint;
static unsigned failures;

static void sort(size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint64_t sample = samples[i];
        size_t place = i;
        for (; place > 0 && samples[place - 1] > sample; place--) samples[place] = samples[place - 1];
        samples[place] = sample;
    }
}

static void report(char const *operation, char const *variant)
{
    sort(SAMPLES);
    print("bench operation=%s variant=%s n=%zu min=%lu median=%lu p99=%lu max=%lu\n", operation, variant, SAMPLES,
          samples[0], samples[SAMPLES / 2], samples[SAMPLES * 99 / 100], samples[SAMPLES - 1]);
}

/* Makes the call and keeps its time as sample `i`. */
static bool timed(struct user_call *call, enum call number, size_t i)
{
    call->word[CALL_INFO] = number;
    user_call_stamped(call);
    samples[i] = call->after - call->before;
    if (call->word[CALL_INFO] == STATUS_OK) return true;
    print("capabilities: call %u failed: %s\n", number, status_name((enum status)call->word[CALL_INFO]));
    failures++;
    return false;
}

static void measure_single(char const *variant)
{
    static uint32_t handles[SAMPLES];
    for (size_t i = 0; i < SAMPLES; i++) {
        struct user_call call = { .word = { CAP_TYPE_ENDPOINT } };
        if (!timed(&call, CALL_CAP_CREATE, i)) return;
        handles[i] = (uint32_t)call.word[CALL_HANDLE];
    }
    report("capability_create", variant);
    for (size_t i = 0; i < SAMPLES; i++) capability_delete(handles[i]);
    for (size_t i = 0; i < SAMPLES; i++) {
        struct user_call call = { .word = { RIGHT_SEND } };
        call.word[CALL_HANDLE] = endpoint;
        if (!timed(&call, CALL_CAP_DERIVE, i)) return;
        handles[i] = (uint32_t)call.word[CALL_HANDLE];
    }
    report("capability_derive", variant);
    for (size_t i = 0; i < SAMPLES; i++) {
        struct user_call call = {};
        call.word[CALL_HANDLE] = handles[i];
        if (!timed(&call, CALL_CAP_DELETE, i)) return;
    }
    report("capability_delete", variant);
}

/* Derives `count` capabilities below `endpoint`. */
static bool build(enum shape shape, unsigned count)
{
    uint32_t parent = endpoint;
    for (unsigned i = 0; i < count; i++) {
        uint32_t child;
        enum status status = capability_derive(parent, ALL, 0, &child);
        if (status != STATUS_OK) {
            print("capabilities: derived %u of %u: %s\n", i, count, status_name(status));
            failures++;
            return false;
        }
        if (shape == SHAPE_CHAIN) parent = child;
    }
    return true;
}

static void measure_revoke(enum shape shape, unsigned count, char const *variant)
{
    for (size_t i = 0; i < RUNS; i++) {
        struct user_call call = {};
        if (!build(shape, count)) return;
        call.word[CALL_HANDLE] = endpoint;
        if (!timed(&call, CALL_CAP_REVOKE, i)) return;
        if (call.word[0] == count) continue;
        print("capabilities: %lu of %u revoked\n", call.word[0], count);
        failures++;
        return;
    }
    sort(RUNS);
    print("bench operation=capability_revoke_%s_%u variant=%s n=%zu min=%lu median=%lu p99=%lu max=%lu\n",
          shapes[shape].name, count, variant, RUNS, samples[0], samples[RUNS / 2], samples[RUNS * 99 / 100],
          samples[RUNS - 1]);
}

static void measure(char const *variant)
{
    measure_single(variant);
    for (enum shape shape = 0; shape < SHAPE_COUNT; shape++)
        for (unsigned count = 1; count <= shapes[shape].largest; count *= STEP) measure_revoke(shape, count, variant);
}

static bool set_accelerator(bool use)
{
    uint64_t words[3] = { use };
    return kernel_control(kernel, KERNEL_CONTROL_SET_ACCELERATOR, words) == STATUS_OK;
}

int main(struct user_call *start)
{
    kernel = start_capability(start, 2);
    uint64_t words[3] = {};
    bool unit = kernel_control(kernel, KERNEL_CONTROL_GET_ACCELERATOR, words) == STATUS_OK && words[0] == 1;
    if (endpoint_create(&endpoint) != STATUS_OK) failures++;
    set_accelerator(false);
    measure("sw-hit");
    if (unit && set_accelerator(true)) measure("hw-hit");
    words[0] = failures == 0 ? 0 : 1;
    kernel_control(kernel, KERNEL_CONTROL_SHUTDOWN, words);
    return 1;
}
