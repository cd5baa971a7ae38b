/*
 * process.h: processes: an address space, a capability space and threads. The first thread is part of the record.
 * Interrupts off; one CPU.
 */
#pragma once
#include "mm/space.h"
#include "proc/account.h"
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
    uint32_t objects_used, objects_limit;    /* quota of objects (account.h) */
    uint32_t frames_limit;               /* quota of frames; what is left of it: space.frames_left */
    struct thread *threads;              /* besides the first */
    uint32_t threads_used, threads_limit;    /* of those */
    struct registry_name *names;         /* that it has registered */
    struct account payer;                /* of the PROCESS object */
    struct process *next;                /* all processes that have not ended */
    char name[24];
};

/* Frames a process may take, page tables and memory objects included, objects it may make, and threads it may have besides
   its first. */
constexpr uint32_t PROCESS_FRAMES = 512;
constexpr uint32_t PROCESS_OBJECTS = 512;
constexpr uint32_t PROCESS_THREADS = 32;

/*
 * Loads the program `name` of the initrd into a new process that is not running yet. Its thread starts as if it had
 * received a message: the caller fills in words and capabilities, then calls process_start().
 * Its object is charged to `payer` (nullptr: nobody). NOT_FOUND, BAD_IMAGE, NO_MEMORY, NO_SLOTS, NO_OBJECTS.
 */
[[nodiscard]] enum status process_create(char const *name, struct process *payer, struct process **process);

/* What a process uses of a resource, and its limit. */
struct quota { uint32_t used, limit; };
struct quota process_quota(struct process const *process, enum resource resource);

/* Lowers a limit for good. BAD_ARGUMENT: it is higher than now, or lower than what is in use; no such resource. */
[[nodiscard]] enum status process_limit(struct process *process, uint64_t resource, uint32_t limit);

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

/* The last capability to the process is gone. */
void process_unreferenced(struct process *process);
