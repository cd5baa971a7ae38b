/* call_tests.c: the system call interface itself: numbers, info word, handles, pointers. */
#include "suite.h"

static enum status raw_call(uint64_t info, uint64_t handle, uint64_t first, uint64_t second)
{
    struct user_call call = { .word = { first, second, [CALL_INFO] = info, [CALL_HANDLE] = handle } };
    user_call(&call);
    CHECK_EQUAL(call.word[CALL_INFO] & INFO_OUT_RESERVED, 0);
    return (enum status)info_out_get_status(call.word[CALL_INFO]);
}

static void null_call(void)
{
    struct user_call call = { .word = { 1, 2, 3, 4, 5, 6, 7, 8, CALL_NULL, 9, 10, 11, 12 } };
    user_call(&call);
    CHECK_EQUAL(call.word[CALL_INFO], STATUS_OK);
    for (size_t i = 0; i < MESSAGE_WORDS; i++) CHECK_EQUAL(call.word[i], i + 1);
    CHECK_EQUAL(call.word[CALL_TIMEOUT], 12);
}

static void unknown_calls(void)
{
    CHECK_EQUAL(raw_call(CALL_COUNT, 0, 0, 0), STATUS_BAD_CALL);
    CHECK_EQUAL(raw_call(0xffff, 0, 0, 0), STATUS_BAD_CALL);
    CHECK_EQUAL(raw_call(0x8000, 0, 0, 0), STATUS_BAD_CALL);
}

static void reserved_bits(void)
{
    for (unsigned bit = 24; bit < 64; bit += 3) CHECK_EQUAL(raw_call(1ull << bit | CALL_NULL, 0, 0, 0), STATUS_BAD_CALL);
    CHECK_EQUAL(raw_call(info_in_make(CALL_NULL, 1, 0), 0, 0, 0), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(raw_call(info_in_make(CALL_NULL, 0, 1), 0, 0, 0), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(raw_call(info_in_make(CALL_IPC_SEND, 5, 0), 0, 0, 0), STATUS_BAD_ARGUMENT);
}

static void errors_leave_words(void)
{
    struct user_call call = { .word = { 21, 22, 23, 24, 25, 26, 27, 28, CALL_IPC_RECEIVE, 0xdead, 5, 6, 7 } };
    user_call(&call);
    CHECK_EQUAL(call.word[CALL_INFO], STATUS_BAD_HANDLE);
    for (size_t i = 0; i < MESSAGE_WORDS; i++) CHECK_EQUAL(call.word[i], i + 21);
    CHECK_EQUAL(call.word[CALL_CAPS], 5);
    CHECK_EQUAL(call.word[CALL_CAPS_HIGH], 6);
}

static void forged_handles(void)
{
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t forged = (uint32_t)handle_make(i % 40, i * 331 + 7);
        if (forged == console || forged == space || forged == kernel) continue;
        /* A free slot has a tag too, which one of these meets by chance in one boot of 300. */
        enum status status = raw_call(CALL_CONSOLE_WRITE, forged, 0, 0);
        CHECK(status == STATUS_BAD_HANDLE || status == STATUS_EMPTY);
    }
    CHECK_EQUAL(raw_call(CALL_CONSOLE_WRITE, handle_make(0xffff, handle_get_tag(console)), 0, 0), STATUS_BAD_HANDLE);
    CHECK_EQUAL(raw_call(CALL_CONSOLE_WRITE, console ^ 0x10000, 0, 0), STATUS_BAD_HANDLE);
    CHECK_EQUAL(raw_call(CALL_CONSOLE_WRITE, console | 1ull << 32, 0, 0), STATUS_BAD_HANDLE);
    CHECK_EQUAL(raw_call(CALL_CAP_DELETE, console | 1ull << 63, 0, 0), STATUS_BAD_HANDLE);
    CHECK_EQUAL(raw_call(CALL_CONSOLE_WRITE, 0, 0, 0), STATUS_BAD_HANDLE);
}

static void wrong_types(void)
{
    CHECK_EQUAL(raw_call(CALL_IPC_RECEIVE, console, 0, 0), STATUS_WRONG_TYPE);
    CHECK_EQUAL(raw_call(CALL_IPC_CALL, space, 0, 0), STATUS_WRONG_TYPE);
    CHECK_EQUAL(raw_call(CALL_CONSOLE_WRITE, kernel, 0, 0), STATUS_WRONG_TYPE);
    CHECK_EQUAL(raw_call(CALL_MEM_MAP, console, 0x2000'0000, RIGHT_READ), STATUS_WRONG_TYPE);
    CHECK_EQUAL(raw_call(CALL_PROCESS_CREATE, kernel, 0, 0), STATUS_WRONG_TYPE);
    CHECK_EQUAL(raw_call(CALL_PROCESS_WAIT, space, 0, 0), STATUS_WRONG_TYPE);
    CHECK_EQUAL(raw_call(CALL_KERNEL_CONTROL, console, KERNEL_CONTROL_SHUTDOWN, 0), STATUS_WRONG_TYPE);
}

/* Addresses that no process may use, and what every call that takes a pointer says to them. */
static void bad_pointers(void)
{
    uint64_t const addresses[] = {
        0, 1, 8, 0xfff, USER_KERNEL_ADDRESS, USER_KERNEL_ADDRESS + 1, ~0ull, ~0ull - 63, 1ull << 63,
        PROCESS_STACK_GUARD, 0x7000'0000, 0x1234'5678'9abc'def0,
    };
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        CHECK_EQUAL(raw_call(CALL_CONSOLE_WRITE, console, addresses[i], 64), STATUS_BAD_POINTER);
        CHECK_EQUAL(raw_call(CALL_PROCESS_CREATE, space, addresses[i], 5), STATUS_BAD_POINTER);
        uint64_t words[3] = { query_make(console, CAP_TYPE_IO_RANGE, RIGHT_WRITE), addresses[i], 8 };
        CHECK_EQUAL(kernel_control(kernel, KERNEL_CONTROL_MEASURE_CHECK, words), STATUS_BAD_POINTER);
    }
}

static void pointers_across_an_end(void)
{
    /* The stack's last bytes are mapped, what follows is not. */
    CHECK_EQUAL(raw_call(CALL_CONSOLE_WRITE, console, PROCESS_STACK_END - 16, 64), STATUS_BAD_POINTER);
    CHECK_EQUAL(raw_call(CALL_PROCESS_CREATE, space, PROCESS_STACK_END - 2, 5), STATUS_BAD_POINTER);
    uint64_t words[3] = { query_make(console, CAP_TYPE_IO_RANGE, RIGHT_WRITE), PROCESS_STACK_END - 8, 8 };
    CHECK_EQUAL(kernel_control(kernel, KERNEL_CONTROL_MEASURE_CHECK, words), STATUS_BAD_POINTER);
}

static void unaligned_pointers(void)
{
    char const text[] = "!# written from every alignment\n";
    for (size_t i = 1; i < 9; i++) CHECK_EQUAL(console_write(console, text + 1, sizeof text - 2), STATUS_OK);
    static uint8_t buffer[80];
    for (size_t i = 0; i < 9; i++) {
        uint64_t words[3] = { query_make(console, CAP_TYPE_IO_RANGE, RIGHT_WRITE), (uintptr_t)buffer + i, 8 };
        CHECK_EQUAL(kernel_control(kernel, KERNEL_CONTROL_MEASURE_CHECK, words), STATUS_OK);
    }
}

static void kernel_writes_no_text(void)
{
    uint64_t words[3] = { query_make(console, CAP_TYPE_IO_RANGE, RIGHT_WRITE), (uintptr_t)&raw_call & ~7ull, 1 };
    CHECK_EQUAL(kernel_control(kernel, KERNEL_CONTROL_MEASURE_CHECK, words), STATUS_BAD_POINTER);
}

static void lengths(void)
{
    CHECK_EQUAL(raw_call(CALL_CONSOLE_WRITE, console, (uintptr_t)&lengths, 1 << 20), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(raw_call(CALL_CONSOLE_WRITE, console, (uintptr_t)&lengths, ~0ull), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(raw_call(CALL_CONSOLE_WRITE, console, (uintptr_t)&lengths, 0), STATUS_OK);
    CHECK_EQUAL(raw_call(CALL_PROCESS_CREATE, space, (uintptr_t)"hostile", 0), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(raw_call(CALL_PROCESS_CREATE, space, (uintptr_t)"hostile", 1000), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(raw_call(CALL_PROCESS_CREATE, space, (uintptr_t)"nothing", 7), STATUS_NOT_FOUND);
}

static void kernel_control_arguments(void)
{
    uint64_t words[3] = { 256 };
    CHECK_EQUAL(kernel_control(kernel, KERNEL_CONTROL_SHUTDOWN, words), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(raw_call(CALL_KERNEL_CONTROL, kernel, 99, 0), STATUS_BAD_ARGUMENT);
    words[0] = 2;
    CHECK_EQUAL(kernel_control(kernel, KERNEL_CONTROL_SET_ACCELERATOR, words), STATUS_BAD_ARGUMENT);
    words[0] = 1;
    CHECK_EQUAL(kernel_control(kernel, KERNEL_CONTROL_SET_ACCELERATOR, words),
                unit_present ? STATUS_OK : STATUS_UNSUPPORTED);
    words[2] = 1 << 20;
    CHECK_EQUAL(kernel_control(kernel, KERNEL_CONTROL_MEASURE_CHECK, words), STATUS_BAD_ARGUMENT);
}

struct tap_test const CALL_TESTS[] = {
    { "a null call changes no word", null_call },
    { "unknown calls are refused", unknown_calls },
    { "reserved bits are refused", reserved_bits },
    { "an error leaves the message words alone", errors_leave_words },
    { "forged handles are refused", forged_handles },
    { "capabilities of the wrong type are refused", wrong_types },
    { "bad pointers are refused by every call that takes one", bad_pointers },
    { "pointers that run off a mapping are refused", pointers_across_an_end },
    { "unaligned pointers work", unaligned_pointers },
    { "the kernel writes no user code", kernel_writes_no_text },
    { "lengths are checked", lengths },
    { "arguments of kernel control are checked", kernel_control_arguments },
};
size_t const CALL_TEST_COUNT = sizeof CALL_TESTS / sizeof *CALL_TESTS;
