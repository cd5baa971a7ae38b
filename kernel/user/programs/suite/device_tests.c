/*
 * device_tests.c: a driver as a user program: it reaches the console's UART through an I/O range and takes its interrupt
 * for an empty transmitter, while the kernel goes on writing there without it.
 */
#include "suite.h"

constexpr uint64_t MILLISECOND = 1'000'000, BITS = 0x100;

static uint32_t interrupt, notification;

/* A new interrupt, if the device's line is not masked: off, quiet, on. */
static void provoke(void)
{
    uint32_t value;
    CHECK_EQUAL(io_write(console, USER_UART_MASK, 0), STATUS_OK);
    CHECK_EQUAL(io_read(console, USER_UART_STATUS, &value), STATUS_OK);
    CHECK_EQUAL(console_write(console, "#\n", 2), STATUS_OK);
    CHECK_EQUAL(io_write(console, USER_UART_MASK, USER_UART_TRANSMIT), STATUS_OK);
}

static void expect(enum status status)
{
    uint64_t bits = 0;
    CHECK_EQUAL(notification_wait(notification, 3 * MILLISECOND, &bits), status);
    CHECK_EQUAL(bits, status == STATUS_OK ? BITS : 0);
}

/* The device is made quiet and its interrupt acknowledged. A controller may have latched one meanwhile (QEMU's PLIC does),
   which then comes without a cause: it is acknowledged, too. */
static void quiet(void)
{
    uint64_t bits;
    unsigned spurious = 0;
    CHECK_EQUAL(io_write(console, USER_UART_MASK, 0), STATUS_OK);
    do CHECK_EQUAL(interrupt_acknowledge(interrupt), STATUS_OK);
    while (notification_wait(notification, MILLISECOND / 4, &bits) == STATUS_OK && ++spurious < 3);
    CHECK(spurious < 3);
}

static void interrupts(void)
{
    unsigned registers = 0, number = 0;
    uint32_t other = 0;
    CHECK_EQUAL(io_info(console, &registers, &number), STATUS_OK);
    if (number == 0) {
        tap_skip("the console has no interrupt");
        return;
    }
    CHECK_EQUAL(notification_create(&notification), STATUS_OK);
    CHECK_EQUAL(interrupt_create(kernel, 100'000, &other), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(interrupt_create(kernel, number, &interrupt), STATUS_OK);
    CHECK_EQUAL(interrupt_create(kernel, number, &other), STATUS_EXISTS);
    CHECK_EQUAL(interrupt_acknowledge(interrupt), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(interrupt_bind(interrupt, notification, 0), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(interrupt_bind(interrupt, notification, BITS), STATUS_OK);
    for (unsigned i = 0; i < 3; i++) {
        /* Who asks for it in vain does not mask it. */
        CHECK_EQUAL(interrupt_create(kernel, number, &other), STATUS_EXISTS);
        provoke();
        expect(STATUS_OK);
        /* It is masked until it is acknowledged. */
        provoke();
        expect(STATUS_TIMED_OUT);
        quiet();
    }
    CHECK_EQUAL(interrupt_unbind(interrupt), STATUS_OK);
    provoke();
    expect(STATUS_TIMED_OUT);
    /* Bound again through a capability that is then revoked, it signals nobody. */
    CHECK_EQUAL(io_write(console, USER_UART_MASK, 0), STATUS_OK);
    CHECK_EQUAL(capability_derive(notification, RIGHT_SIGNAL, 0, &other), STATUS_OK);
    CHECK_EQUAL(interrupt_bind(interrupt, other, BITS), STATUS_OK);
    quiet();
    provoke();
    expect(STATUS_OK);
    quiet();
    CHECK_EQUAL(capability_revoke(notification, nullptr), STATUS_OK);
    provoke();
    expect(STATUS_TIMED_OUT);
    CHECK_EQUAL(io_write(console, USER_UART_MASK, 0), STATUS_OK);
    CHECK_EQUAL(capability_delete(interrupt), STATUS_OK);
    /* The number is free again. */
    CHECK_EQUAL(interrupt_create(kernel, number, &interrupt), STATUS_OK);
    CHECK_EQUAL(capability_delete(interrupt), STATUS_OK);
    CHECK_EQUAL(capability_delete(notification), STATUS_OK);
}

static void registers(void)
{
    unsigned count = 0, number = 0;
    uint32_t value = 0, narrow = 0;
    CHECK_EQUAL(io_info(console, &count, &number), STATUS_OK);
    CHECK(count > USER_UART_MASK);
    CHECK_EQUAL(io_read(console, count, &value), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(io_write(console, count, 0), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(io_read(console, ~0ull, &value), STATUS_BAD_ARGUMENT);
    CHECK_EQUAL(io_write(console, USER_UART_MASK, 0), STATUS_OK);
    CHECK_EQUAL(io_read(console, USER_UART_MASK, &value), STATUS_OK);
    CHECK_EQUAL(value, 0);
    /* Who may write text may not do as it likes with the device. */
    CHECK_EQUAL(capability_derive(console, RIGHT_WRITE, 0, &narrow), STATUS_OK);
    CHECK_EQUAL(console_write(narrow, "#\n", 2), STATUS_OK);
    CHECK_EQUAL(io_write(narrow, USER_UART_MASK, 0), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(io_read(narrow, USER_UART_MASK, &value), STATUS_MISSING_RIGHTS);
    CHECK_EQUAL(capability_delete(narrow), STATUS_OK);
}

struct tap_test const DEVICE_TESTS[] = {
    { "registers of a device are reached through its range", registers },
    { "a device's interrupt reaches its driver", interrupts },
};
size_t const DEVICE_TEST_COUNT = sizeof DEVICE_TESTS / sizeof *DEVICE_TESTS;
