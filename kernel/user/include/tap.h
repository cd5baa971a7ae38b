/* tap.h: results of booted tests in TAP 14 (Test Anything Protocol) on the console. */
#pragma once
#include <stddef.h>

struct tap_test { char const *name; void (*run)(void); };

/* Records a failure of the running test: the first one is printed with its line. */
void tap_fail(char const *file, int line, char const *what, uint64_t value);

/* The running test does not apply on this machine. */
void tap_skip(char const *why);

/* What is checked after every test; nullptr: nothing. */
extern void (*tap_afterwards)(void);

/* Runs the tests in order; the number of failures. */
size_t tap_run(struct tap_test const *tests, size_t count);

/* The condition must hold. */
#define CHECK(condition) \
    do { if (!(condition)) tap_fail(__FILE_NAME__, __LINE__, #condition, 0); } while (0)

/* A number must be the expected one; the one that came instead is printed. */
#define CHECK_EQUAL(actual, expected) \
    do { \
        uint64_t tap_actual = (uint64_t)(actual); \
        if (tap_actual != (uint64_t)(expected)) tap_fail(__FILE_NAME__, __LINE__, #actual " is " #expected, tap_actual); \
    } while (0)
