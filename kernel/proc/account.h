/*
 * account.h: who pays for an object. A process has a quota of objects; making one is charged to whoever makes it, and
 * credited when it goes, if the payer still lives. Interrupts off; one CPU.
 */
#pragma once
#include <stdint.h>

struct process;

/* The payer, by a record that may be somebody else's by now, and a number that is never used twice. */
struct account {
    struct process *process;
    uint64_t number;
};

/* Takes `count` objects from the quota; false if it has not that many. */
[[nodiscard]] bool account_charge(struct process *process, uint32_t count, struct account *account);
void account_credit(struct account const *account, uint32_t count);

/* The account of a process that lives, without a charge. */
struct account account_of(struct process *process);

/* The process, if it has not ended; else nullptr. */
struct process *account_process(struct account const *account);
