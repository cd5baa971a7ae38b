/* thread_calls.c: system calls on threads; see user.h. */
#include "user.h"

enum status thread_create(void (*entry)(uint64_t), void *stack_end, uint64_t argument, uint32_t *handle)
{
    /* As a call would leave it: 16-byte aligned, on x86_64 below that by the return address. */
    uintptr_t stack = ((uintptr_t)stack_end & ~(uintptr_t)15) - USER_ENTRY_STACK;
    struct user_call call = { .word = { (uintptr_t)entry, stack, argument } };
    enum status status = system_call(&call, CALL_THREAD_CREATE);
    if (status == STATUS_OK) *handle = (uint32_t)call.word[CALL_HANDLE];
    return status;
}

void thread_exit(uint64_t code)
{
    struct user_call call = { .word = { code } };
    for (;;) system_call(&call, CALL_THREAD_EXIT);
}

enum status thread_wait(uint32_t thread, uint64_t timeout, enum exit_reason *reason, uint64_t *value)
{
    struct user_call call = { .word = { [CALL_HANDLE] = thread, [CALL_TIMEOUT] = timeout } };
    enum status status = system_call(&call, CALL_THREAD_WAIT);
    if (status != STATUS_OK) return status;
    *reason = (enum exit_reason)call.word[0];
    *value = call.word[1];
    return STATUS_OK;
}

static enum status control(uint32_t thread, enum call number, uint64_t first)
{
    struct user_call call = { .word = { first, [CALL_HANDLE] = thread } };
    return system_call(&call, number);
}

enum status thread_suspend(uint32_t thread) { return control(thread, CALL_THREAD_SUSPEND, 0); }

enum status thread_resume(uint32_t thread) { return control(thread, CALL_THREAD_RESUME, 0); }

enum status thread_kill(uint32_t thread, uint64_t code) { return control(thread, CALL_THREAD_KILL, code); }

enum status thread_info(uint32_t thread, unsigned *state)
{
    struct user_call call = { .word = { [CALL_HANDLE] = thread } };
    enum status status = system_call(&call, CALL_THREAD_INFO);
    if (status == STATUS_OK) *state = (unsigned)call.word[0];
    return status;
}
