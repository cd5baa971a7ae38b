/*
 * budget.h: the arithmetic of scheduling reservations: so many nanoseconds of the processor in each period, and a share of
 * it that all budgets together may have. It knows neither threads nor a clock: callers say how long somebody ran, and what
 * time it is (nanoseconds since boot). All in whole numbers that do not overflow.
 *
 * A budget is a constant bandwidth server (Abeni and Buttazzo, 1998): among threads that have some left the earliest
 * deadline runs first, and then each has its amount by its deadline, whatever the others do, as long as the shares are
 * together no more than the processor. docs/decisions/0028 says why.
 */
#pragma once
#include <stdint.h>
#include <veridian/abi.h>

/* Two timer interrupts for each amount must cost less than the quarter of the processor that nobody can reserve, down to a clock of
   30 MHz. */
constexpr uint32_t BUDGET_LEAST_NS = 200'000;
/* What a thread that slept is charged for its waking besides its runs: the timer interrupt that takes the processor from somebody
   else, and the switch back to him, which no run contains: 1,200 cycles at 30 MHz. Else others would pay for who sleeps and wakes
   again and again. */
constexpr uint32_t BUDGET_WAKE_NS = 40'000;
/* Nobody else runs while an amount lasts. */
constexpr uint32_t BUDGET_LONGEST_PERIOD_NS = 1'000'000'000;

/* Shares are in units of 2^-32 of the processor: the most that all have together, and the least of one, which bounds how
   many there are. */
constexpr uint64_t BUDGET_SHARE_MOST = 3ull << 30;
constexpr uint64_t BUDGET_SHARE_LEAST = 1ull << 24;

struct budget {
    uint32_t amount, period;     /* nanoseconds; 0 and 0: there is none */
    uint64_t share;              /* amount / period, rounded up: what it takes of BUDGET_SHARE_MOST */
    int64_t left;                /* of the amount in this period; below 0: that much is missing in the next one */
    uint64_t deadline;           /* end of the period */
};

/* May the budget be set so? BAD_ARGUMENT: amount or period out of range. NO_TIME: with the other budgets it is more than all may
   have. Nothing changes. Amount and period 0 always may. */
[[nodiscard]] enum status budget_check(struct budget const *budget, uint32_t amount, uint32_t period);

/* Sets what budget_check() has allowed. It has nothing left until its first period begins, after a period: so setting
   it again and again gains nothing. */
void budget_set(struct budget *budget, uint32_t amount, uint32_t period, uint64_t now);

/* Somebody ran on it for so long. True: nothing is left before the deadline, which is later than it was if more was used
   than one amount. */
[[nodiscard]] bool budget_charge(struct budget *budget, uint64_t nanoseconds);

/* The deadline of a budget of which nothing is left has come: a new period begins. */
void budget_refill(struct budget *budget, uint64_t now);

/* Its thread, which slept, may run, and something is left. That is kept only if it can be used up by the deadline at no more than the
   share; else a new period begins. */
void budget_wake(struct budget *budget, uint64_t now);

/* What all budgets take together. */
extern uint64_t budget_shares;
