/* tap.c: see tap.h. */
#include "user.h"
#include "tap.h"

static unsigned failures_of_test;
static char const *skipped;
void (*tap_afterwards)(void);

void tap_fail(char const *file, int line, char const *what, uint64_t value)
{
    if (failures_of_test++ > 3) return;
    print("# %s:%d: not so: %s (0x%lx)\n", file, line, what, value);
}

void tap_skip(char const *why) { skipped = why; }

size_t tap_run(struct tap_test const *tests, size_t count)
{
    size_t failed = 0;
    print("TAP version 14\n1..%zu\n", count);
    for (size_t i = 0; i < count; i++) {
        failures_of_test = 0;
        skipped = nullptr;
        tests[i].run();
        if (tap_afterwards != nullptr) tap_afterwards();
        bool good = failures_of_test == 0;
        if (!good) failed++;
        print("%sok %zu - %s%s%s\n", good ? "" : "not ", i + 1, tests[i].name, skipped != nullptr ? " # SKIP " : "",
              skipped != nullptr ? skipped : "");
    }
    return failed;
}
