/* guess.c: 32-bit numbers that might be handles. A guess is OK only if it is a handle that this process was given. */
#include "campaign.h"

constexpr size_t HELD = 64;

static uint32_t held[HELD];

static bool is_held(uint32_t handle)
{
    for (size_t i = 0; i < HELD; i++)
        if (held[i] == handle) return true;
    return false;
}

/* Half of them name a slot in use, so that one in 65,536 of those is right; the others are any number. */
static uint32_t guessed(void)
{
    uint64_t word = random_word();
    if ((word & 1) != 0) return (uint32_t)(word >> 32);
    return (uint32_t)handle_make(handle_get_index(held[word >> 1 & (HELD - 1)]), word >> 48);
}

/* By the check, or by a call that takes bits of the notification. */
static enum status attempt(uint32_t handle, bool check)
{
    uint64_t bits;
    if (check) return capability_check(handle, CAP_TYPE_NOTIFICATION, RIGHT_WAIT, nullptr);
    enum status status = notification_poll(handle, &bits);
    return status == STATUS_WOULD_BLOCK ? STATUS_OK : status;
}

void guess(uint64_t count)
{
    uint64_t right = 0, empty = 0;
    for (size_t i = 0; i < HELD; i++)
        if (notification_create(&held[i]) != STATUS_OK) complain("a notification is made", i, 0, 0);
    for (uint64_t i = 0; i < count; i++) {
        progress("guess", i);
        uint32_t handle = guessed();
        enum status status = attempt(handle, (i & 7) != 0);
        if (status == STATUS_OK) right++;
        if (status == STATUS_EMPTY) empty++;
        bool good = is_held(handle) ? status == STATUS_OK : status == STATUS_BAD_HANDLE || status == STATUS_EMPTY;
        /* Of another type are only the three that the process began with. */
        if (status == STATUS_WRONG_TYPE) good = handle == console || handle == space || handle == kernel;
        if (!good) complain("a guess is OK only for a handle that was given", i, handle, status);
    }
    /* One that is right is accepted. */
    for (size_t i = 0; i < HELD; i++)
        if (attempt(held[i], true) != STATUS_OK) complain("a handle that was given is OK", i, held[i], 0);
    print("campaign: guess count=%lu right=%lu empty=%lu\n", count, right, empty);
}
