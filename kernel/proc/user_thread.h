/*
 * user_thread.h: the threads of a process besides its first, which is part of the process's record. Each is an object.
 * The first thread ends with its process, and a process with its first thread. Interrupts off; one CPU.
 */
#pragma once
#include "proc/process.h"

/* A new thread that starts at `entry` with `argument` in call word 0, and runs. Charged to the process: an object and a
   thread. NO_THREADS, NO_OBJECTS, NO_MEMORY. */
[[nodiscard]] enum status user_thread_create(struct process *process, uintptr_t entry, uintptr_t stack,
                                             uint64_t argument, uint32_t *object_id);

/* Undoes user_thread_create() when no capability names the thread and it has not run. */
void user_thread_discard(struct thread *thread);

/* Ends a thread that is not its process's first. Whoever waits for it is told. */
void user_thread_end(struct thread *thread, enum exit_reason reason, uint64_t value);

/* Makes the current thread wait for the end, or answers at once. */
void user_thread_wait(struct thread *thread, struct thread *target);

/* The last capability to the thread is gone; it goes on. */
void user_thread_unreferenced(struct thread *thread);

/* How many threads there are that have not ended, first ones not counted. */
uint32_t user_thread_count(void);
