/* budget.c: see budget.h. */
#include "sched/budget.h"

uint64_t budget_shares;

static uint64_t share_of(uint32_t amount, uint32_t period)
{
    return amount == 0 ? 0 : (((uint64_t)amount << 32) + period - 1) / period;
}

enum status budget_check(struct budget const *budget, uint32_t amount, uint32_t period)
{
    if (amount == 0 && period == 0) return STATUS_OK;
    if (amount < BUDGET_LEAST_NS || amount > period || period > BUDGET_LONGEST_PERIOD_NS) return STATUS_BAD_ARGUMENT;
    uint64_t share = share_of(amount, period);
    if (share < BUDGET_SHARE_LEAST) return STATUS_BAD_ARGUMENT;
    return budget_shares - budget->share + share <= BUDGET_SHARE_MOST ? STATUS_OK : STATUS_NO_TIME;
}

void budget_set(struct budget *budget, uint32_t amount, uint32_t period, uint64_t now)
{
    uint64_t share = share_of(amount, period);
    budget_shares = budget_shares - budget->share + share;
    *budget = (struct budget){ .amount = amount, .period = period, .share = share, .deadline = now + period };
}

bool budget_charge(struct budget *budget, uint64_t nanoseconds)
{
    budget->left -= (int64_t)nanoseconds;
    if (budget->left > 0) return false;
    /* What is missing is paid off before there is something again. */
    uint64_t periods = (uint64_t)-budget->left / budget->amount;
    budget->left += (int64_t)(periods * budget->amount);
    budget->deadline += periods * budget->period;
    return true;
}

static void begin_period(struct budget *budget, uint64_t now) { budget->deadline = now + budget->period; }

void budget_refill(struct budget *budget, uint64_t now)
{
    budget->left += budget->amount;
    budget->deadline += budget->period;
    if (budget->deadline <= now) begin_period(budget, now);
}

void budget_wake(struct budget *budget, uint64_t now)
{
    /* Both products are below 2^60: no factor is above BUDGET_LONGEST_PERIOD_NS. */
    if (now < budget->deadline
        && (uint64_t)budget->left * budget->period <= (budget->deadline - now) * budget->amount) return;
    budget->left = budget->amount;
    begin_period(budget, now);
}
