/*
 * churn.c: capabilities made and deleted in a space that is full but for a few slots, so that the tags of these come
 * round in 200,000: a system does not wear out. Half of them are of new objects, half are derived.
 */
#include "campaign.h"

constexpr unsigned FREE = 3, REMEMBERED = 16;

/* Takes all slots but FREE; what takes them stays. */
static void fill(uint32_t endpoint)
{
    uint32_t last[FREE] = {}, handle;
    unsigned made = 0;
    while (capability_derive(endpoint, RIGHT_SEND, 0, &handle) == STATUS_OK) last[made++ % FREE] = handle;
    if (made <= FREE) complain("there are slots", made, 0, 0);
    for (unsigned i = 0; i < FREE; i++)
        if (capability_delete(last[i]) != STATUS_OK) complain("one is deleted", i, last[i], 0);
}

void churn(uint64_t count)
{
    static uint32_t remembered[REMEMBERED];
    struct statistics before = {}, after = {};
    uint32_t endpoint = 0;
    uint64_t same = 0;
    if (endpoint_create(&endpoint) != STATUS_OK) complain("an endpoint is made", 0, 0, 0);
    fill(endpoint);
    (void)kernel_statistics(kernel, &before);
    for (uint64_t i = 0; i < count; i++) {
        progress("churn", i);
        uint32_t handle = 0;
        enum status status = (i & 1) != 0 ? endpoint_create(&handle)
                                          : capability_derive(endpoint, RIGHT_SEND, 0, &handle);
        if (status != STATUS_OK) complain("a capability is made", i, status, 0);
        if (capability_check(handle, CAP_TYPE_ENDPOINT, RIGHT_SEND, nullptr) != STATUS_OK)
            complain("it is good", i, handle, 0);
        if (capability_delete(handle) != STATUS_OK) complain("it is deleted", i, handle, 0);
        /* A handle of the last ones is dead: tags do not come again so soon. */
        uint32_t old = remembered[i % REMEMBERED];
        if (old != 0 && capability_check(old, CAP_TYPE_NONE, 0, nullptr) != STATUS_BAD_HANDLE)
            complain("a handle is dead", i, old, 0);
        if (old == handle) same++;
        remembered[i % REMEMBERED] = handle;
    }
    if (same != 0) complain("handles differ", same, 0, 0);
    (void)kernel_statistics(kernel, &after);
    if (after.slots != before.slots || after.objects != before.objects || after.spaces != before.spaces
        || after.frames != before.frames)
        complain("everything was given back", before.slots, after.slots, after.objects);
    print("campaign: churn count=%lu retired=%lu\n", count, after.retired - before.retired);
}
