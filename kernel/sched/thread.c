/* thread.c: see thread.h. */
#include "sched/thread.h"

void thread_queue_append(struct thread_queue *queue, struct thread *thread)
{
    thread->queue = queue;
    thread->next = nullptr;
    thread->previous = queue->last;
    if (queue->last != nullptr) queue->last->next = thread;
    else queue->first = thread;
    queue->last = thread;
}

void thread_queue_prepend(struct thread_queue *queue, struct thread *thread)
{
    thread->queue = queue;
    thread->previous = nullptr;
    thread->next = queue->first;
    if (queue->first != nullptr) queue->first->previous = thread;
    else queue->last = thread;
    queue->first = thread;
}

void thread_queue_insert(struct thread_queue *queue, struct thread *thread, struct thread *next)
{
    if (next == nullptr) {
        thread_queue_append(queue, thread);
        return;
    }
    thread->queue = queue;
    thread->next = next;
    thread->previous = next->previous;
    if (next->previous != nullptr) next->previous->next = thread;
    else queue->first = thread;
    next->previous = thread;
}

void thread_queue_remove(struct thread *thread)
{
    struct thread_queue *queue = thread->queue;
    if (queue == nullptr) return;
    if (thread->previous != nullptr) thread->previous->next = thread->next;
    else queue->first = thread->next;
    if (thread->next != nullptr) thread->next->previous = thread->previous;
    else queue->last = thread->previous;
    thread->queue = nullptr;
}

struct thread *thread_queue_pop(struct thread_queue *queue)
{
    struct thread *thread = queue->first;
    if (thread != nullptr) thread_queue_remove(thread);
    return thread;
}
