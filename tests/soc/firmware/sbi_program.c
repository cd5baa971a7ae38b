/*
 * Runs in S-mode where the kernel would, calls every SBI function of the firmware, and ends the machine through the
 * test finisher with the number of the first check that failed, or 0.
 */

#include <stddef.h>
#include <stdint.h>
#include <veridian/memory_map.h>

struct result {
    int64_t error;
    uint64_t value;
};

static struct result sbi(uint64_t extension, uint64_t function, uint64_t a, uint64_t b, uint64_t c) {
    register uint64_t a0 __asm__("a0") = a;
    register uint64_t a1 __asm__("a1") = b;
    register uint64_t a2 __asm__("a2") = c;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (struct result){(int64_t)a0, a1};
}

[[noreturn]] static void finish(uint32_t code) {
    *(volatile uint32_t *)FINISHER_BASE = code == 0 ? 0x5555 : 0x3333 | code << 16;
    while (true) {
    }
}

static void print(const char *text) {
    for (; *text != '\0'; text++) {
        sbi(1, 0, (uint8_t)*text, 0, 0);
    }
}

static uint32_t checks;

static void check(bool fine) {
    checks++;
    if (!fine) {
        print("sbi: a check failed\n");
        finish(checks);
    }
}

static uint64_t pending(void) {
    uint64_t value;
    __asm__ volatile("csrr %0, sip" : "=r"(value));
    return value;
}

static uint64_t now(void) {
    uint64_t value;
    __asm__ volatile("rdtime %0" : "=r"(value));
    return value;
}

/*
 * What an access of S-mode to `address` traps with, as cause and address; cause 0 when it does not. Traps lead behind the
 * access. A fetch of memory that it may fetch never comes back.
 */
struct trap {
    uint64_t cause;
    uint64_t value;
};

#define TRY(access)                                                                                                   \
    struct trap trap = {};                                                                                            \
    __asm__ volatile("la t0, 1f\n\t"                                                                                  \
                     "csrw stvec, t0\n\t" access "\n\t"                                                               \
                     "j 2f\n\t"                                                                                       \
                     ".balign 4\n"                                                                                    \
                     "1: csrr %0, scause\n\t"                                                                         \
                     "csrr %1, stval\n"                                                                               \
                     "2:"                                                                                             \
                     : "+r"(trap.cause), "+r"(trap.value)                                                             \
                     : "r"(address)                                                                                   \
                     : "t0", "t1", "memory");                                                                         \
    return trap

static struct trap try_load(uint64_t address) { TRY("ld t1, 0(%2)"); }
static struct trap try_store(uint64_t address) { TRY("sd zero, 0(%2)"); }
static struct trap try_fetch(uint64_t address) { TRY("jr %2"); }

static bool traps_with(struct trap trap, uint64_t cause, uint64_t value) {
    return trap.cause == cause && trap.value == value;
}

/* S-mode reaches nothing of the firmware's memory, and all around it. */
static bool firmware_is_protected(void) {
    constexpr uint64_t fetch_access = 1, load_access = 5, store_access = 7, mtimecmp = 0x4000;
    static const uint64_t within[] = {FIRMWARE_BASE, FIRMWARE_BASE + 0x1000, KERNEL_BASE - 0x1000, KERNEL_BASE - 8};
    for (size_t i = 0; i < sizeof within / sizeof *within; i++) {
        if (!traps_with(try_load(within[i]), load_access, within[i]) ||
            !traps_with(try_store(within[i]), store_access, within[i]) ||
            !traps_with(try_fetch(within[i]), fetch_access, within[i])) {
            return false;
        }
    }
    static uint64_t own;
    return try_load(KERNEL_BASE).cause == 0 && try_load(MEMORY_BASE + MEMORY_SIZE - 8).cause == 0 &&
           try_load(BOOT_ROM_BASE).cause == 0 && try_load(CLINT_BASE + mtimecmp).cause == 0 &&
           try_store((uint64_t)&own).cause == 0;
}

/* The first three GiB mapped to themselves, in one table. */
static uint64_t table[512] __attribute__((aligned(4096)));

static void translate(bool on) {
    constexpr uint64_t sv39 = UINT64_C(8) << 60, leaf = 0xcf;  /* valid, R, W, X, accessed, dirty */
    for (uint64_t gib = 0; gib < 3; gib++) {
        table[gib] = gib << 28 | leaf;
    }
    __asm__ volatile("csrw satp, %0\n\tsfence.vma" : : "r"(on ? sv39 | (uint64_t)table >> 12 : 0) : "memory");
}

/* Entered from start with what the firmware put into a0 and a1. */
[[noreturn]] void program(uint64_t hart, uint64_t device_tree);

[[noreturn]] void program(uint64_t hart, uint64_t device_tree) {
    constexpr uint64_t base = 0x10, time = 0x54494d45, ipi = 0x735049, fence = 0x52464e43, state = 0x48534d,
                       reset = 0x53525354, everyone = UINT64_MAX;
    constexpr int64_t not_supported = -2, invalid = -3, already_available = -6;
    constexpr uint64_t ssip = 1 << 1, stip = 1 << 5;

    /* 1, 2: entry registers */
    check(hart == 0);
    check(*(volatile uint32_t *)device_tree == 0xedfe0dd0);
    /* 3-8: base */
    check(sbi(base, 0, 0, 0, 0).value == 1 << 24);
    check(sbi(base, 1, 0, 0, 0).error == 0);
    check(sbi(base, 3, time, 0, 0).value == 1 && sbi(base, 3, ipi, 0, 0).value == 1);
    check(sbi(base, 3, fence, 0, 0).value == 1 && sbi(base, 3, state, 0, 0).value == 1);
    check(sbi(base, 3, reset, 0, 0).value == 1 && sbi(base, 3, 0x12345, 0, 0).value == 0);
    check(sbi(base, 4, 0, 0, 0).error == 0 && sbi(base, 99, 0, 0, 0).error == not_supported);
    /* 9: unknown extension */
    check(sbi(0x12345, 0, 0, 0, 0).error == not_supported);
    /* 10-13: timer */
    check((pending() & stip) == 0);
    check(sbi(time, 0, now(), 0, 0).error == 0);
    for (int i = 0; i < 1000 && (pending() & stip) == 0; i++) {
    }
    check((pending() & stip) != 0);
    check(sbi(time, 0, UINT64_MAX, 0, 0).error == 0 && (pending() & stip) == 0);
    /* 14-17: software interrupt to oneself, by mask and to everyone; a hart that does not exist */
    check(sbi(ipi, 0, 1, 0, 0).error == 0 && (pending() & ssip) != 0);
    __asm__ volatile("csrc sip, %0" : : "r"(ssip));
    check((pending() & ssip) == 0);
    check(sbi(ipi, 0, 0, everyone, 0).error == 0 && (pending() & ssip) != 0);
    __asm__ volatile("csrc sip, %0" : : "r"(ssip));
    check(sbi(ipi, 0, 2, 0, 0).error == invalid && sbi(ipi, 0, 1, 7, 0).error == invalid);
    /* 18-20: remote fences */
    check(sbi(fence, 0, 1, 0, 0).error == 0);
    check(sbi(fence, 1, 1, 0, 0).error == 0 && sbi(fence, 2, 0, everyone, 0).error == 0);
    check(sbi(fence, 9, 1, 0, 0).error == not_supported);
    /* 21-23: hart state */
    check(sbi(state, 2, hart, 0, 0).error == 0 && sbi(state, 2, hart, 0, 0).value == 0);
    check(sbi(state, 0, hart, KERNEL_BASE, 0).error == already_available);
    check(sbi(state, 0, 99, KERNEL_BASE, 0).error == invalid && sbi(state, 2, 99, 0, 0).error == invalid);
    /* 24: exceptions of S-mode come to S-mode */
    uint64_t cause;
    __asm__ volatile("la t0, 1f\n\t"
                     "csrw stvec, t0\n\t"
                     "unimp\n\t"
                     ".balign 4\n"
                     "1: csrr %0, scause"
                     : "=r"(cause)
                     :
                     : "t0", "memory");
    check(cause == 2);
    /* 25-27: the firmware is out of reach, by physical and by virtual addresses, and alive */
    check(firmware_is_protected());
    translate(true);
    check(firmware_is_protected());
    translate(false);
    check(sbi(base, 0, 0, 0, 0).error == 0);
    /* 28, 29: reset with bad arguments, then the end */
    check(sbi(reset, 0, 9, 0, 0).error == invalid);
    check(sbi(reset, 0, 0, 9, 0).error == invalid);
    print("sbi: all checks passed\n");
    sbi(reset, 0, 0, 0, 0);
    finish(99);
}

__asm__(".section .text.init, \"ax\"\n"
        ".globl _start\n"
        "_start: la sp, stack_end\n"
        "    j program\n"
        ".text\n");
