/* notification_calls.c: notifications and timers. */
#include "ipc/notification.h"
#include "sched/timer.h"
#include "sys/call.h"

static struct notification *notification_of(struct call_request const *request)
{
    return (struct notification *)request->capability[0].payload;
}

void call_notification_signal(struct thread *thread, struct call_request const *request)
{
    uint64_t bits = request->words[0];
    thread_result(thread, bits != 0 ? STATUS_OK : STATUS_BAD_ARGUMENT);
    if (bits != 0) notification_signal(notification_of(request), bits);
}

void call_notification_wait(struct thread *thread, struct call_request const *request)
{
    notification_take(thread, notification_of(request), true);
}

void call_notification_poll(struct thread *thread, struct call_request const *request)
{
    notification_take(thread, notification_of(request), false);
}

static struct timer *timer_of(struct call_request const *request)
{
    return (struct timer *)request->capability[0].payload;
}

void call_timer_set(struct thread *thread, struct call_request const *request)
{
    uint64_t const *words = request->words;
    uint64_t period = words[2];
    if (words[3] == 0 || (period != 0 && period < TIMER_SHORTEST_PERIOD_NS)) {
        thread_result(thread, STATUS_BAD_ARGUMENT);
        return;
    }
    struct signal_target target = {
        .owner = account_of(thread->process), .handle = request->capability[1].handle, .bits = words[3],
    };
    timer_set(timer_of(request), &target, words[1], period);
    thread_result(thread, STATUS_OK);
}

static uint64_t nanoseconds_left(struct timer const *timer)
{
    uint64_t now = arch_time_ns();
    return !timer->armed ? 0 : timer->deadline > now ? timer->deadline - now : 1;
}

void call_timer_cancel(struct thread *thread, struct call_request const *request)
{
    request->words[0] = nanoseconds_left(timer_of(request));
    timer_cancel(timer_of(request));
    thread_result(thread, STATUS_OK);
}

void call_timer_info(struct thread *thread, struct call_request const *request)
{
    struct timer const *timer = timer_of(request);
    request->words[0] = nanoseconds_left(timer);
    request->words[1] = timer->armed ? timer->period : 0;
    thread_result(thread, STATUS_OK);
}
