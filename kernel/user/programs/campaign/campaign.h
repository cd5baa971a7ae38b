/* campaign.h: what the files of `campaign` share. */
#pragma once
#include "../../include/campaign.h"
#include "user.h"

/* Capabilities that it was started with. */
extern uint32_t space, kernel;

/* Of this campaign: xorshift64*, from the seed on. */
uint64_t random_word(void);

/* Below `limit`, which is small. */
static inline unsigned random_below(unsigned limit) { return (unsigned)((random_word() >> 32) * limit >> 32); }

/* Says what was not so. */
void complain(char const *what, uint64_t at, uint64_t first, uint64_t second);

/* A line now and then. */
void progress(char const *what, uint64_t at);

/* Each does it `count` times. */
void fuzz(uint64_t count);
void guess(uint64_t count);
void churn(uint64_t count);
