/* account.c: see account.h. Records of processes stay records of processes (mm/pool.h), so a stale one can be read. */
#include "proc/account.h"
#include "proc/process.h"

bool account_charge(struct process *process, uint32_t count, struct account *account)
{
    if (process->objects_used + count > process->objects_limit) return false;
    process->objects_used += count;
    *account = account_of(process);
    return true;
}

struct account account_of(struct process *process) { return (struct account){ process, process->number }; }

struct process *account_process(struct account const *account)
{
    struct process *process = account->process;
    return process != nullptr && process->number == account->number && !process->ended ? process : nullptr;
}

void account_credit(struct account const *account, uint32_t count)
{
    struct process *process = account_process(account);
    if (process != nullptr) process->objects_used -= count;
}
