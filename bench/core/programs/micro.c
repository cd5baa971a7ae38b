/*
 * Runs each measurement and prints one line for it:
 *     core measurement=NAME samples=N min=A median=B max=C
 * in cycles as the routine returned them. What they mean together is in bench/core/figures.py.
 */
#include <stddef.h>
#include <stdint.h>
#include <veridian/memory_map.h>

#include "console.h"

constexpr int warm_up = 4, samples = 16;

typedef uint64_t routine(const void *argument);

struct measurement {
    const char *name;
    routine *run;
    /* Sample n gets argument n modulo `arguments`, each of `words` words. */
    const uint64_t *argument;
    int words, arguments;
};

/* Argument of translation.S. */
struct translation {
    uint64_t satp_a, satp_b, address, option;
};

#define ROUTINES(X)                                                                                                 \
    X(empty) X(add_chain) X(mul_chain) X(mulh_chain) X(mul_free) X(csr_read) X(csr_read_use) X(csr_read_none)        \
    X(csr_write_mscratch) X(csr_write_mepc) X(csr_write_mtvec) X(csr_write_mie) X(csr_write_mcounteren)              \
    X(csr_write_mstatus) X(fence_empty) X(branch_not_taken) X(branch_taken) X(jump) X(call_empty) X(call_short) X(load_chain)     \
    X(load_free) X(load_use) X(load_byte_use) X(load_no_use) X(store_burst) X(store_stream) X(store_sparse)          \
    X(store_sparse_none) X(store_load) X(trap_entry) X(trap_entry_delegated) X(mret_return) X(sret_return)

#define DECLARE(name) routine name;
ROUTINES(DECLARE)
routine divide, divide_signed, divide_none, branch_pattern, jump_pattern, return_pattern, jump_first_seen, load_lines,
    fetch_lines, tlb_load, tlb_sweep, satp_keeps_data, satp_write, tlb_fetch;
extern char far_leaf[];

static const uint64_t no[] = {0}, yes[] = {1};
/* Directions from the least significant bit on; the highest one bit ends the list. */
static const uint64_t all_taken[] = {0x1fff}, none_taken[] = {0x1000}, taken_last[] = {0x1800},
                      not_taken_last[] = {0x17ff};

/* Quotients of 64 bits and others that cost a divider most. */
static const uint64_t worst_divisions[] = {
    UINT64_MAX, 1,          1ull << 63, 1, UINT64_MAX, 3,         UINT64_MAX, UINT64_MAX,
    1ull << 63, UINT64_MAX, UINT64_MAX, 0, UINT64_MAX, 1ull << 63, 1ull << 63, 2,
};
/* As programs have them: sizes by element sizes, digits, hash by table size, averages. */
static const uint64_t typical_divisions[] = {
    100, 10, 4096, 24, 123456789, 10, 0xdeadbeef, 1021, 1000000, 60, 65535, 7, 1 << 20, 12, 86399, 3600,
};

/* Sv39: two address spaces with the same mappings, which are not global. */
static uint64_t tables[2][2][512] __attribute__((aligned(4096)));
static uint64_t pages[512] __attribute__((aligned(4096)));
static uint64_t frame[512] __attribute__((aligned(4096)));
static struct translation same_page, same_page_flushed, stay, sweep, far_call, far_call_flushed;

static uint64_t entry(const void *target, uint64_t rights) {
    constexpr uint64_t valid = 1, accessed = 1 << 6, dirty = 1 << 7;
    return ((uint64_t)target >> 12 << 10) | rights | valid | (rights != 0 ? accessed | dirty : 0);
}

static void set_up_translation(void) {
    constexpr uint64_t read_write = 3 << 1, read_execute = 5 << 1, all = 7 << 1;
    constexpr uint64_t gigabyte = 1ull << 30, window = 4 * gigabyte, sv39 = 8ull << 60;
    uint64_t satp[2];
    for (int space = 0; space < 2; space++) {
        uint64_t *root = tables[space][0], *middle = tables[space][1];
        root[MEMORY_BASE / gigabyte] = entry((void *)MEMORY_BASE, all);
        root[window / gigabyte] = entry(middle, 0);
        middle[0] = entry(pages, 0);
        satp[space] = sv39 | (uint64_t)(space + 1) << 44 | (uint64_t)root >> 12;
    }
    for (int page = 0; page < 511; page++) pages[page] = entry(frame, read_write);
    pages[511] = entry(far_leaf, read_execute);
    same_page = (struct translation){satp[0], satp[1], window, 0};
    same_page_flushed = (struct translation){satp[0], satp[1], window, 1};
    stay = (struct translation){satp[0], satp[1], window, 0};
    sweep = (struct translation){satp[0], satp[1], window, 4096};
    far_call = (struct translation){satp[0], satp[1], window + 511 * 4096, 0};
    far_call_flushed = (struct translation){satp[0], satp[1], window + 511 * 4096, 1};
    __asm__ volatile("sfence.vma" ::: "memory");
}

/* Counters may be read and all memory accessed in every mode. */
static void open_up(void) {
    __asm__ volatile("csrw mcounteren, %0; csrw scounteren, %0; csrw pmpaddr0, %1; csrw pmpcfg0, %2" ::"r"(7ul),
                     "r"(-1ul >> 10), "r"(0x1ful));
}

static const struct measurement measurements[] = {
#define PLAIN(name) {#name, name, nullptr, 0, 1},
    ROUTINES(PLAIN)
    {"divide_worst", divide, worst_divisions, 2, 8},
    {"divide_worst_signed", divide_signed, worst_divisions, 2, 8},
    {"divide_typical", divide, typical_divisions, 2, 8},
    {"divide_none", divide_none, typical_divisions, 2, 8},
    {"branch_taken_expected", branch_pattern, all_taken, 1, 1},
    {"branch_not_taken_expected", branch_pattern, none_taken, 1, 1},
    {"branch_taken_unexpected", branch_pattern, taken_last, 1, 1},
    {"branch_not_taken_unexpected", branch_pattern, not_taken_last, 1, 1},
    {"jump_expected", jump_pattern, none_taken, 1, 1},
    {"jump_unexpected", jump_pattern, not_taken_last, 1, 1},
    {"return_expected", return_pattern, none_taken, 1, 1},
    {"return_unexpected", return_pattern, taken_last, 1, 1},
    {"jump_known", jump_first_seen, no, 1, 1},
    {"jump_first_seen", jump_first_seen, yes, 1, 1},
    {"load_lines_cached", load_lines, no, 1, 1},
    {"load_lines", load_lines, yes, 1, 1},
    {"fetch_lines_cached", fetch_lines, no, 1, 1},
    {"fetch_lines", fetch_lines, yes, 1, 1},
#define TRANSLATED(name, run, argument) {name, run, (const uint64_t *)&argument, 0, 1}
    TRANSLATED("tlb_hit", tlb_load, same_page),
    TRANSLATED("tlb_flushed", tlb_load, same_page_flushed),
    TRANSLATED("tlb_stay", tlb_sweep, stay),
    TRANSLATED("tlb_sweep", tlb_sweep, sweep),
    TRANSLATED("satp_keeps_data", satp_keeps_data, same_page),
    TRANSLATED("satp_write", satp_write, same_page),
    TRANSLATED("tlb_fetch_hit", tlb_fetch, far_call),
    TRANSLATED("tlb_fetch_flushed", tlb_fetch, far_call_flushed),
};

static void sort(uint64_t *values, int count) {
    for (int i = 1; i < count; i++) {
        const uint64_t value = values[i];
        int j = i;
        for (; j > 0 && values[j - 1] > value; j--) values[j] = values[j - 1];
        values[j] = value;
    }
}

static void measure(const struct measurement *one) {
    uint64_t cycles[samples];
    for (int n = -warm_up; n < samples; n++) {
        const int argument = (n + warm_up) % one->arguments;
        const uint64_t result = one->run(one->argument + argument * one->words);
        if (n >= 0) cycles[n] = result;
    }
    sort(cycles, samples);
    print_text("core measurement=");
    print_text(one->name);
    print_pair("samples", samples);
    print_pair("min", cycles[0]);
    print_pair("median", cycles[(samples - 1) / 2]);
    print_pair("max", cycles[samples - 1]);
    print_text("\n");
}

int main(void) {
    open_up();
    set_up_translation();
    for (size_t n = 0; n < sizeof measurements / sizeof *measurements; n++) measure(&measurements[n]);
    return 0;
}
