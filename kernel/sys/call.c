/* call.c: the one entry of all system calls, and what the table says of each. */
#include "cap/tables.h"
#include "lib/panic.h"
#include "proc/process.h"
#include "sched/sched.h"
#include "sys/accelerator.h"
#include "sys/call.h"
#include "sys/long_call.h"

/* Rights of memory that a word asks for: nothing can be written or executed that cannot be read. */
static uint16_t asked_rights(uint64_t word)
{
    uint16_t rights = (uint16_t)(word & (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE));
    return (rights & (RIGHT_WRITE | RIGHT_EXECUTE)) != 0 ? rights | RIGHT_READ : rights;
}

/* Checks the capability that a handle argument names. */
[[gnu::always_inline]] static inline enum status authorize(struct thread *thread, struct handle_rule const *rule,
                                                           struct call_capability *capability)
{
    uint64_t const *words = thread->context.call;
    uint64_t handle = words[rule->word];
    uint16_t rights = rule->rights;
    if (handle >> 32 != 0) return STATUS_BAD_HANDLE;
    capability->handle = (uint32_t)handle;
    if (rule->own && handle == 0) {
        /* The word of such an object is its process. */
        capability->payload = (uintptr_t)thread->process;
        return STATUS_OK;
    }
    if (rule->cap_type == CAP_TYPE_NONE)
        return cap_resolve_inline(thread->cap_space, (uint32_t)handle, rights, rule->stale, &capability->slot);
    if (rule->asked != NO_WORD) rights |= asked_rights(words[rule->asked]);
    uint64_t answer = accelerator_check(thread->cap_space, query_make(handle, rule->cap_type, rights),
                                        &capability->badge);
    if (rule->other_type != CAP_TYPE_NONE && answer_get_verdict(answer) == VERDICT_WRONG_TYPE)
        answer = accelerator_check(thread->cap_space, query_make(handle, rule->other_type, rights), &capability->badge);
    if (answer_get_verdict(answer) != VERDICT_OK) return (enum status)answer_get_verdict(answer);
    capability->payload = object_payload((uint32_t)answer_get_value(answer));
    return STATUS_OK;
}

/* Has a message word more bits than its argument? */
[[gnu::always_inline]] static inline bool too_wide(struct call_rule const *rule, uint64_t const *words)
{
    uint64_t beyond = 0;
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < MESSAGE_WORDS; i++) {
        if ((rule->narrow_32 >> i & 1) != 0) beyond |= words[i] >> 32;
        if ((rule->narrow_16 >> i & 1) != 0) beyond |= words[i] >> 16;
    }
    return beyond != 0;
}

/* All that the table asks for, then the handler. The rule is a constant wherever this is put in. */
[[gnu::always_inline]] static inline enum status enter(struct thread *thread, uint64_t info,
                                                       struct call_rule const *rule, call_handler *handler)
{
    if (info >> INFO_IN_CAP_COUNT_SHIFT != 0
        && (!rule->transfers || info_in_get_cap_count(info) > MESSAGE_CAPABILITIES)) return STATUS_BAD_ARGUMENT;
    struct call_request request;
    request.words = thread->context.call;
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < CALL_HANDLES; i++) {
        if (i >= rule->handle_count) break;
        enum status status = authorize(thread, &rule->handle[i], &request.capability[i]);
        if (status != STATUS_OK) return status;
    }
    if (too_wide(rule, request.words)) return STATUS_BAD_ARGUMENT;
    /* Each handler is called here only, and the request need not lie in memory. */
    [[clang::always_inline]] handler(thread, &request);
    return STATUS_OK;
}

/* What a call that works in steps has done before its capability went is told to nobody. */
[[gnu::noinline]] static void refuse(struct thread *thread, enum status status)
{
    thread->progress = 0;
    thread_result(thread, status);
}

/* Each call has an entry of its own, in which the compiler has left of the table's row what the call needs. */
typedef void call_entry(struct thread *thread, uint64_t info);

#define ENTRY(NAME, name, ...)                                                   \
    static void enter_##name(struct thread *thread, uint64_t info)               \
    {                                                                            \
        static constexpr struct call_rule rule = { __VA_ARGS__ };                \
        enum status status = enter(thread, info, &rule, call_##name);            \
        if (status != STATUS_OK) refuse(thread, status);                         \
    }
CALL_TABLE(ENTRY)
#undef ENTRY

#define ADDRESS(NAME, name, ...) [CALL_##NAME] = enter_##name,
static call_entry *const entries[CALL_COUNT] = { CALL_TABLE(ADDRESS) };
#undef ADDRESS

/* A call that ends at once ends as its row of the table says it may. */
static inline void check_status([[maybe_unused]] struct thread const *thread, [[maybe_unused]] size_t number)
{
#if defined(VERIDIAN_TEST)
#define ERRORS(NAME, name, ...) [CALL_##NAME] = (struct call_rule){ __VA_ARGS__ }.errors,
    static uint64_t const errors[CALL_COUNT] = { CALL_TABLE(ERRORS) };
#undef ERRORS
    if (long_call_was_again() || sched_current != thread) return;
    enum status status = (enum status)info_out_get_status(thread->context.call[WORD_INFO]);
    if (status != STATUS_OK && (errors[number] >> status & 1) == 0)
        panic("call %zu ended with status %u, which its table does not list", number, status);
#endif
}

/* With more in the info word than a number. */
[[gnu::noinline]] static void call_with_more(struct thread *thread, uint64_t info)
{
    size_t number = info_in_get_number(info);
    if (number >= CALL_COUNT || (info & INFO_IN_RESERVED) != 0) {
        thread_result(thread, STATUS_BAD_CALL);
        return;
    }
    entries[number](thread, info);
    check_status(thread, number);
}

void trap_syscall(struct arch_context *context)
{
    struct thread *thread = (struct thread *)context;
    uint64_t info = context->call[WORD_INFO];
    if (info >= CALL_COUNT) {
        call_with_more(thread, info);
        return;
    }
    entries[info](thread, info);
    check_status(thread, info);
}

void trap_fault(struct arch_context *context, enum exit_reason reason, uint64_t address, uint64_t program_counter)
{
    (void)program_counter;
    struct thread *thread = (struct thread *)context;
    process_end(thread->process, reason, address);
}
