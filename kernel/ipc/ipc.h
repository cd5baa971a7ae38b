/*
 * ipc.h: synchronous messages through endpoints (DESIGN 6): 8 words and up to 4 capabilities; the badge of the sender's
 * capability tells the receiver who sends.
 *
 * A thread that receives by a call owes the caller one reply; it loses that right (and the caller gets DEAD) when it
 * receives again without replying, or ends. A transfer of capabilities happens wholly or not at all: if it fails, the
 * sender gets the error, and the state of both is as before.
 *
 * A wait ends with BAD_HANDLE when the capability through which the thread waits is revoked, deleted or moved away. A
 * caller whose message was received already still gets its reply.
 *
 * All functions act for the current thread and either set its result and leave it running, or make it wait.
 * Interrupts off; one CPU.
 */
#pragma once
#include "mm/pool.h"
#include "proc/account.h"
#include "sched/thread.h"

constexpr size_t MAIL_QUEUE = 4;

/* What is written when an endpoint is made lies in one line of a cache; the queues and the mail are empty then, as they were left. */
struct endpoint {
    alignas(64) uint32_t object_id;
    uint32_t receivers;                  /* capabilities with RECEIVE; at none, senders get DEAD */
    struct account payer;
    uint32_t mail_queue;                 /* in the mailbox; 0: the queue below */
    uint16_t mail_first, mail_count;
    struct thread_queue senders, receiving;
    /* Nothing when the endpoint is made: what is not counted is never read. */
    struct { uint64_t word[MESSAGE_WORDS]; uint32_t badge; } mail[MAIL_QUEUE];
};

/* Records of endpoints, for an architecture's short path. */
extern struct pool endpoint_pool;

/* A new endpoint object without capabilities, charged to `payer`. NO_MEMORY, NO_OBJECTS. */
[[nodiscard]] enum status endpoint_create(struct process *payer, uint32_t *object_id);

/* Everybody who waits gets DEAD, the record is freed. */
void endpoint_destroy(struct endpoint *endpoint);

/* The last capability with RECEIVE is gone: senders get DEAD. */
void endpoint_no_receiver(struct endpoint *endpoint);

/* System calls; the capability is checked already, `badge` is its badge. */
void ipc_call(struct thread *thread, struct endpoint *endpoint, uint32_t badge);
void ipc_send(struct thread *thread, struct endpoint *endpoint, uint32_t badge);
void ipc_receive(struct thread *thread, struct endpoint *endpoint);
void ipc_reply(struct thread *thread);
void ipc_reply_receive(struct thread *thread, struct endpoint *endpoint);

/* Mail, in mail.c: through the hardware mailbox where it has a queue for the endpoint, else through a queue in software
   with the same rules: nothing waits, order and badge are kept, a full queue refuses. */
void ipc_mail_send(struct thread *thread, struct endpoint *endpoint, uint32_t handle, uint32_t badge);
void ipc_mail_receive(struct thread *thread, struct endpoint *endpoint, uint32_t handle);

/* From now on the mailbox's instructions are bound to the thread whenever it runs; UNSUPPORTED where there are none. */
void ipc_mail_bind(struct thread *thread);

/* The short paths: a call, or a reply and receive, without capabilities and without timeout, whose partner waits.
   False: nothing happened, take the general path. */
[[nodiscard]] bool ipc_fast_call(struct thread *thread, struct endpoint *endpoint, uint32_t badge);
[[nodiscard]] bool ipc_fast_reply_receive(struct thread *thread, struct endpoint *endpoint);

/* Ends a thread's wait, whatever it waits for, with `status`. */
void ipc_cancel(struct thread *thread, enum status status);

/* The thread ends: nobody may wait for it, and it waits for nobody. */
void ipc_forget(struct thread *thread);
