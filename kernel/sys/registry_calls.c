/* registry_calls.c: names of endpoints. */
#include "ipc/registry.h"
#include "mm/usermem.h"
#include "sys/call.h"
#include "sys/long_call.h"

static struct registry *registry_of(struct call_request const *request)
{
    return (struct registry *)request->capability[0].payload;
}

/* The name in user memory that words 0 and 1 describe: 1 to REGISTRY_NAME_BYTES - 1 bytes without a NUL. */
static enum status copy_name(struct call_request const *request, char name[REGISTRY_NAME_BYTES])
{
    uint64_t length = request->words[1];
    if (length == 0 || length >= REGISTRY_NAME_BYTES) return STATUS_BAD_ARGUMENT;
    enum status status = user_copy_in(name, (struct user_pointer){ request->words[0] }, length);
    if (status != STATUS_OK) return status;
    for (uint64_t i = 0; i < length; i++)
        if (name[i] == '\0') return STATUS_BAD_ARGUMENT;
    name[length] = '\0';
    return STATUS_OK;
}

void call_registry_register(struct thread *thread, struct call_request const *request)
{
    char name[REGISTRY_NAME_BYTES];
    enum status status = copy_name(request, name);
    if (status == STATUS_OK)
        status = registry_register(registry_of(request), thread->process, name, request->capability[1].handle);
    long_call_result(thread, status);
}

void call_registry_lookup(struct thread *thread, struct call_request const *request)
{
    char name[REGISTRY_NAME_BYTES];
    uint32_t handle;
    enum status status = copy_name(request, name);
    if (status == STATUS_OK) status = registry_lookup(registry_of(request), name, thread->cap_space, &handle);
    if (status == STATUS_OK) request->words[WORD_HANDLE] = handle;
    long_call_result(thread, status);
}

void call_registry_unregister(struct thread *thread, struct call_request const *request)
{
    char name[REGISTRY_NAME_BYTES];
    enum status status = copy_name(request, name);
    thread_result(thread, status == STATUS_OK ? registry_unregister(registry_of(request), name) : status);
}
