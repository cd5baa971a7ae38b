/*
 * The table of harts: who runs, who waits to be started, and what one hart asks another to do.
 *
 * A hart's record is written by the hart itself, but for `state` (start requests, compare-and-swap) and `requests`
 * (any hart sets bits, the owner takes them). HART_COUNT is given by the build.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* HSM hart states (SBI 1.0, table 13). */
enum hart_state : uint32_t {
    HART_STARTED = 0,
    HART_STOPPED = 1,
    HART_START_PENDING = 2,
    HART_STOP_PENDING = 3,
    HART_SUSPENDED = 4,
};

/* What a machine software interrupt asks for. */
enum hart_request : uint32_t {
    REQUEST_SOFTWARE_INTERRUPT = 1 << 0,
    REQUEST_FENCE_INSTRUCTIONS = 1 << 1,
    REQUEST_FENCE_TRANSLATIONS = 1 << 2,
};

struct hart {
    _Atomic uint32_t state;
    _Atomic uint32_t requests;
    /* Where a start request wants the hart to enter S-mode, and with what in a1. */
    uint64_t start_address;
    uint64_t start_argument;
};

extern struct hart harts[HART_COUNT];

/* Set this hart's machine-mode CSRs: delegation, counters, PMP, environment. Once on each hart after reset. */
void hart_initialize(void);
/* Enter S-mode at `address` with a0 = hart id and a1 = `argument`; this hart's firmware stack is empty afterwards. */
[[noreturn]] void hart_enter(uint64_t address, uint64_t argument);
/* Stay stopped until another hart starts this one, then enter S-mode there. */
[[noreturn]] void hart_wait_for_start(void);
/* Do what other harts asked of this one. From the software interrupt, or while waiting for another hart. */
void hart_serve_requests(void);
/* Ask `hart` for `requests`; does not wait. */
void hart_post(size_t hart, uint32_t requests);
