/* space_calls.c: system calls on capability spaces and registries; see user.h. */
#include "user.h"

/* A call through one capability; what it makes, if it is done, in `*made`. */
static enum status through(struct user_call *call, enum call number, uint32_t handle, uint32_t *made)
{
    call->word[CALL_HANDLE] = handle;
    enum status status = system_call(call, number);
    if (status == STATUS_OK && made != nullptr) *made = (uint32_t)call->word[CALL_HANDLE];
    return status;
}

enum status capability_copy(uint32_t capability, uint32_t space, uint32_t *handle)
{
    struct user_call call = { .word = { space } };
    return through(&call, CALL_CAP_COPY, capability, handle);
}

enum status capability_move(uint32_t capability, uint32_t space, uint32_t *handle)
{
    struct user_call call = { .word = { space } };
    return through(&call, CALL_CAP_MOVE, capability, handle);
}

enum status process_space(uint32_t process, uint32_t *space)
{
    struct user_call call = {};
    return through(&call, CALL_PROCESS_SPACE, process, space);
}

enum status space_info(uint32_t space, uint64_t *used, uint64_t *limit)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_SPACE_INFO, space, nullptr);
    if (status != STATUS_OK) return status;
    *used = call.word[0];
    *limit = call.word[1];
    return STATUS_OK;
}

enum status space_seal(uint32_t space, uint32_t limit)
{
    struct user_call call = { .word = { limit } };
    return through(&call, CALL_SPACE_SEAL, space, nullptr);
}

enum status registry_create(uint32_t *handle)
{
    struct user_call call = { .word = { CAP_TYPE_REGISTRY_NAME } };
    return through(&call, CALL_CAP_CREATE, 0, handle);
}

static struct user_call named(char const *name)
{
    return (struct user_call){ .word = { (uintptr_t)name, text_length(name) } };
}

enum status registry_register(uint32_t registry, char const *name, uint32_t endpoint)
{
    struct user_call call = named(name);
    call.word[2] = endpoint;
    return through(&call, CALL_REGISTRY_REGISTER, registry, nullptr);
}

enum status registry_lookup(uint32_t registry, char const *name, uint32_t *endpoint)
{
    struct user_call call = named(name);
    return through(&call, CALL_REGISTRY_LOOKUP, registry, endpoint);
}

enum status registry_unregister(uint32_t registry, char const *name)
{
    struct user_call call = named(name);
    return through(&call, CALL_REGISTRY_UNREGISTER, registry, nullptr);
}
