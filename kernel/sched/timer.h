/*
 * timer.h: timer objects: at a time, once or periodically, they signal a notification. Interrupts off; one CPU.
 */
#pragma once
#include "ipc/notification.h"

constexpr uint64_t TIMER_SHORTEST_PERIOD_NS = 100'000;

struct timer {
    uint32_t object_id;
    struct account payer;
    struct signal_target target;
    uint64_t deadline, period;           /* nanoseconds since boot; period 0: once */
    bool armed;                          /* it stands in the list of timers */
    struct timer *next, *previous;
};

/* A new object without capabilities, charged to `payer`. NO_MEMORY, NO_OBJECTS. */
[[nodiscard]] enum status timer_create(struct process *payer, uint32_t *object_id);
void timer_destroy(struct timer *timer);

/* Sets it, anew if it is set. A time that has passed fires with the next timer interrupt. */
void timer_set(struct timer *timer, struct signal_target const *target, uint64_t deadline, uint64_t period);

void timer_cancel(struct timer *timer);

/* For the scheduler, which looks at every switch: when the first one may fire (UINT64_MAX: none is set). And firing all that
   are due. As long as that took none fires again, so threads get half of the time however many there are. */
extern uint64_t timer_earliest;
void timer_fire_due(uint64_t now);
