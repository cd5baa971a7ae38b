/* memory_calls.c: mapping what memory capabilities name. */
#include "cap/cap.h"
#include "mm/memory_object.h"
#include "proc/process.h"
#include "sys/call.h"

static enum status map(struct thread *thread, struct call_request const *request)
{
    uint64_t rights = request->words[1];
    if (rights == 0 || (rights & ~(uint64_t)(RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE)) != 0)
        return STATUS_BAD_ARGUMENT;
    struct cap_view view;
    enum status status = cap_find(thread->cap_space, request->handle, (uint16_t)rights, &view);
    if (status != STATUS_OK) return status;
    enum map_flags flags = 0;
    if ((rights & RIGHT_READ) != 0) flags |= MAP_READ;
    if ((rights & RIGHT_WRITE) != 0) flags |= MAP_WRITE;
    if ((rights & RIGHT_EXECUTE) != 0) flags |= MAP_EXECUTE;
    /* No architecture maps memory that can be written and not read, and not all that can be executed and not read. */
    if ((flags & (MAP_WRITE | MAP_EXECUTE)) != 0 && (view.rights & RIGHT_READ) == 0) return STATUS_MISSING_RIGHTS;
    if ((flags & MAP_EXECUTE) != 0) arch_instruction_sync();
    return memory_object_map((struct memory_object *)request->payload, thread->process, request->handle,
                             request->words[0], flags);
}

void call_mem_map(struct thread *thread, struct call_request const *request)
{
    thread_result(thread, map(thread, request));
}

void call_mem_unmap(struct thread *thread, struct call_request const *request)
{
    thread_result(thread, memory_object_unmap((struct memory_object *)request->payload, thread->cap_space,
                                              request->handle, request->words[0]));
}
