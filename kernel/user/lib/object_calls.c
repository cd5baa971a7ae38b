/* object_calls.c: system calls on notifications, timers, reservations, processes and capabilities of any type; see user.h. */
#include "user.h"

/* A call through one capability with up to four words; the words come back in `call`. */
static enum status through(struct user_call *call, enum call number, uint32_t handle)
{
    call->word[CALL_HANDLE] = handle;
    return system_call(call, number);
}

static enum status create(enum cap_type cap_type, uint32_t *handle)
{
    struct user_call call = { .word = { cap_type } };
    enum status status = system_call(&call, CALL_CAP_CREATE);
    if (status == STATUS_OK) *handle = (uint32_t)call.word[CALL_HANDLE];
    return status;
}

enum status capability_inspect(uint32_t handle, enum cap_type *cap_type, uint16_t *rights, uint32_t *badge)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_CAP_INSPECT, handle);
    if (status != STATUS_OK) return status;
    *cap_type = (enum cap_type)call.word[0];
    *rights = (uint16_t)call.word[1];
    *badge = (uint32_t)call.word[2];
    return STATUS_OK;
}

enum status capability_destroy(uint32_t handle)
{
    struct user_call call = {};
    return through(&call, CALL_CAP_DESTROY, handle);
}

enum status notification_create(uint32_t *handle) { return create(CAP_TYPE_NOTIFICATION, handle); }

enum status notification_signal(uint32_t notification, uint64_t bits)
{
    struct user_call call = { .word = { bits } };
    return through(&call, CALL_NOTIFICATION_SIGNAL, notification);
}

enum status notification_wait(uint32_t notification, uint64_t timeout, uint64_t *bits)
{
    struct user_call call = { .word = { [CALL_TIMEOUT] = timeout } };
    enum status status = through(&call, CALL_NOTIFICATION_WAIT, notification);
    if (status == STATUS_OK) *bits = call.word[0];
    return status;
}

enum status notification_poll(uint32_t notification, uint64_t *bits)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_NOTIFICATION_POLL, notification);
    if (status == STATUS_OK) *bits = call.word[0];
    return status;
}

enum status timer_create(uint32_t *handle) { return create(CAP_TYPE_TIMER, handle); }

enum status timer_set(uint32_t timer, uint32_t notification, uint64_t time, uint64_t period, uint64_t bits)
{
    struct user_call call = { .word = { notification, time, period, bits } };
    return through(&call, CALL_TIMER_SET, timer);
}

enum status timer_cancel(uint32_t timer, uint64_t *left)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_TIMER_CANCEL, timer);
    if (status == STATUS_OK && left != nullptr) *left = call.word[0];
    return status;
}

enum status timer_info(uint32_t timer, uint64_t *left, uint64_t *period)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_TIMER_INFO, timer);
    if (status != STATUS_OK) return status;
    *left = call.word[0];
    *period = call.word[1];
    return STATUS_OK;
}

enum status reservation_create(uint32_t *handle) { return create(CAP_TYPE_RESERVATION, handle); }

enum status reservation_set(uint32_t reservation, uint32_t kernel, uint64_t budget, uint64_t period)
{
    struct user_call call = { .word = { kernel, budget, period } };
    return through(&call, CALL_RESERVATION_SET, reservation);
}

enum status reservation_bind(uint32_t reservation, uint32_t thread)
{
    struct user_call call = { .word = { thread } };
    return through(&call, CALL_RESERVATION_BIND, reservation);
}

enum status reservation_unbind(uint32_t reservation)
{
    struct user_call call = {};
    return through(&call, CALL_RESERVATION_UNBIND, reservation);
}

enum status reservation_info(uint32_t reservation, struct reservation_state *state)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_RESERVATION_INFO, reservation);
    if (status == STATUS_OK) *state = (struct reservation_state){ call.word[0], call.word[1], call.word[2], call.word[3] != 0 };
    return status;
}

enum status process_kill(uint32_t process, uint64_t code)
{
    struct user_call call = { .word = { code } };
    return through(&call, CALL_PROCESS_KILL, process);
}

enum status process_suspend(uint32_t process)
{
    struct user_call call = {};
    return through(&call, CALL_PROCESS_SUSPEND, process);
}

enum status process_resume(uint32_t process)
{
    struct user_call call = {};
    return through(&call, CALL_PROCESS_RESUME, process);
}

enum status memory_protect(uint32_t memory, uintptr_t address, uint16_t rights)
{
    return memory_protect_in(0, memory, address, rights);
}

enum status process_address_space(uint32_t process, uint32_t *address_space)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_PROCESS_ADDRESS_SPACE, process);
    if (status == STATUS_OK) *address_space = (uint32_t)call.word[CALL_HANDLE];
    return status;
}

enum status memory_map_in(uint32_t address_space, uint32_t memory, uintptr_t address, uint16_t rights)
{
    struct user_call call = { .word = { address, rights, address_space } };
    return through(&call, CALL_MEM_MAP, memory);
}

enum status memory_protect_in(uint32_t address_space, uint32_t memory, uintptr_t address, uint16_t rights)
{
    struct user_call call = { .word = { address, rights, address_space } };
    return through(&call, CALL_MEM_PROTECT, memory);
}

enum status address_space_info(uint32_t address_space, uintptr_t address, uint16_t *rights)
{
    struct user_call call = { .word = { address } };
    enum status status = through(&call, CALL_ADDRESS_SPACE_INFO, address_space);
    if (status == STATUS_OK) *rights = (uint16_t)call.word[0];
    return status;
}

enum status address_space_unmap(uint32_t address_space, uintptr_t address)
{
    struct user_call call = { .word = { address } };
    return through(&call, CALL_ADDRESS_SPACE_UNMAP, address_space);
}

enum status memory_info(uint32_t memory, uint64_t *bytes, uintptr_t *address)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_MEM_INFO, memory);
    if (status != STATUS_OK) return status;
    *bytes = call.word[0];
    *address = call.word[1];
    return STATUS_OK;
}

static void take_quotas(uint64_t const words[RESOURCES], struct quota quota[RESOURCES])
{
    for (size_t i = 0; i < RESOURCES; i++) quota[i] = (struct quota){ (uint32_t)words[i], (uint32_t)(words[i] >> 32) };
}

enum status process_info(uint32_t process, struct process_state *state)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_PROCESS_INFO, process);
    if (status != STATUS_OK) return status;
    state->state = (unsigned)call.word[0];
    take_quotas(&call.word[1], state->quota);
    return STATUS_OK;
}

void process_quotas(struct quota quota[RESOURCES])
{
    struct user_call call = {};
    system_call(&call, CALL_PROCESS_QUOTAS);
    take_quotas(call.word, quota);
}

enum status process_limit(uint32_t process, enum resource resource, uint32_t limit)
{
    struct user_call call = { .word = { resource, limit } };
    return through(&call, CALL_PROCESS_LIMIT, process);
}

enum status kernel_statistics(uint32_t kernel, struct statistics *statistics)
{
    struct user_call call = {};
    enum status status = through(&call, CALL_STATISTICS, kernel);
    if (status != STATUS_OK) return status;
    *statistics = (struct statistics){ call.word[0], call.word[1], call.word[2], call.word[3], call.word[4], call.word[5],
                                       call.word[6] };
    return STATUS_OK;
}
