/* address_space_object.c: see address_space_object.h. */
#include "cap/cap.h"
#include "proc/address_space_object.h"
#include "proc/process.h"

enum status address_space_object(struct process *process, struct process *payer, uint32_t *object_id)
{
    if (process->address_space_id == 0) {
        if (!account_charge(payer, 1, &process->address_space_payer)) return STATUS_NO_OBJECTS;
        enum status status = object_create(CAP_TYPE_ADDRESS_SPACE, (uintptr_t)process, &process->address_space_id);
        if (status != STATUS_OK) {
            account_credit(&process->address_space_payer, 1);
            return status;
        }
    }
    *object_id = process->address_space_id;
    return STATUS_OK;
}

void address_space_object_destroy(struct process *process)
{
    if (process->address_space_id == 0) return;
    object_destroy(process->address_space_id);
    process->address_space_id = 0;
    account_credit(&process->address_space_payer, 1);
}
