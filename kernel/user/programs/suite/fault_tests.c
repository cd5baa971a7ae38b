/* fault_tests.c: a process that faults is ended with the right reason, and everybody else lives on. */
#include "suite.h"

static void null_pointers(void)
{
    expect_end(DEED_READ, 0, EXIT_REASON_MEMORY_FAULT, 0);
    expect_end(DEED_WRITE, 16, EXIT_REASON_MEMORY_FAULT, 16);
    expect_end(DEED_EXECUTE, 0, EXIT_REASON_MEMORY_FAULT, 0);
}

static void kernel_memory(void)
{
    expect_end(DEED_READ, USER_KERNEL_ADDRESS, EXIT_REASON_MEMORY_FAULT, USER_KERNEL_ADDRESS);
    expect_end(DEED_WRITE, USER_KERNEL_ADDRESS, EXIT_REASON_MEMORY_FAULT, USER_KERNEL_ADDRESS);
    expect_end(DEED_EXECUTE, USER_KERNEL_ADDRESS, EXIT_REASON_MEMORY_FAULT, USER_KERNEL_ADDRESS);
}

/* How a process ends whose fault address only it knows. */
static void expect_reason(enum deed deed, enum exit_reason reason)
{
    uint64_t value;
    CHECK_EQUAL(await_end(start_hostile(deed, 0, 0), &value), reason);
}

static void write_or_execute(void)
{
    expect_reason(DEED_WRITE_TEXT, EXIT_REASON_MEMORY_FAULT);
    expect_reason(DEED_EXECUTE_DATA, EXIT_REASON_MEMORY_FAULT);
    expect_reason(DEED_EXECUTE_STACK, EXIT_REASON_MEMORY_FAULT);
}

static void stack_guard(void)
{
    uint64_t value;
    CHECK_EQUAL(await_end(start_hostile(DEED_OVERFLOW, 0, 0), &value), EXIT_REASON_MEMORY_FAULT);
    CHECK(value >= PROCESS_STACK_GUARD && value < PROCESS_STACK_GUARD + PAGE_BYTES);
}

static void illegal_instructions(void)
{
    expect_reason(DEED_ILLEGAL, EXIT_REASON_ILLEGAL_INSTRUCTION);
}

static void privileged_instructions(void)
{
    uint64_t value;
    enum exit_reason reason = await_end(start_hostile(DEED_PRIVILEGED, 0, 0), &value);
    CHECK(reason == EXIT_REASON_ILLEGAL_INSTRUCTION || reason == EXIT_REASON_EXCEPTION);
}

static void float_instructions(void)
{
    expect_reason(DEED_FLOAT, EXIT_REASON_ILLEGAL_INSTRUCTION);
}

static void kernel_instructions(void)
{
    expect_reason(DEED_KERNEL_INSTRUCTION, EXIT_REASON_ILLEGAL_INSTRUCTION);
}

static void check_instruction(void)
{
    /* The child has its console under a handle of its own: this one is bad there. */
    if (unit_present)
        expect_end(DEED_CHECK_INSTRUCTION, query_make(1, CAP_TYPE_IO_RANGE, 0), EXIT_REASON_EXITED,
                   VERDICT_BAD_HANDLE);
    else
        expect_reason(DEED_CHECK_INSTRUCTION, EXIT_REASON_ILLEGAL_INSTRUCTION);
}

static void ends_in_order(void)
{
    expect_end(DEED_EXIT, 42, EXIT_REASON_EXITED, 42);
    expect_end(DEED_COMPUTE, 0, EXIT_REASON_EXITED, 0);
    expect_end(DEED_REPLY, 0, EXIT_REASON_EXITED, STATUS_NO_CALLER);
}

static void no_authority(void)
{
    uint32_t endpoint;
    CHECK_EQUAL(endpoint_create(&endpoint), STATUS_OK);
    uint64_t value;
    CHECK_EQUAL(await_end(start_hostile(DEED_SHUTDOWN, 0, endpoint), &value), EXIT_REASON_EXITED);
    CHECK_EQUAL(value, 0);
    CHECK_EQUAL(capability_delete(endpoint), STATUS_OK);
}

/* What ended processes had is given back: more of them than memory or spaces would hold at once. */
static void resources_come_back(void)
{
    for (unsigned i = 0; i < 24; i++) expect_end(DEED_EXIT, i, EXIT_REASON_EXITED, i);
}

struct tap_test const FAULT_TESTS[] = {
    { "processes end with their own codes", ends_in_order },
    { "null pointers end the process", null_pointers },
    { "kernel memory ends the process", kernel_memory },
    { "memory is writable or executable, not both", write_or_execute },
    { "a stack overflow meets the guard page", stack_guard },
    { "illegal instructions end the process", illegal_instructions },
    { "privileged instructions end the process", privileged_instructions },
    { "floating point ends the process", float_instructions },
    { "custom instructions for the kernel end the process", kernel_instructions },
    { "the user's check instruction is there only with a unit", check_instruction },
    { "without the capability nobody ends the machine", no_authority },
    { "processes can be made and ended again and again", resources_come_back },
};
size_t const FAULT_TEST_COUNT = sizeof FAULT_TESTS / sizeof *FAULT_TESTS;
