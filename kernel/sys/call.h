/*
 * call.h: system calls. One table, made from CALL_TABLE of veridian/calls.h, says what each call takes and needs; number,
 * handles (type and rights) and the width of arguments are checked in one place, before the handler sees the call.
 *
 * A handler acts for `thread`, whose call words hold the request. It puts the result there and the status into the info
 * word by thread_result(), or makes the thread wait. Interrupts off.
 */
#pragma once
#include <veridian/calls.h>
#include "sched/thread.h"

/* What a handle argument names. */
struct call_capability {
    uint64_t payload;            /* of the object; if the table asks for a type */
    uint32_t badge;              /* likewise */
    uint32_t handle;
    uint32_t slot;               /* if the table asks for no type: as cap_resolve() gives it */
};

struct call_request {
    uint64_t *words;             /* the thread's call words */
    struct call_capability capability[CALL_HANDLES];     /* in the order of the table */
};

typedef void call_handler(struct thread *thread, struct call_request const *request);

/* Indices of the call words. */
enum : size_t { WORD_INFO = MESSAGE_WORDS, WORD_HANDLE, WORD_CAPS, WORD_CAPS_HIGH, WORD_TIMEOUT };

/* A handler for every call of the table: call_null, call_yield, ... */
#define DECLARE(NAME, name, ...) call_handler call_##name;
CALL_TABLE(DECLARE)
#undef DECLARE
