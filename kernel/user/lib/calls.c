/* calls.c: system calls as functions; see user.h. */
#include "user.h"

enum status system_call(struct user_call *call, enum call number)
{
    call->word[CALL_INFO] = info_in_make(number, 0, 0);
    user_call(call);
    return (enum status)info_out_get_status(call->word[CALL_INFO]);
}

static uint32_t capability_of(struct user_call const *call, unsigned index)
{
    return (uint32_t)(call->word[CALL_CAPS + index / 2] >> (index % 2 * 32));
}

uint32_t start_capability(struct user_call const *start, unsigned index)
{
    return index < info_out_get_cap_count(start->word[CALL_INFO]) ? capability_of(start, index) : 0;
}

static void put_message(struct user_call *call, struct message const *message)
{
    for (size_t i = 0; i < MESSAGE_WORDS; i++) call->word[i] = message->word[i];
    call->word[CALL_CAPS] = message->capability[0] | (uint64_t)message->capability[1] << 32;
    call->word[CALL_CAPS_HIGH] = message->capability[2] | (uint64_t)message->capability[3] << 32;
}

static void get_message(struct user_call const *call, struct message *message)
{
    for (size_t i = 0; i < MESSAGE_WORDS; i++) message->word[i] = call->word[i];
    message->count = (unsigned)info_out_get_cap_count(call->word[CALL_INFO]);
    for (unsigned i = 0; i < MESSAGE_CAPABILITIES; i++)
        message->capability[i] = i < message->count ? capability_of(call, i) : 0;
    message->move = 0;
    message->badge = (uint32_t)call->word[CALL_HANDLE];
}

/* One IPC operation; `out` (may be null) is sent, `in` (may be null) is filled in on success. */
static enum status exchange(enum call number, uint32_t endpoint, struct message const *out, struct message *in,
                            uint64_t timeout)
{
    struct user_call call = {};
    if (out != nullptr) put_message(&call, out);
    call.word[CALL_INFO] = info_in_make(number, out != nullptr ? out->count : 0, out != nullptr ? out->move : 0);
    call.word[CALL_HANDLE] = endpoint;
    call.word[CALL_TIMEOUT] = timeout;
    user_call(&call);
    enum status status = (enum status)info_out_get_status(call.word[CALL_INFO]);
    if (status == STATUS_OK && in != nullptr) get_message(&call, in);
    return status;
}

enum status ipc_call(uint32_t endpoint, struct message *message, uint64_t timeout)
{
    return exchange(CALL_IPC_CALL, endpoint, message, message, timeout);
}

enum status ipc_send(uint32_t endpoint, struct message const *message, uint64_t timeout)
{
    return exchange(CALL_IPC_SEND, endpoint, message, nullptr, timeout);
}

enum status ipc_receive(uint32_t endpoint, struct message *message, uint64_t timeout)
{
    return exchange(CALL_IPC_RECEIVE, endpoint, nullptr, message, timeout);
}

enum status ipc_reply(struct message const *message)
{
    return exchange(CALL_IPC_REPLY, 0, message, nullptr, 0);
}

enum status ipc_reply_receive(uint32_t endpoint, struct message *message, uint64_t timeout)
{
    return exchange(CALL_IPC_REPLY_RECEIVE, endpoint, message, message, timeout);
}

enum status mail_send_call(uint32_t endpoint, struct message const *message)
{
    return exchange(CALL_MAIL_SEND, endpoint, message, nullptr, 0);
}

enum status mail_receive_call(uint32_t endpoint, struct message *message)
{
    return exchange(CALL_MAIL_RECEIVE, endpoint, nullptr, message, 0);
}

enum status mail_bind(void)
{
    struct user_call call = {};
    return system_call(&call, CALL_MAIL_BIND);
}

static enum status create(enum cap_type cap_type, uint64_t bytes, uint32_t *handle)
{
    struct user_call call = { .word = { cap_type, bytes } };
    enum status status = system_call(&call, CALL_CAP_CREATE);
    if (status == STATUS_OK) *handle = (uint32_t)call.word[CALL_HANDLE];
    return status;
}

enum status endpoint_create(uint32_t *handle) { return create(CAP_TYPE_ENDPOINT, 0, handle); }

enum status memory_create(uint64_t bytes, uint32_t *handle) { return create(CAP_TYPE_MEMORY, bytes, handle); }

enum status buffer_create(uint64_t bytes, uint32_t *handle) { return create(CAP_TYPE_SHARED_BUFFER, bytes, handle); }

enum status buffer_watch(uint32_t buffer, uint32_t notification, uint64_t bits)
{
    struct user_call call = { .word = { notification, bits, [CALL_HANDLE] = buffer } };
    return system_call(&call, CALL_BUFFER_WATCH);
}

enum status memory_map(uint32_t memory, uintptr_t address, uint16_t rights)
{
    return memory_map_in(0, memory, address, rights);
}

enum status memory_unmap(uint32_t memory, uintptr_t address)
{
    struct user_call call = { .word = { address, [CALL_HANDLE] = memory } };
    return system_call(&call, CALL_MEM_UNMAP);
}

enum status capability_derive(uint32_t handle, uint16_t rights, uint32_t badge, uint32_t *derived)
{
    struct user_call call = { .word = { rights, badge, [CALL_HANDLE] = handle } };
    enum status status = system_call(&call, CALL_CAP_DERIVE);
    if (status == STATUS_OK) *derived = (uint32_t)call.word[CALL_HANDLE];
    return status;
}

enum status capability_revoke(uint32_t handle, uint64_t *revoked)
{
    struct user_call call = { .word = { [CALL_HANDLE] = handle } };
    enum status status = system_call(&call, CALL_CAP_REVOKE);
    if (status == STATUS_OK && revoked != nullptr) *revoked = call.word[0];
    return status;
}

enum status capability_delete(uint32_t handle)
{
    struct user_call call = { .word = { [CALL_HANDLE] = handle } };
    return system_call(&call, CALL_CAP_DELETE);
}

enum status capability_check(uint32_t handle, enum cap_type cap_type, uint16_t rights, uint32_t *badge)
{
    struct user_call call = { .word = { query_make(handle, cap_type, rights) } };
    enum status status = system_call(&call, CALL_CAP_CHECK);
    if (status == STATUS_OK && badge != nullptr) *badge = (uint32_t)answer_get_value(call.word[0]);
    return status;
}

enum status process_create(uint32_t space, char const *name, struct message const *start, uint32_t *process)
{
    return process_create_with(0, space, name, start, process);
}

enum status process_create_with(uint64_t quotas, uint32_t space, char const *name, struct message const *start, uint32_t *process)
{
    struct user_call call = {};
    put_message(&call, start);
    for (size_t i = MESSAGE_WORDS - 1; i >= 2; i--) call.word[i] = start->word[i - 2];
    call.word[0] = (uintptr_t)name;
    call.word[1] = text_length(name);
    call.word[CALL_INFO] = info_in_make(CALL_PROCESS_CREATE, start->count, start->move);
    call.word[CALL_HANDLE] = space;
    call.word[CALL_TIMEOUT] = quotas;
    user_call(&call);
    enum status status = (enum status)info_out_get_status(call.word[CALL_INFO]);
    if (status == STATUS_OK) *process = (uint32_t)call.word[CALL_HANDLE];
    return status;
}

enum status process_wait(uint32_t process, uint64_t timeout, enum exit_reason *reason, uint64_t *value)
{
    struct user_call call = { .word = { [CALL_HANDLE] = process, [CALL_TIMEOUT] = timeout } };
    enum status status = system_call(&call, CALL_PROCESS_WAIT);
    if (status == STATUS_OK) {
        *reason = (enum exit_reason)call.word[0];
        *value = call.word[1];
    }
    return status;
}

void process_exit(uint64_t code)
{
    struct user_call call = { .word = { code } };
    for (;;) system_call(&call, CALL_EXIT);
}

void thread_yield(void)
{
    struct user_call call = {};
    system_call(&call, CALL_YIELD);
}

uint64_t clock_nanoseconds(void)
{
    struct user_call call = {};
    system_call(&call, CALL_CLOCK);
    return call.word[0];
}

enum status kernel_control(uint32_t kernel, enum kernel_control operation, uint64_t words[3])
{
    struct user_call call = { .word = { operation, words[0], words[1], words[2], [CALL_HANDLE] = kernel } };
    enum status status = system_call(&call, CALL_KERNEL_CONTROL);
    for (size_t i = 0; i < 3; i++) words[i] = call.word[i + 1];
    return status;
}

enum status console_write(uint32_t handle, char const *text, size_t bytes)
{
    struct user_call call = { .word = { (uintptr_t)text, bytes, [CALL_HANDLE] = handle } };
    return system_call(&call, CALL_CONSOLE_WRITE);
}

[[noreturn]] void user_start(struct user_call *start);

void user_start(struct user_call *start)
{
    console = start_capability(start, 0);
    process_exit((uint64_t)(unsigned)main(start));
}
