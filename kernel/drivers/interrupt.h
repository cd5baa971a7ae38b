/*
 * interrupt.h: device interrupts as objects, for drivers that are user programs. One that comes is masked at the controller
 * and signals the notification it is bound to; the driver acknowledges it when the device is quiet again.
 * Interrupts off; one CPU.
 */
#pragma once
#include "ipc/notification.h"

constexpr unsigned INTERRUPT_LIMIT = 1024;       /* of numbers, whatever the controller has */

struct interrupt {
    uint32_t object_id;
    struct account payer;
    unsigned number;                     /* the controller's */
    bool bound;
    struct signal_target target;
};

/* A new object without capabilities for a number of the controller, charged to `payer`. BAD_ARGUMENT: no such number for
   devices. EXISTS: there is one. NO_MEMORY, NO_OBJECTS. */
[[nodiscard]] enum status interrupt_create(struct process *payer, uint64_t number, uint32_t *object_id);
void interrupt_destroy(struct interrupt *interrupt);

/* Has it signal that target from now on, and no other. */
void interrupt_bind(struct interrupt *interrupt, struct signal_target const *target);
void interrupt_unbind(struct interrupt *interrupt);

/* Lets the next one come. BAD_ARGUMENT: it is not bound. */
[[nodiscard]] enum status interrupt_acknowledge(struct interrupt *interrupt);
