/*
 * bounds.c: revocations of many, also while a thread waits at the endpoint, the delete behind them, and a delete of what has
 * many children that live on; without and with the capability unit: for tests/system/test_interrupts_off.py, which looks at
 * how long the kernel stays. Its capabilities: console, CAP_SPACE, KERNEL.
 */
#include "user.h"

constexpr unsigned FAN = 1100, CHAIN = 300, HELD = 80, KEPT = 300;
constexpr uint16_t ALL = RIGHT_SEND | RIGHT_DERIVE | RIGHT_REVOKE;

static unsigned failures;
[[gnu::aligned(16)]] static uint8_t stack[2048];

static void receive(uint64_t endpoint)
{
    struct message message = {};
    (void)ipc_receive((uint32_t)endpoint, &message, TIMEOUT_FOREVER);
    thread_exit(0);
}

static void revoke(uint32_t root, unsigned count, bool chain)
{
    uint32_t parent = root, child;
    for (unsigned i = 0; i < count; i++) {
        if (capability_derive(parent, ALL, 0, &child) != STATUS_OK) failures++;
        if (chain) parent = child;
    }
    uint64_t killed = 0;
    if (capability_revoke(root, &killed) != STATUS_OK || killed != count) failures++;
}

/* While somebody waits at the endpoint each capability is looked at as it dies. */
static void revoke_held(void)
{
    uint32_t root = 0, thread = 0;
    if (endpoint_create(&root) != STATUS_OK) failures++;
    if (thread_create(receive, stack + sizeof stack, root, &thread) != STATUS_OK) failures++;
    thread_yield();
    revoke(root, HELD, false);
    if (capability_delete(root) != STATUS_OK) failures++;
    thread_yield();
    if (capability_delete(thread) != STATUS_OK) failures++;
}

/* A capability goes whose children live on. */
static void delete_parent(void)
{
    uint32_t root = 0, parent = 0, child;
    if (endpoint_create(&root) != STATUS_OK || capability_derive(root, ALL, 0, &parent) != STATUS_OK) failures++;
    for (unsigned i = 0; i < KEPT; i++)
        if (capability_derive(parent, ALL, 0, &child) != STATUS_OK) failures++;
    if (capability_delete(parent) != STATUS_OK) failures++;
    uint64_t killed = 0;
    if (capability_revoke(root, &killed) != STATUS_OK || killed != KEPT) failures++;
    if (capability_delete(root) != STATUS_OK) failures++;
}

int main(struct user_call *start)
{
    uint32_t kernel = start_capability(start, 2);
    uint64_t words[3] = {};
    bool unit = kernel_control(kernel, KERNEL_CONTROL_GET_ACCELERATOR, words) == STATUS_OK && words[0] == 1;
    for (uint64_t use = 0; use <= unit; use++) {
        uint32_t root = 0;
        words[0] = use;
        if (kernel_control(kernel, KERNEL_CONTROL_SET_ACCELERATOR, words) != STATUS_OK && use != 0) failures++;
        if (endpoint_create(&root) != STATUS_OK) failures++;
        revoke(root, FAN, false);
        revoke(root, CHAIN, true);
        if (capability_delete(root) != STATUS_OK) failures++;
        revoke_held();
        delete_parent();
    }
    print("bounds: %u failures\n", failures);
    words[0] = failures == 0 ? 0 : 1;
    kernel_control(kernel, KERNEL_CONTROL_SHUTDOWN, words);
    return 1;
}
