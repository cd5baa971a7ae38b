/* memory_calls.c: mapping what memory capabilities name. */
#include "cap/cap.h"
#include "mm/memory_object.h"
#include "proc/process.h"
#include "sys/call.h"
#include "sys/long_call.h"

static struct memory_object *object_of(struct call_request const *request)
{
    return (struct memory_object *)request->capability[0].payload;
}

/* Of a call's second handle. */
static struct address_space *space_of(struct call_request const *request)
{
    return &((struct process *)request->capability[1].payload)->space;
}

/* The flags that rights ask for; 0 if they ask for nothing, or for what is none. */
static enum map_flags flags_of(uint64_t rights)
{
    if ((rights & ~(uint64_t)(RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE)) != 0) return 0;
    enum map_flags flags = 0;
    if ((rights & RIGHT_READ) != 0) flags |= MAP_READ;
    if ((rights & RIGHT_WRITE) != 0) flags |= MAP_WRITE;
    if ((rights & RIGHT_EXECUTE) != 0) flags |= MAP_EXECUTE;
    if ((flags & MAP_EXECUTE) != 0) arch_instruction_sync();
    return flags;
}

static enum status map(struct thread *thread, struct call_request const *request)
{
    enum map_flags flags = flags_of(request->words[1]);
    if (flags == 0) return STATUS_BAD_ARGUMENT;
    return memory_object_map(object_of(request), thread->cap_space, request->capability[0].handle, space_of(request),
                             request->words[0], flags);
}

void call_mem_map(struct thread *thread, struct call_request const *request)
{
    thread_result(thread, map(thread, request));
}

void call_mem_unmap(struct thread *thread, struct call_request const *request)
{
    thread_result(thread, memory_object_unmap(object_of(request), thread->cap_space,
                                              request->capability[0].handle, request->words[0]));
}

void call_mem_protect(struct thread *thread, struct call_request const *request)
{
    enum map_flags flags = flags_of(request->words[1]);
    thread_result(thread, flags == 0 ? STATUS_BAD_ARGUMENT
                  : memory_object_protect(object_of(request), thread->cap_space, request->capability[0].handle,
                                          space_of(request), request->words[0], flags));
}

void call_buffer_watch(struct thread *thread, struct call_request const *request)
{
    /* What an engine emptied before counts no more from now on; while somebody watches, none empties anything. */
    long_call_begin();
    if (!long_call_reclaim(thread)) {
        long_call_again(thread);
        return;
    }
    object_of(request)->watch = (struct signal_target){
        .owner = account_of(thread->process), .handle = request->capability[1].handle, .bits = request->words[1],
    };
    thread_result(thread, STATUS_OK);
}

void call_mem_info(struct thread *thread, struct call_request const *request)
{
    struct memory_object const *object = object_of(request);
    request->words[0] = object->pages * PAGE_BYTES;
    request->words[1] = memory_object_address(object, thread->cap_space, request->capability[0].handle);
    thread_result(thread, STATUS_OK);
}
