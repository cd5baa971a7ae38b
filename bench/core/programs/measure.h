/*
 * A measurement is a routine `uint64_t name(const void *argument)` that returns the difference of two reads of mcycle
 * around what it measures. Both reads happen at the same point of the pipeline, so that what is subtracted from the
 * result (another routine's, see bench/core/figures.py) removes their own cost. A routine may change a and t registers.
 *
 * Each begins at a 64-byte boundary: where its instructions lie in cache lines and fetched words does not depend on
 * its neighbours.
 */
#pragma once

#define ROUTINE(name) .text; .balign 64; .globl name; name:
#define START csrr t6, mcycle
#define STOP csrr a0, mcycle; sub a0, a0, t6
#define END STOP; ret
