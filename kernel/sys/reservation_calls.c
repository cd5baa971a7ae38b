/* reservation_calls.c: reservations of the processor's time. */
#include "proc/process.h"
#include "sched/reservation.h"
#include "sys/call.h"

static struct reservation *reservation_of(struct call_request const *request)
{
    return (struct reservation *)request->capability[0].payload;
}

void call_reservation_set(struct thread *thread, struct call_request const *request)
{
    uint64_t const *words = request->words;
    thread_result(thread, reservation_set(reservation_of(request), (uint32_t)words[1], (uint32_t)words[2]));
}

void call_reservation_bind(struct thread *thread, struct call_request const *request)
{
    /* A process begins with its first thread. */
    static_assert(offsetof(struct process, thread) == 0);
    struct thread *target = (struct thread *)request->capability[1].payload;
    thread_result(thread, reservation_bind(reservation_of(request), target, thread->cap_space,
                                           request->capability[0].handle));
}

void call_reservation_unbind(struct thread *thread, struct call_request const *request)
{
    reservation_unbind(reservation_of(request));
    thread_result(thread, STATUS_OK);
}

void call_reservation_info(struct thread *thread, struct call_request const *request)
{
    struct reservation const *reservation = reservation_of(request);
    request->words[0] = reservation->budget.amount;
    request->words[1] = reservation->budget.period;
    request->words[2] = reservation_used(reservation);
    request->words[3] = reservation->thread != nullptr;
    thread_result(thread, STATUS_OK);
}
