/* call.c: the system call table and its one entry. */
#include "cap/cap.h"
#include "ipc/ipc.h"
#include "lib/panic.h"
#include "proc/process.h"
#include "sched/sched.h"
#include "sys/accelerator.h"
#include "sys/call.h"

#define RULE(NAME, name, ...) [CALL_##NAME] = { __VA_ARGS__ },
static struct call_rule const rules[CALL_COUNT] = { CALL_TABLE(RULE) };
#undef RULE

#define HANDLER(NAME, name, ...) [CALL_##NAME] = call_##name,
static call_handler *const handlers[CALL_COUNT] = { CALL_TABLE(HANDLER) };
#undef HANDLER

/* Rights of memory that a word asks for: nothing can be written or executed that cannot be read. */
static uint16_t asked_rights(uint64_t word)
{
    uint16_t rights = (uint16_t)(word & (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE));
    return (rights & (RIGHT_WRITE | RIGHT_EXECUTE)) != 0 ? rights | RIGHT_READ : rights;
}

/* Checks the capability that a handle argument names. */
static inline enum status authorize(struct thread *thread, struct handle_rule const *rule,
                                    struct call_capability *capability)
{
    uint64_t const *words = thread->context.call;
    uint64_t handle = words[rule->word];
    uint16_t rights = rule->rights;
    if (handle >> 32 != 0) return STATUS_BAD_HANDLE;
    capability->handle = (uint32_t)handle;
    if (rule->cap_type == CAP_TYPE_NONE)
        return cap_resolve(thread->cap_space, (uint32_t)handle, rights, rule->stale, &capability->slot);
    if (rule->asked != NO_WORD) rights |= asked_rights(words[rule->asked]);
    uint64_t answer = accelerator_check(thread->cap_space, query_make(handle, rule->cap_type, rights),
                                        &capability->badge);
    if (answer_get_verdict(answer) != VERDICT_OK) return (enum status)answer_get_verdict(answer);
    capability->payload = object_payload((uint32_t)answer_get_value(answer));
    return STATUS_OK;
}

/* Has a message word more bits than its argument? */
static bool too_wide(struct call_rule const *rule, uint64_t const *words)
{
    for (unsigned at_32 = rule->narrow_32, at_16 = rule->narrow_16; (at_32 | at_16) != 0; at_32 >>= 1, at_16 >>= 1) {
        if ((at_32 & 1) != 0 && *words >> 32 != 0) return true;
        if ((at_16 & 1) != 0 && *words >> 16 != 0) return true;
        words++;
    }
    return false;
}

/* Not inlined: calls without anything to check shall not pay for its registers. */
[[gnu::noinline]] static enum status dispatch(struct thread *thread, uint64_t info)
{
    size_t number = info_in_get_number(info);
    if (number >= CALL_COUNT || (info & INFO_IN_RESERVED) != 0) return STATUS_BAD_CALL;
    struct call_rule const *rule = &rules[number];
    if (info >> INFO_IN_CAP_COUNT_SHIFT != 0
        && (!rule->transfers || info_in_get_cap_count(info) > MESSAGE_CAPABILITIES)) return STATUS_BAD_ARGUMENT;
    struct call_request request;
    request.words = thread->context.call;
    for (unsigned i = 0; i < rule->handle_count; i++) {
        enum status status = authorize(thread, &rule->handle[i], &request.capability[i]);
        if (status != STATUS_OK) return status;
    }
    if ((rule->narrow_32 | rule->narrow_16) != 0 && too_wide(rule, request.words)) return STATUS_BAD_ARGUMENT;
    handlers[number](thread, &request);
    return STATUS_OK;
}

/* The two operations that everything waits for, without capabilities and timeout: fewer steps to the same end. */
[[gnu::noinline]] static bool short_path(struct thread *thread, uint64_t info)
{
    if (thread->context.call[WORD_TIMEOUT] != TIMEOUT_FOREVER) return false;
    struct call_capability capability;
    if (authorize(thread, &rules[info].handle[0], &capability) != STATUS_OK) return false;
    struct endpoint *endpoint = (struct endpoint *)capability.payload;
    return info == CALL_IPC_CALL ? ipc_fast_call(thread, endpoint, capability.badge)
                                 : ipc_fast_reply_receive(thread, endpoint);
}

/* A call that ends at once ends as its row of the table says it may. */
static void check_status([[maybe_unused]] struct thread const *thread, [[maybe_unused]] uint64_t info)
{
#if defined(VERIDIAN_TEST)
    if (sched_current != thread) return;
    size_t number = info_in_get_number(info);
    enum status status = (enum status)info_out_get_status(thread->context.call[WORD_INFO]);
    if (number < CALL_COUNT && status != STATUS_OK && (rules[number].errors >> status & 1) == 0)
        panic("call %zu ended with status %u, which its table does not list", number, status);
#endif
}

void trap_syscall(struct arch_context *context)
{
    struct thread *thread = (struct thread *)context;
    uint64_t info = context->call[WORD_INFO];
    if (info < CALL_COUNT && rules[info].plain) {
        struct call_request request;
        request.words = context->call;
        handlers[info](thread, &request);
        check_status(thread, info);
        return;
    }
    if ((info == CALL_IPC_CALL || info == CALL_IPC_REPLY_RECEIVE) && short_path(thread, info)) return;
    enum status status = dispatch(thread, info);
    if (status != STATUS_OK) thread_result(thread, status);
    check_status(thread, info);
}

void trap_fault(struct arch_context *context, enum exit_reason reason, uint64_t address, uint64_t program_counter)
{
    (void)program_counter;
    struct thread *thread = (struct thread *)context;
    process_end(thread->process, reason, address);
}
