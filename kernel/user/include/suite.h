/* suite.h: what the files of the booted test `suite` share. */
#pragma once
#include "hostile.h"
#include "roles.h"
#include "tap.h"
#include "user.h"

extern uint32_t space, kernel;               /* CAP_SPACE and KERNEL capabilities of this process */
extern bool unit_present;

/* Starts `hostile` with a deed, an argument and up to one capability besides the console (0: none). */
uint32_t start_hostile(enum deed deed, uint64_t argument, uint32_t capability);

/* Starts it, waits, and compares how it ended. */
void expect_end(enum deed deed, uint64_t argument, enum exit_reason reason, uint64_t value);

/* Waits for a process and returns its reason; `*value` as from process_wait(). */
enum exit_reason await_end(uint32_t process, uint64_t *value);

/* An agent in another process and the endpoint that reaches it. */
struct agent { uint32_t endpoint, process; };
struct agent start_agent(void);
void end_agent(struct agent *agent);

/* Sends a command and returns word 0 of the answer; `message` is both. Failure of the call itself is a test failure. */
uint64_t command(struct agent const *agent, struct message *message);
uint64_t command_words(struct agent const *agent, enum command number, uint64_t first, uint64_t second, uint64_t third);

/* Gives the agent a copy (or moves it); it is kept under the next free index there. */
void agent_keep(struct agent const *agent, uint32_t capability, bool move);

/* The tests, file by file. */
extern struct tap_test const ADDRESS_SPACE_TESTS[], CALL_TESTS[], CHANNEL_TESTS[], DEVICE_TESTS[], FAULT_TESTS[], CAPABILITY_TESTS[], IPC_TESTS[], MEMORY_TESTS[], NOTIFICATION_TESTS[],
    PROCESS_TESTS[], QUOTA_TESTS[], RESERVATION_TESTS[], REVOCATION_TESTS[], SPACE_TESTS[], THREAD_TESTS[], RIGHTS_TESTS[],
    TIME_TESTS[];
extern size_t const ADDRESS_SPACE_TEST_COUNT, CALL_TEST_COUNT, CHANNEL_TEST_COUNT, DEVICE_TEST_COUNT, FAULT_TEST_COUNT, CAPABILITY_TEST_COUNT, IPC_TEST_COUNT, MEMORY_TEST_COUNT,
    NOTIFICATION_TEST_COUNT, PROCESS_TEST_COUNT, QUOTA_TEST_COUNT, RESERVATION_TEST_COUNT, REVOCATION_TEST_COUNT, SPACE_TEST_COUNT, THREAD_TEST_COUNT, RIGHTS_TEST_COUNT, TIME_TEST_COUNT;
