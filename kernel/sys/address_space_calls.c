/* address_space_calls.c: capabilities to address spaces, and what is looked up or undone there. Mapping: memory_calls.c. */
#include "cap/cap.h"
#include "mm/memory_object.h"
#include "proc/address_space_object.h"
#include "proc/process.h"
#include "sys/call.h"
#include "sys/objects.h"

static struct process *process_of(struct call_request const *request)
{
    return (struct process *)request->capability[0].payload;
}

static enum status make(struct thread *thread, struct process *process, uint32_t *handle)
{
    uint32_t object_id;
    if (process->ended) return STATUS_DEAD;
    enum status status = address_space_object(process, thread->process, &object_id);
    if (status != STATUS_OK) return status;
    status = cap_insert(thread->cap_space, object_id, objects_rights(CAP_TYPE_ADDRESS_SPACE), 0, handle);
    if (status != STATUS_OK && object_references(object_id) == 0) address_space_object_destroy(process);
    return status;
}

void call_process_address_space(struct thread *thread, struct call_request const *request)
{
    uint32_t handle;
    enum status status = make(thread, process_of(request), &handle);
    if (status == STATUS_OK) request->words[WORD_HANDLE] = handle;
    thread_result(thread, status);
}

void call_address_space_info(struct thread *thread, struct call_request const *request)
{
    enum map_flags flags = space_flags(&process_of(request)->space, request->words[0]);
    request->words[0] = ((flags & MAP_READ) != 0 ? RIGHT_READ : 0) | ((flags & MAP_WRITE) != 0 ? RIGHT_WRITE : 0)
        | ((flags & MAP_EXECUTE) != 0 ? RIGHT_EXECUTE : 0);
    thread_result(thread, STATUS_OK);
}

void call_address_space_unmap(struct thread *thread, struct call_request const *request)
{
    thread_result(thread, memory_mapping_end(&process_of(request)->space, request->words[0]));
}
