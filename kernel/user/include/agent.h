/*
 * agent.h: the test agent's lines on the console, one system call each, and what its children are told.
 *
 * A line is words between spaces:
 *   NAME       a call of the table (cap_derive); without one the call's number is that in word 8
 *   N=VALUE    call word N (decimal) is VALUE (hexadecimal)
 *   N@TEXT     call word N is the address of TEXT (at most 63 characters), word N + 1 its length
 *   >HANDLE    the agent that listens at this endpoint makes the call, with words 0 to 3 and 8 to 11
 * What is not named is 0. The answer is a line `=` and N=VALUE for word 8 and each other word that the call has
 * changed; `?` and what was not understood for a line that is none. The first answer is the agent's start message.
 *
 * An agent whose start message has AGENT_CHILD in word 0 receives at its capability 0 instead. A message of badge 0 is
 * a call: info, handle, words 0 to 3, words 10 and 11; so is its answer. Of another message it keeps the capabilities,
 * and answers with their handles in words 0 to 3.
 */
#pragma once
#include <stdint.h>

constexpr uint64_t AGENT_CHILD = 1;

/* In place of the info word: no system call, but the user-mode check instruction on word 0, where there is one. */
constexpr uint64_t AGENT_CHECK_INSTRUCTION = ~0ull;
