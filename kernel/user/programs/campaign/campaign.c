/* campaign.c: many operations in a loop, by a seed; see campaign.h. */
#include "campaign.h"

uint32_t space, kernel;

static uint64_t state;
static unsigned complaints;

uint64_t random_word(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1d;
}

void complain(char const *what, uint64_t at, uint64_t first, uint64_t second)
{
    if (complaints++ < 16) print("campaign: not so: %s, at %lu: 0x%lx 0x%lx\n", what, at, first, second);
}

void progress(char const *what, uint64_t at)
{
    constexpr uint64_t REPORT = 1 << 16;
    if (at % REPORT == REPORT - 1) print("campaign: %s at %lu\n", what, at + 1);
}

int main(struct user_call *start)
{
    static void (*const campaigns[])(uint64_t) = {
        [CAMPAIGN_FUZZ] = fuzz, [CAMPAIGN_GUESS] = guess, [CAMPAIGN_CHURN] = churn,
    };
    space = start_capability(start, 1);
    kernel = start_capability(start, 2);
    state = start->word[2];
    if (start->word[0] >= sizeof campaigns / sizeof *campaigns || state == 0) return 2;
    campaigns[start->word[0]](start->word[1]);
    return complaints == 0 ? 0 : 1;
}
