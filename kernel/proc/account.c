/* account.c: see account.h. Records of processes stay records of processes (mm/pool.h), so a stale one can be read. */
#include "proc/account.h"
#include "proc/process.h"

bool account_charge(struct process *process, uint32_t count, struct account *account)
{
    if (!quota_take(&process->quotas.of[RESOURCE_OBJECTS], count)) return false;
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
    if (account->process == nullptr) return;
    quotas_return(&account->process->quotas, RESOURCE_OBJECTS, count);
    process_release(account->process);
}
