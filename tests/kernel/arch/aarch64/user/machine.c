/*
 * machine.c: a first process that starts itself again, once for each deed, and prints how that one ended. Deeds are
 * instructions of AArch64; DEED_HOLD runs twice at once and checks that all its registers survive the other.
 */
#include "user.h"

/* hold.S: 0 if x1-x30, NZCV and TPIDR_EL0 survived `yields` system calls and `spins` rounds of a loop. */
uint64_t hold(uint64_t seed, uint64_t yields, uint64_t spins);

constexpr uint64_t YIELDS = 200, SPINS = 6'000'000;     /* the loop lasts longer than two time slices */

static alignas(64) uint64_t data[8] = { 1 };

/* In the order of DEEDS in test_user_mode.py. */
enum deed : uint64_t {
    DEED_INIT, DEED_HOLD, DEED_FLOAT, DEED_SIMD_LOAD, DEED_WFI, DEED_WFE, DEED_BRK, DEED_HVC, DEED_SMC, DEED_HALT,
    DEED_CNTVCT, DEED_ID_REGISTER, DEED_PMCR, DEED_MASK, DEED_TLBI, DEED_CACHE_CLEAN, DEED_ZERO_KERNEL,
    DEED_EXCLUSIVE, DEED_JUMP, DEED_NON_CANONICAL, DEED_COUNTER, DEED_DIRECT_MAP, DEED_PLAIN_MISALIGNED, DEED_COUNT,
};

static void execute(enum deed deed, uint64_t seed)
{
    uint64_t value = 0, *misaligned = (uint64_t *)((char *)data + 1);
    switch (deed) {
    case DEED_HOLD: process_exit(hold(seed, YIELDS, SPINS));
    case DEED_FLOAT: asm volatile(".inst 0x1e602820"); break;                       /* fadd d0, d1, d0 */
    case DEED_SIMD_LOAD: asm volatile("mov x9, %0\n\t.inst 0x3dc00120" :: "r"(data) : "x9"); break;   /* ldr q0, [x9] */
    case DEED_WFI: asm volatile("wfi"); break;
    case DEED_WFE: asm volatile("sev\n\twfe"); break;
    case DEED_BRK: asm volatile("brk #7"); break;
    case DEED_HVC: asm volatile(".inst 0xd4000002"); break;
    case DEED_SMC: asm volatile(".inst 0xd4000003"); break;
    case DEED_HALT: asm volatile("mov x0, #0x18\n\thlt #0xf000" ::: "x0"); break;   /* semihosting's exit */
    case DEED_CNTVCT: asm volatile("mrs %0, cntvct_el0" : "=r"(value)); break;
    case DEED_ID_REGISTER: asm volatile("mrs %0, id_aa64mmfr0_el1" : "=r"(value)); break;
    case DEED_PMCR: asm volatile("msr pmcr_el0, xzr"); break;
    case DEED_MASK: asm volatile("msr daifset, #15"); break;
    case DEED_TLBI: asm volatile("tlbi vmalle1"); break;
    case DEED_CACHE_CLEAN: asm volatile("dc cvau, %0" :: "r"(data)); break;
    case DEED_ZERO_KERNEL: asm volatile("dc zva, %0" :: "r"(USER_KERNEL_ADDRESS)); break;
    case DEED_EXCLUSIVE: asm volatile("ldxr %0, [%1]" : "=r"(value) : "r"(misaligned)); break;
    case DEED_JUMP: ((void (*)(void))((uintptr_t)execute + 2))(); break;
    case DEED_NON_CANONICAL: value = *(uint64_t volatile *)0x4000'0000'0000'0000; break;
    case DEED_COUNTER: value = user_counter(); process_exit(user_counter() > value ? 0 : 1);
    case DEED_DIRECT_MAP: value = *(uint64_t volatile *)0xffff'0000'4020'0000; break;
    case DEED_PLAIN_MISALIGNED: asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(misaligned)); break;
    default: break;
    }
    (void)value;
}

static uint32_t start_deed(uint32_t space, enum deed deed, uint64_t seed)
{
    uint32_t process = 0;
    struct message start = { .word = { deed, seed }, .capability = { console }, .count = 1 };
    enum status status = process_create(space, "machine", &start, &process);
    if (status != STATUS_OK) print("cannot start: %s\n", status_name(status));
    return process;
}

static void report(enum deed deed, uint32_t process)
{
    enum exit_reason reason = EXIT_REASON_KILLED;
    uint64_t value = 0;
    enum status status = process_wait(process, TIMEOUT_FOREVER, &reason, &value);
    print("deed %lu status %d reason %d value %lx\n", (uint64_t)deed, status, reason, value);
    capability_delete(process);
}

int main(struct user_call *start)
{
    if (start->word[0] != DEED_INIT) {
        execute((enum deed)start->word[0], start->word[1]);
        return 0;
    }
    uint32_t space = start_capability(start, 1);
    uint32_t one = start_deed(space, DEED_HOLD, 0x1111'0000'0000'0000);
    uint32_t other = start_deed(space, DEED_HOLD, 0x2222'0000'0000'0000);
    report(DEED_HOLD, one);
    report(DEED_HOLD, other);
    for (enum deed deed = DEED_HOLD + 1; deed < DEED_COUNT; deed++) report(deed, start_deed(space, deed, 0));
    print("all deeds done\n");
    return 0;
}
