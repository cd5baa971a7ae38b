/* offsets.c (riscv64): holds offsets.h against the structures. */
#include <stddef.h>
#include "cap/cap.h"
#include "drivers/mailbox.h"
#include "ipc/ipc.h"
#include "offsets.h"
#include "proc/process.h"

static_assert(offsetof(struct thread, context) == 0);
static_assert(offsetof(struct thread, process) == THREAD_PROCESS);
static_assert(offsetof(struct thread, cap_space) == THREAD_CAP_SPACE);
static_assert(offsetof(struct thread, state) == THREAD_STATE);
static_assert(offsetof(struct thread, uses_mail) == THREAD_USES_MAIL);
static_assert(offsetof(struct thread, partner) == THREAD_PARTNER);
static_assert(offsetof(struct thread, caller) == THREAD_CALLER);
static_assert(offsetof(struct thread, queue) == THREAD_QUEUE);
static_assert(offsetof(struct thread, next) == THREAD_NEXT);
static_assert(offsetof(struct thread, previous) == THREAD_PREVIOUS);
static_assert(offsetof(struct thread, deadline) == THREAD_DEADLINE);
static_assert(THREAD_RUNNABLE == STATE_RUNNABLE && THREAD_RECEIVING == STATE_RECEIVING && THREAD_REPLY == STATE_REPLY);
static_assert(sizeof(enum thread_state) == 1);
static_assert(offsetof(struct endpoint, senders) == ENDPOINT_SENDERS);
static_assert(offsetof(struct endpoint, receiving) == ENDPOINT_RECEIVING);
static_assert(offsetof(struct thread_queue, first) == QUEUE_FIRST && offsetof(struct thread_queue, last) == QUEUE_LAST);
static_assert(offsetof(struct process, thread) == 0);
static_assert(offsetof(struct process, space.root) == PROCESS_ROOT);
static_assert(offsetof(struct process, space.asid) == PROCESS_ASID);
static_assert(MAILBOX_CONTEXT_ENABLED_SHIFT == MAIL_ENABLED_SHIFT && MAILBOX_CONTEXT_SPACE_SHIFT == 0);
static_assert(sizeof(struct object_entry) == 1 << OBJECT_SHIFT);
static_assert(offsetof(struct object_entry, word[1]) == OBJECT_PAYLOAD);
