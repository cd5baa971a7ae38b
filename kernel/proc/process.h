/*
 * process.h: processes: an address space, a capability space and threads. The first thread is part of the record.
 * Interrupts off; one CPU.
 */
#pragma once
#include "mm/space.h"
#include "proc/account.h"
#include "proc/quotas.h"
#include "sched/thread.h"
#include "user/include/process_layout.h"

struct process {
    struct thread thread;
    struct address_space space;
    uint64_t number;                     /* from 1, never used twice */
    uint32_t object_id;                  /* PROCESS object; 0 once no capability names it */
    bool ended;
    enum exit_reason reason;
    uint64_t exit_value;
    struct thread_queue waiters;         /* threads in PROCESS_WAIT */
    struct quotas quotas;                /* slots in use are counted by the capability space */
    struct thread *threads;              /* besides the first */
    struct registry_name *names;         /* that it has registered */
    uint32_t address_space_id;           /* ADDRESS_SPACE object; 0: none (address_space_object.h) */
    struct account address_space_payer;  /* of it */
    char name[24];
};

/*
 * Loads the program `name` of the initrd into a new process that is not running yet. Its thread starts as if it had
 * received a message: the caller fills in words and capabilities, then calls process_start().
 * Its quotas, `wanted` as quotas_open() takes it, and its object come out of its maker's. NOT_FOUND, BAD_IMAGE, NO_MEMORY,
 * NO_SLOTS, NO_OBJECTS, NO_THREADS.
 */
[[nodiscard]] enum status process_create(char const *name, struct process *maker, uint64_t wanted, struct process **process);

/* The first one, whose quotas are `limits`. */
[[nodiscard]] enum status process_create_first(char const *name, uint32_t const limits[QUOTA_RESOURCES],
                                               struct process **process);

/* What a process uses of a resource, and its limit. */
struct quota process_quota(struct process *process, enum resource resource);

/* Changes a limit, for process `by`: quotas_limit(). */
[[nodiscard]] enum status process_limit(struct process *process, struct process const *by, uint64_t resource, uint32_t limit);

/* Never more slots again than `limit`. BAD_ARGUMENT: more than the space may have now, or fewer than it has. */
[[nodiscard]] enum status process_seal(struct process *process, uint32_t limit);

/* How many there are that have not ended. */
uint32_t process_count(void);

/* Prints its line and makes it runnable. */
void process_start(struct process *process);

/* Undoes process_create() for a process that was not started and that no capability names. */
void process_discard(struct process *process);

/* Ends a process, for whatever reason, if it was started: everything it has is given back, whoever waits for it is
   told. The record lives on while capabilities name it. The first process takes the machine with it. */
void process_end(struct process *process, enum exit_reason reason, uint64_t value);

/* Stops all threads of a process that has not ended, or lets them go on, also those that were stopped one by one. */
void process_suspend(struct process *process);
void process_resume(struct process *process);

/* Makes the current thread wait for the end, or answers at once. */
void process_wait(struct thread *thread, struct process *process);

/* Frees the record of a process that has ended, if nothing is charged to it and no capability names it. */
void process_release(struct process *process);

/* The last capability to the process is gone. */
void process_unreferenced(struct process *process);
