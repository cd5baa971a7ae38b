/* call.c: the system call table and its one entry. */
#include "cap/cap.h"
#include "ipc/ipc.h"
#include "proc/process.h"
#include "sched/sched.h"
#include "sys/accelerator.h"
#include "sys/call.h"

static void call_null(struct thread *thread, struct call_request const *request)
{
    (void)request;
    thread_result(thread, STATUS_OK);
}

static void call_yield(struct thread *thread, struct call_request const *request)
{
    (void)request;
    thread_result(thread, STATUS_OK);
    sched_yield();
}

static struct endpoint *endpoint_of(struct call_request const *request)
{
    return (struct endpoint *)request->payload;
}

static void call_ipc_call(struct thread *thread, struct call_request const *request)
{
    ipc_call(thread, endpoint_of(request), request->badge);
}

static void call_ipc_send(struct thread *thread, struct call_request const *request)
{
    ipc_send(thread, endpoint_of(request), request->badge);
}

static void call_ipc_receive(struct thread *thread, struct call_request const *request)
{
    ipc_receive(thread, endpoint_of(request));
}

static void call_ipc_reply(struct thread *thread, struct call_request const *request)
{
    (void)request;
    ipc_reply(thread);
}

static void call_ipc_reply_receive(struct thread *thread, struct call_request const *request)
{
    ipc_reply_receive(thread, endpoint_of(request));
}

static void call_mail_send(struct thread *thread, struct call_request const *request)
{
    ipc_mail_send(thread, endpoint_of(request), request->handle, request->badge);
}

static void call_mail_receive(struct thread *thread, struct call_request const *request)
{
    ipc_mail_receive(thread, endpoint_of(request), request->handle);
}

/* The handler of each call, by number, and whether capabilities may travel with it. */
static struct { call_handler *handler; bool transfers; } const handlers[CALL_COUNT] = {
    [CALL_NULL] = { call_null },
    [CALL_YIELD] = { call_yield },
    [CALL_EXIT] = { call_exit },
    [CALL_CLOCK] = { call_clock },
    [CALL_CONSOLE_WRITE] = { call_console_write },
    [CALL_IPC_CALL] = { call_ipc_call, true },
    [CALL_IPC_SEND] = { call_ipc_send, true },
    [CALL_IPC_RECEIVE] = { call_ipc_receive },
    [CALL_IPC_REPLY] = { call_ipc_reply, true },
    [CALL_IPC_REPLY_RECEIVE] = { call_ipc_reply_receive, true },
    [CALL_CAP_CHECK] = { call_cap_check },
    [CALL_CAP_CREATE] = { call_cap_create },
    [CALL_CAP_DERIVE] = { call_cap_derive },
    [CALL_CAP_REVOKE] = { call_cap_revoke },
    [CALL_CAP_DELETE] = { call_cap_delete },
    [CALL_MEM_MAP] = { call_mem_map },
    [CALL_MEM_UNMAP] = { call_mem_unmap },
    [CALL_PROCESS_CREATE] = { call_process_create, true },
    [CALL_PROCESS_WAIT] = { call_process_wait },
    [CALL_KERNEL_CONTROL] = { call_kernel_control },
    [CALL_MAIL_SEND] = { call_mail_send },
    [CALL_MAIL_RECEIVE] = { call_mail_receive },
};

#define RULE(NAME, TYPE, RIGHTS, NEEDED) [CALL_##NAME] = { CAP_TYPE_##TYPE, RIGHTS, NEEDED },
static struct call_rule const rules[CALL_COUNT] = { CALL_RULES(RULE) };
#undef RULE

/* Checks the capability that a call needs. */
static inline enum status authorize(struct thread *thread, struct call_rule const *rule, struct call_request *request)
{
    uint64_t handle = thread->context.call[WORD_HANDLE];
    if (handle >> 32 != 0) return STATUS_BAD_HANDLE;
    uint64_t answer = accelerator_check(thread->cap_space, query_make(handle, rule->cap_type, rule->rights),
                                        &request->badge);
    if (answer_get_verdict(answer) != VERDICT_OK) return (enum status)answer_get_verdict(answer);
    request->handle = (uint32_t)handle;
    request->payload = object_payload((uint32_t)answer_get_value(answer));
    return STATUS_OK;
}

static enum status dispatch(struct thread *thread, uint64_t info)
{
    size_t number = info_in_get_number(info);
    if (number >= CALL_COUNT || handlers[number].handler == nullptr || (info & INFO_IN_RESERVED) != 0)
        return STATUS_BAD_CALL;
    if (info >> INFO_IN_CAP_COUNT_SHIFT != 0
        && (!handlers[number].transfers || info_in_get_cap_count(info) > MESSAGE_CAPABILITIES))
        return STATUS_BAD_ARGUMENT;
    struct call_request request = { .words = thread->context.call };
    if (rules[number].needs_capability) {
        enum status status = authorize(thread, &rules[number], &request);
        if (status != STATUS_OK) return status;
    }
    handlers[number].handler(thread, &request);
    return STATUS_OK;
}

/* The two operations that everything waits for, without capabilities and timeout: fewer steps to the same end. */
static inline bool short_path(struct thread *thread, uint64_t info)
{
    if (info != CALL_IPC_CALL && info != CALL_IPC_REPLY_RECEIVE) return false;
    if (thread->context.call[WORD_TIMEOUT] != TIMEOUT_FOREVER) return false;
    struct call_request request;
    if (authorize(thread, &rules[info], &request) != STATUS_OK) return false;
    struct endpoint *endpoint = endpoint_of(&request);
    return info == CALL_IPC_CALL ? ipc_fast_call(thread, endpoint, request.badge)
                                 : ipc_fast_reply_receive(thread, endpoint);
}

void trap_syscall(struct arch_context *context)
{
    struct thread *thread = (struct thread *)context;
    uint64_t info = context->call[WORD_INFO];
    if (short_path(thread, info)) return;
    enum status status = dispatch(thread, info);
    if (status != STATUS_OK) thread_result(thread, status);
}

void trap_fault(struct arch_context *context, enum exit_reason reason, uint64_t address, uint64_t program_counter)
{
    (void)program_counter;
    struct thread *thread = (struct thread *)context;
    process_end(thread->process, reason, address);
}

void trap_interrupt(unsigned number)
{
    (void)number;       /* no driver takes interrupts yet */
}
