/*
 * notification.h: a word of bits that anybody with SIGNAL may set and that one waiter at a time takes and clears.
 * Interrupts off; one CPU.
 */
#pragma once
#include "proc/account.h"
#include "sched/thread.h"

struct notification {
    uint32_t object_id;
    struct account payer;
    uint64_t bits;
    struct thread_queue waiting;
};

/* A new object without capabilities, charged to `payer`. NO_MEMORY, NO_OBJECTS. */
[[nodiscard]] enum status notification_create(struct process *payer, uint32_t *object_id);

/* Whoever waits gets DEAD. */
void notification_destroy(struct notification *notification);

/* Sets bits (not 0). The thread that has waited longest gets all that are set. */
void notification_signal(struct notification *notification, uint64_t bits);

/* System calls: the current thread takes the bits, and waits for one if told to. */
void notification_take(struct thread *thread, struct notification *notification, bool wait);

/*
 * A notification that is to be signalled later, named by the capability that allowed it: whoever asked for it must still
 * live and hold that capability with SIGNAL at that time, else nothing happens.
 */
struct signal_target {
    struct account owner;
    uint32_t handle;
    uint64_t bits;
};

void signal_target_fire(struct signal_target const *target);
