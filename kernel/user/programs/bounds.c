/*
 * bounds.c: revocations of many, and the delete behind them, without and with the capability unit: for
 * tests/system/test_interrupts_off.py, which looks at how long the kernel stays. Its capabilities: console, CAP_SPACE, KERNEL.
 */
#include "user.h"

constexpr unsigned FAN = 1100, CHAIN = 300;
constexpr uint16_t ALL = RIGHT_SEND | RIGHT_DERIVE | RIGHT_REVOKE;

static unsigned failures;

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
    }
    print("bounds: %u failures\n", failures);
    words[0] = failures == 0 ? 0 : 1;
    kernel_control(kernel, KERNEL_CONTROL_SHUTDOWN, words);
    return 1;
}
