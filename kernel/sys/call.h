/*
 * call.h: system calls. One table, made from CALL_RULES of veridian/abi.h, says what capability a call needs; the check
 * is done in one place, before the handler sees the call.
 *
 * A handler acts for `thread`, whose call words hold the request. It puts the result there and the status into the info
 * word by thread_result(), or makes the thread wait. Interrupts off.
 */
#pragma once
#include "sched/thread.h"

struct call_request {
    uint64_t *words;             /* the thread's call words */
    uint64_t payload;            /* of the object that the handle names, if the call needs one */
    uint32_t badge;
    uint32_t handle;
};

typedef void call_handler(struct thread *thread, struct call_request const *request);

/* Indices of the call words. */
enum : size_t { WORD_INFO = MESSAGE_WORDS, WORD_HANDLE, WORD_CAPS, WORD_CAPS_HIGH, WORD_TIMEOUT };

/* capability_calls.c */
call_handler call_cap_check, call_cap_create, call_cap_derive, call_cap_revoke, call_cap_delete;
/* memory_calls.c */
call_handler call_mem_map, call_mem_unmap;
/* process_calls.c */
call_handler call_process_create, call_process_wait, call_exit;
/* kernel_calls.c */
call_handler call_console_write, call_kernel_control, call_clock;
