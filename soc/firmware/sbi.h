/*
 * The supervisor binary interface, version 1.0: base, time, IPI, remote fence, hart state, system reset, and the
 * two legacy console calls.
 */
#pragma once

#include <stdint.h>

/* Registers of the interrupted program, x0 to x31; the order is entry.S's. */
struct trap_frame {
    uint64_t x[32];
};

enum : unsigned { REGISTER_A0 = 10, REGISTER_A1 = 11, REGISTER_A6 = 16, REGISTER_A7 = 17 };

/* Serve the call that `frame` holds (extension in a7, function in a6) and put its result there. */
void sbi_call(struct trap_frame *frame);
