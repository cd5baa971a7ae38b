/*
 * account.h: who pays for an object. Making one is charged to the quota of objects of whoever makes it (quotas.h), and credited
 * when it goes. The payer's record stays until then, also when the process has ended. Interrupts off; one CPU.
 */
#pragma once
#include <stdint.h>

struct process;

/* A process, by a record that may be another one's by now if nothing is charged to it, and a number that is never used twice. */
struct account {
    struct process *process;
    uint64_t number;
};

/* Takes `count` objects from the quota; false if it has not that many. */
[[nodiscard]] bool account_charge(struct process *process, uint32_t count, struct account *account);

/* Gives them back, and the record of a process that has ended, if they were the last. Nothing if nobody paid. */
void account_credit(struct account const *account, uint32_t count);

/* The account of a process that lives, without a charge. */
struct account account_of(struct process *process);

/* The process, if it has not ended; else nullptr. */
struct process *account_process(struct account const *account);
