/* interrupt.c: see interrupt.h. */
#include "arch.h"
#include "cap/cap.h"
#include "drivers/interrupt.h"
#include "mm/pool.h"

static struct pool records = { .bytes = sizeof(struct interrupt) };
static struct interrupt *by_number[INTERRUPT_LIMIT];

enum status interrupt_create(struct process *payer, uint64_t number, uint32_t *object_id)
{
    struct account account;
    if (number >= INTERRUPT_LIMIT) return STATUS_BAD_ARGUMENT;
    if (by_number[number] != nullptr) return STATUS_EXISTS;
    if (!arch_interrupt_mask((unsigned)number, true)) return STATUS_BAD_ARGUMENT;
    if (!account_charge(payer, 1, &account)) return STATUS_NO_OBJECTS;
    struct interrupt *interrupt = pool_alloc(&records);
    enum status status = interrupt == nullptr ? STATUS_NO_MEMORY
        : object_create(CAP_TYPE_INTERRUPT, (uintptr_t)interrupt, &interrupt->object_id);
    if (status != STATUS_OK) {
        if (interrupt != nullptr) pool_free(&records, interrupt);
        account_credit(&account, 1);
        return status;
    }
    interrupt->payer = account;
    interrupt->number = (unsigned)number;
    by_number[number] = interrupt;
    *object_id = interrupt->object_id;
    return STATUS_OK;
}

void interrupt_destroy(struct interrupt *interrupt)
{
    interrupt_unbind(interrupt);
    by_number[interrupt->number] = nullptr;
    object_destroy(interrupt->object_id);
    account_credit(&interrupt->payer, 1);
    pool_free(&records, interrupt);
}

void interrupt_bind(struct interrupt *interrupt, struct signal_target const *target)
{
    interrupt->target = *target;
    interrupt->bound = true;
    (void)arch_interrupt_mask(interrupt->number, false);
}

void interrupt_unbind(struct interrupt *interrupt)
{
    (void)arch_interrupt_mask(interrupt->number, true);
    interrupt->bound = false;
}

enum status interrupt_acknowledge(struct interrupt *interrupt)
{
    if (!interrupt->bound) return STATUS_BAD_ARGUMENT;
    (void)arch_interrupt_mask(interrupt->number, false);
    return STATUS_OK;
}

void trap_interrupt(unsigned number)
{
    (void)arch_interrupt_mask(number, true);
    struct interrupt const *interrupt = number < INTERRUPT_LIMIT ? by_number[number] : nullptr;
    if (interrupt != nullptr && interrupt->bound) signal_target_fire(&interrupt->target);
}
