/*
 * The score: iterations of all kernels, each in turn. Prints
 *     core kernel=NAME iterations=N cycles=C instructions=I crc=R
 * for each kernel, where C and I are sums over the iterations and R must be EXPECTED's (bench/core/reference.py); the
 * first iteration warms the caches and is not counted.
 */
#include <stddef.h>
#include <stdint.h>

#include "console.h"
#include "kernels.h"

/* Given by the compiler's command line: ITERATIONS, SEED, EXPECTED. */
static volatile const uint32_t seed = SEED;
static const uint16_t expected[] = {EXPECTED};

static struct kernel {
    const char *name;
    uint16_t (*run)(uint32_t seed);
    uint64_t cycles, instructions;
} kernels[] = {
    {"list", list_kernel, 0, 0},
    {"matrix", matrix_kernel, 0, 0},
    {"state", state_kernel, 0, 0},
    {"crc", crc_kernel, 0, 0},
};
constexpr size_t kernel_count = sizeof kernels / sizeof *kernels;

static uint64_t cycles(void) {
    uint64_t value;
    __asm__ volatile("csrr %0, mcycle" : "=r"(value)::"memory");
    return value;
}

static uint64_t instructions(void) {
    uint64_t value;
    __asm__ volatile("csrr %0, minstret" : "=r"(value)::"memory");
    return value;
}

int main(void) {
    uint16_t crc[kernel_count];
    int wrong = 0;
    for (int iteration = 0; iteration <= ITERATIONS; iteration++) {
        for (size_t n = 0; n < kernel_count; n++) {
            struct kernel *kernel = &kernels[n];
            const uint64_t instructions_before = instructions(), cycles_before = cycles();
            crc[n] = kernel->run(seed);
            const uint64_t cycles_after = cycles(), instructions_after = instructions();
            wrong += crc[n] != expected[n];
            if (iteration == 0) continue;
            kernel->cycles += cycles_after - cycles_before;
            kernel->instructions += instructions_after - instructions_before;
        }
    }
    for (size_t n = 0; n < kernel_count; n++) {
        print_text("core kernel=");
        print_text(kernels[n].name);
        print_pair("iterations", ITERATIONS);
        print_pair("cycles", kernels[n].cycles);
        print_pair("instructions", kernels[n].instructions);
        print_pair("crc", crc[n]);
        print_text("\n");
    }
    return wrong != 0;
}
