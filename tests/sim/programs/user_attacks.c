/*
 * What user mode tries on the capability unit, on the whole machine: the supervisor's instructions, and every word of the
 * register window, past page tables and past PMP. Machine mode is the kernel here: it builds the fences, enters user mode
 * for one instruction at a time, and looks at what came of it and whether the unit has changed. Start-up is
 * bench/core/programs/start.S.
 */
#include <veridian/abi.h>
#include <veridian/capability_unit.h>
#include <veridian/memory_map.h>

#include "console.h"

/* Privileged specification, tables 3.6 (causes) and 5.4.1 (Sv39). */
enum : uint64_t {
    ILLEGAL = 2, FETCH_FAULT = 1, LOAD_FAULT = 5, STORE_FAULT = 7, ECALL = 8, FETCH_PAGE = 12, LOAD_PAGE = 13, STORE_PAGE = 15,
};
constexpr uint64_t VALID = 1, READ = 2, WRITE = 4, EXECUTE = 8, USER = 16, ACCESSED = 64, DIRTY = 128, GIGABYTE = 1ull << 30;
constexpr uint64_t WINDOW_BYTES = 4096, SELECTED = 5;

alignas(PAGE_BYTES) static uint64_t page_table[512];

/* In user mode each of these is followed by an ecall, so that what was let through shows. */
#define STUB(name, text) \
    extern char name[]; \
    __asm__(".pushsection .text\n.balign 4\n" #name ":\n" text "\necall\n.popsection");
STUB(user_load, "ld a0, (a0)")
STUB(user_store, "sd a1, (a0)")
STUB(user_atomic, "amoor.d a0, a1, (a0)")
STUB(user_instruction, ".fill 1, 4, 0")

/* uint64_t attempt(code, a0, a1): the cause of the trap that ends `code` in user mode. */
uint64_t attempt(const void *code, uint64_t first, uint64_t second);
__asm__(".pushsection .text\n.balign 4\n.globl attempt\nattempt:\n"
        "csrr t1, mtvec\n" "la t0, 1f\n" "csrw mtvec, t0\n" "csrw mepc, a0\n"
        "li t0, 0x1800\n" "csrc mstatus, t0\n" "mv a0, a1\n" "mv a1, a2\n" "mret\n"
        ".balign 4\n1:\n" "csrw mtvec, t1\n" "csrr a0, mcause\n" "ret\n.popsection");

static volatile uint64_t *unit(uint64_t offset) { return (volatile uint64_t *)(CAPABILITY_UNIT_BASE + offset); }

static unsigned attempts;

static bool ends_in(uint64_t cause, const void *code, uint64_t first, uint64_t second) {
    attempts++;
    return attempt(code, first, second) == cause;
}

/* A custom-0 instruction with rd = a0, rs1 = a0, rs2 = a1, in user mode. */
static bool executes(uint64_t cause, uint32_t funct7, uint32_t funct3, uint64_t first, uint64_t second) {
    *(volatile uint32_t *)user_instruction = funct7 << 25 | 11 << 20 | 10 << 15 | funct3 << 12 | 10 << 7 | CUSTOM_0;
    __asm__ volatile("fence.i" ::: "memory");
    return ends_in(cause, user_instruction, first, second);
}

static bool window_is_out_of_reach(uint64_t load, uint64_t store, uint64_t fetch) {
    for (uint64_t offset = 0; offset < WINDOW_BYTES; offset += 8) {
        const uint64_t address = CAPABILITY_UNIT_BASE + offset;
        if (!ends_in(load, user_load, address, 0) || !ends_in(store, user_store, address, ~0ull)) return false;
        if (offset < 64 && (!ends_in(store, user_atomic, address, ~0ull) || !ends_in(fetch, (void *)address, 0, 0))) return false;
    }
    return true;
}

int main(void) {
    const uint64_t everything = 0x1f, memory_only = 0x1f;
    __asm__ volatile("csrw pmpaddr0, %0; csrw pmpcfg0, %1" :: "r"(~0ull), "r"(everything));
    /* The unit is on, with an empty table, and a space is selected that nobody else would name. */
    *unit(CAPABILITY_UNIT_CONTROL) = 1ull << CAPABILITY_UNIT_CONTROL_ENABLE_SHIFT;
    __asm__ volatile("fence" ::: "memory");
    while ((*unit(CAPABILITY_UNIT_STATUS) >> CAPABILITY_UNIT_STATUS_CLEARING_SHIFT & 1) != 0) {}
    *unit(CAPABILITY_UNIT_OPERAND1) = SELECTED;
    *unit(CAPABILITY_UNIT_COMMAND) = INSN_CAP_SPACE_FUNCT3;
    __asm__ volatile("fence" ::: "memory");
    while ((*unit(CAPABILITY_UNIT_STATUS) & 1) != 0) {}
    if (*unit(CAPABILITY_UNIT_SELECTED) != SELECTED) return 2;
    const uint64_t forgotten = *unit(CAPABILITY_UNIT_INVALIDATIONS);

    /* The supervisor's instructions, and the others of the unit's numbers; with and without the users' bit. */
    for (uint64_t users = 0; users < 2; users++) {
        __asm__ volatile("csrw %0, %1" :: "i"(CSR_SCUSTOM), "r"(users));
        for (uint32_t funct7 = INSN_CAP_CHECK_FUNCT7; funct7 <= INSN_CAP_OBJECT_FUNCT7; funct7++) {
            for (uint32_t funct3 = 0; funct3 < 8; funct3++) {
                const bool check = funct7 == INSN_CAP_CHECK_FUNCT7 && funct3 == INSN_CAP_CHECK_FUNCT3;
                for (uint64_t operand = 0; operand < 3; operand++)
                    if (!executes(check && users ? ECALL : ILLEGAL, funct7, funct3, operand, 1)) return 3;
            }
        }
    }

    /* The window, mapped for the supervisor as a kernel has it: Sv39, pages of a gigabyte where they are. */
    for (uint64_t page = 0; page < 4; page++) {
        page_table[page] = page * GIGABYTE >> 12 << 10 | VALID | READ | WRITE | ACCESSED | DIRTY;
        if (page == MEMORY_BASE / GIGABYTE) page_table[page] |= EXECUTE | USER;
    }
    __asm__ volatile("csrw satp, %0; sfence.vma" :: "r"(8ull << 60 | (uint64_t)page_table >> 12) : "memory");
    if (!window_is_out_of_reach(LOAD_PAGE, STORE_PAGE, FETCH_PAGE)) return 4;

    /* Without translation: PMP lets user mode have memory alone. */
    __asm__ volatile("csrw satp, zero; sfence.vma; csrw pmpaddr0, %0; csrw pmpcfg0, %1"
                     :: "r"((MEMORY_BASE | (MEMORY_SIZE / 2 - 1)) >> 2), "r"(memory_only) : "memory");
    if (!window_is_out_of_reach(LOAD_FAULT, STORE_FAULT, FETCH_FAULT)) return 5;

    /* None of it has done anything. */
    if (*unit(CAPABILITY_UNIT_SELECTED) != SELECTED || *unit(CAPABILITY_UNIT_INVALIDATIONS) != forgotten) return 6;
    if (*unit(CAPABILITY_UNIT_CONTROL) != 1 || *unit(CAPABILITY_UNIT_OPERAND1) != SELECTED) return 7;
    if (*unit(CAPABILITY_UNIT_SPACE_BASE) != 0 || *unit(CAPABILITY_UNIT_SLOT_COUNT) != 0) return 8;
    if (*unit(CAPABILITY_UNIT_REVOCATION) != 0 || *unit(CAPABILITY_UNIT_DEAD) != 0) return 9;
    if (*unit(CAPABILITY_UNIT_STATUS) != 0) return 10;
    print_pair("attempts", attempts);
    print_text("\n");
    return 0;
}
