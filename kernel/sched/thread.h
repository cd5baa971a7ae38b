/*
 * thread.h: the thread control block and queues of threads.
 *
 * The kernel never blocks: a thread that waits is this record in a state other than THREAD_RUNNABLE. Everything here is
 * touched with interrupts off, by one CPU at a time.
 */
#pragma once
#include "arch.h"
#include "proc/account.h"

enum thread_state : uint8_t {
    THREAD_RUNNABLE,             /* running, or in the run queue */
    THREAD_SENDING,              /* in the senders' queue of an endpoint */
    THREAD_RECEIVING,            /* in the receivers' queue of an endpoint */
    THREAD_REPLY,                /* `partner` owes it a reply */
    THREAD_WAITING,              /* for the end of the process in whose `waiters` it stands */
    THREAD_ENDED,
    THREAD_LISTENING,            /* in the `waiting` queue of a notification */
    THREAD_SUSPENDED,            /* it could run, but for `suspended` */
};

struct thread_queue { struct thread *first, *last; };

struct thread {
    struct arch_context context;         /* first, as arch.h asks */
    struct process *process;
    uint32_t cap_space;                  /* the process's, kept here for the check */
    enum thread_state state;
    bool wants_reply;                    /* THREAD_SENDING: by call, not by send */
    bool uses_mail;                      /* while it runs, the mailbox's instructions are bound to it */
    bool suspended;                      /* it must not run, in whatever state it is */
    uint32_t badge;                      /* THREAD_SENDING: of the capability it sends through */
    bool keeps_slice;                    /* ready, at the front: it goes on with the slice of whoever put it there */
    struct cap_space *cap_record;        /* cap_space_record() of `cap_space` */
    struct thread *partner;
    struct thread *caller;               /* the thread that this one owes a reply; nullptr: none */
    struct thread_queue *queue;          /* where `next` and `previous` chain it; nullptr: nowhere */
    struct thread *next, *previous;
    uint64_t deadline;                   /* of its wait, nanoseconds since boot; UINT64_MAX: none */
    struct thread *deadline_next, *deadline_previous;
    uint64_t progress;                   /* of a call that works in steps (sys/long_call.h); else 0 */
    struct reservation *reservation;     /* that it is bound to; nullptr: none */
    /* Of a thread that is not its process's first (proc/user_thread.h): */
    uint32_t object_id;                  /* THREAD object; 0 once no capability names it */
    enum exit_reason exit_reason;
    uint64_t exit_value;
    struct account payer;                /* of the object */
    struct thread_queue waiters;         /* threads in THREAD_WAIT */
    struct thread *sibling;              /* next of the process */
};

void thread_queue_append(struct thread_queue *queue, struct thread *thread);
void thread_queue_prepend(struct thread_queue *queue, struct thread *thread);

/* Before `next`, which stands in the queue; nullptr: at its end. */
void thread_queue_insert(struct thread_queue *queue, struct thread *thread, struct thread *next);

/* Takes the thread out of whatever queue it stands in. */
void thread_queue_remove(struct thread *thread);

/* First thread, taken out; nullptr if the queue is empty. */
struct thread *thread_queue_pop(struct thread_queue *queue);

/* Sets the info word of a thread's result. */
static inline void thread_result(struct thread *thread, enum status status)
{
    thread->context.call[MESSAGE_WORDS] = info_out_make(status, 0);
}
