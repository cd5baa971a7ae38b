/* space_object.c: see space_object.h. */
#include "cap/cap.h"
#include "mm/pool.h"
#include "proc/process.h"
#include "proc/space_object.h"

static struct pool records = { .bytes = sizeof(struct space_object) };

enum status space_object_create(struct process *payer, struct process *process, uint32_t *object_id)
{
    struct account account = {};
    if (payer != nullptr && !account_charge(payer, 1, &account)) return STATUS_NO_OBJECTS;
    struct space_object *object = pool_alloc(&records);
    enum status status = STATUS_NO_MEMORY;
    if (object != nullptr) {
        object->payer = account;
        object->process = account_of(process);
        status = object_create(CAP_TYPE_CAP_SPACE, (uintptr_t)object, &object->object_id);
        if (status == STATUS_OK) {
            *object_id = object->object_id;
            return STATUS_OK;
        }
        pool_free(&records, object);
    }
    account_credit(&account, 1);
    return status;
}

void space_object_destroy(struct space_object *object)
{
    object_destroy(object->object_id);
    account_credit(&object->payer, 1);
    pool_free(&records, object);
}

enum status space_object_process(struct space_object const *object, struct process **process)
{
    *process = account_process(&object->process);
    return *process == nullptr ? STATUS_DEAD : STATUS_OK;
}

enum status space_object_space(struct space_object const *object, uint32_t *space)
{
    struct process *process;
    enum status status = space_object_process(object, &process);
    if (status == STATUS_OK) *space = process->thread.cap_space;
    return status;
}
