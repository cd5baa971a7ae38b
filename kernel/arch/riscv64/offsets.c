/* offsets.c (riscv64): holds offsets.h against the structures. */
#include <stddef.h>
#include "cap/tables.h"
#include "drivers/mailbox.h"
#include "ipc/ipc.h"
#include "offsets.h"
#include "proc/process.h"

static_assert(offsetof(struct thread, context) == 0);
static_assert(offsetof(struct thread, process) == THREAD_PROCESS);
static_assert(offsetof(struct thread, cap_space) == THREAD_CAP_SPACE);
static_assert(offsetof(struct thread, state) == THREAD_STATE);
static_assert(offsetof(struct thread, uses_mail) == THREAD_USES_MAIL);
static_assert(offsetof(struct thread, cap_record) == THREAD_CAP_RECORD);
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

static_assert(offsetof(struct cap_state, slots) == CAP_STATE_SLOTS);
static_assert(offsetof(struct cap_state, objects) == CAP_STATE_OBJECTS);
static_assert(offsetof(struct cap_state, revoking_object) == CAP_STATE_REVOKING_OBJECT);
static_assert(offsetof(struct cap_state, first_free_object) == CAP_STATE_FREE_OBJECT);
static_assert(offsetof(struct cap_state, free_objects) == CAP_STATE_FREE_OBJECTS);
static_assert(offsetof(struct cap_state, ready_object) == CAP_STATE_READY_OBJECT);
static_assert(offsetof(struct cap_state, object_count) == CAP_STATE_OBJECT_COUNT);
static_assert(offsetof(struct cap_state, fresh_object) == CAP_STATE_FRESH_OBJECT);
static_assert(offsetof(struct cap_space, first_slot) == SPACE_FIRST_SLOT);
static_assert(offsetof(struct cap_space, room) == SPACE_ROOM);
static_assert(offsetof(struct cap_space, free_first) == SPACE_FREE_FIRST);
static_assert(SLOTS_PER_PAGE == 1 << PAGE_SLOTS_SHIFT);
static_assert(sizeof(struct slot) == 1 << SLOT_SHIFT);
static_assert(offsetof(struct endpoint, object_id) == ENDPOINT_OBJECT);
static_assert(offsetof(struct endpoint, receivers) == ENDPOINT_RECEIVERS);
static_assert(offsetof(struct endpoint, payer.process) == ENDPOINT_PAYER);
static_assert(offsetof(struct endpoint, payer.number) == ENDPOINT_NUMBER);
static_assert(offsetof(struct pool, free) == POOL_FREE);
static_assert(offsetof(struct process, number) == PROCESS_NUMBER);
static_assert(offsetof(struct process, quotas.of[RESOURCE_OBJECTS].used) == PROCESS_OBJECTS);
static_assert(offsetof(struct process, quotas.of[RESOURCE_OBJECTS].limit) == PROCESS_OBJECTS + 4);

/* What the assembly takes for granted of the words of slots and objects: which fields have a half or a quarter for themselves. */
static_assert(ABI_SLOT_OBJECT_ID == 16 && ABI_SLOT_RIGHTS == 48 && ABI_SLOT_GENERATION == 64 && ABI_SLOT_TAG == 80
              && ABI_SLOT_BADGE == 96 && ABI_SLOT_PARENT == 128 && ABI_SLOT_VALID == 159 && ABI_SLOT_FIRST_CHILD == 160
              && ABI_SLOT_MARK == 191 && ABI_SLOT_PREVIOUS == 192 && ABI_SLOT_NEXT == 224 && HANDLE_INDEX_SHIFT == 0
              && HANDLE_TAG_SHIFT == 16);
static_assert(STATUS_OK == 0 && (ABI_TYPE_RIGHTS_ENDPOINT & ABI_RIGHT_RECEIVE) != 0);      /* the answer; the first receiver */
static_assert(ABI_OBJECT_ENTRY_CAP_TYPE == 16 && ABI_OBJECT_ENTRY_LIVE == 32 && ABI_OBJECT_ENTRY_REFERENCES == 33);
