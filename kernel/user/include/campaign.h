/*
 * campaign.h: what the program `campaign` is told: word 0 of its start message is an enum campaign, word 1 how often,
 * word 2 the seed (not 0). Its capabilities: console, CAP_SPACE with EXECUTE, KERNEL. It ends with 0, or with 1 after
 * it has said on the console what was not as it must be.
 */
#pragma once
#include <stdint.h>

enum campaign : uint64_t {
    CAMPAIGN_FUZZ,               /* system calls with random numbers, handles, rights and pointers */
    CAMPAIGN_GUESS,              /* guesses at handles: OK only where there is a capability */
    CAMPAIGN_CHURN,              /* capabilities made and deleted */
};
