/* cpu.c: what one processor needs before it can take a trap: segments, task state, interrupt table, syscall. */
#include "lib/panic.h"
#include "x86.h"

/* 64-bit task state (Intel volume 3, 7.7): only stacks. No I/O map, so every port is closed to user mode. */
struct [[gnu::packed]] task_state {
    uint32_t reserved0;
    uint64_t stack[3];
    uint64_t reserved1;
    uint64_t interrupt_stack[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
};

/* Reached through gs; trap.S knows the offsets. */
struct cpu {
    uint64_t number;
    uintptr_t stack;
    uint64_t scratch;
    uint32_t align;
    struct task_state task;      /* its stack[0] is the end of the current thread's context */
    uint64_t segments[7];
};
static_assert(offsetof(struct cpu, number) == CPU_NUMBER);
static_assert(offsetof(struct cpu, stack) == CPU_STACK);
static_assert(offsetof(struct cpu, scratch) == CPU_SCRATCH);
static_assert(offsetof(struct cpu, task.stack) == CPU_CONTEXT_END);
static_assert(sizeof(struct task_state) == 104);
static_assert(offsetof(struct arch_context, entry) == CONTEXT_ENTRY);
static_assert(sizeof(struct arch_context) == CONTEXT_BYTES);

struct gate { uint64_t word[2]; };
struct [[gnu::packed]] table_pointer { uint16_t limit; uint64_t base; };

/* Stacks of the events that may strike while no other stack is known to be good. */
enum interrupt_stack : uint8_t { STACK_NMI = 1, STACK_DOUBLE_FAULT = 2, STACK_MACHINE_CHECK = 3, STACK_COUNT = 3 };

extern char kernel_stack_top[];
static struct cpu cpus[1];
static struct gate gates[256];
alignas(16) static char interrupt_stacks[STACK_COUNT][PAGE_BYTES];

static void segments_load(struct cpu *cpu)
{
    uintptr_t task = (uintptr_t)&cpu->task;
    cpu->segments[0] = 0;
    cpu->segments[SELECTOR_KERNEL_CODE / 8] = 0x00af'9b00'0000'ffff;
    cpu->segments[SELECTOR_KERNEL_DATA / 8] = 0x00cf'9300'0000'ffff;
    cpu->segments[SELECTOR_USER_DATA / 8] = 0x00cf'f300'0000'ffff;
    cpu->segments[SELECTOR_USER_CODE / 8] = 0x00af'fb00'0000'ffff;
    cpu->segments[SELECTOR_TASK / 8] = (sizeof cpu->task - 1) | (task & 0xff'ffff) << 16 | 0x89ull << 40
                                       | (task >> 24 & 0xff) << 56;
    cpu->segments[SELECTOR_TASK / 8 + 1] = task >> 32;

    struct table_pointer pointer = { sizeof cpu->segments - 1, (uintptr_t)cpu->segments };
    asm volatile("lgdt %0\n\t"
                 "pushq %1\n\t"
                 "leaq 1f(%%rip), %%rax\n\t"
                 "pushq %%rax\n\t"
                 "lretq\n"
                 "1:\tmovl %2, %%ss\n\t"
                 "ltr %w3"
                 :: "m"(pointer), "i"(SELECTOR_KERNEL_CODE), "r"(0), "r"(SELECTOR_TASK) : "rax", "memory");
}

static void gates_load(void)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uintptr_t target = (uintptr_t)trap_vectors + vector * 16;
        uint64_t stack = vector == VECTOR_NMI ? STACK_NMI : vector == VECTOR_DOUBLE_FAULT ? STACK_DOUBLE_FAULT
                         : vector == VECTOR_MACHINE_CHECK ? STACK_MACHINE_CHECK : 0;
        /* Present interrupt gate: interrupts go off. User mode may call the breakpoint gate only. */
        uint64_t kind = vector == VECTOR_BREAKPOINT ? 0xee : 0x8e;
        gates[vector].word[0] = (target & 0xffff) | (uint64_t)SELECTOR_KERNEL_CODE << 16 | stack << 32 | kind << 40
                                | (target >> 16 & 0xffff) << 48;
        gates[vector].word[1] = target >> 32;
    }
    struct table_pointer pointer = { sizeof gates - 1, (uintptr_t)gates };
    asm volatile("lidt %0" :: "m"(pointer) : "memory");
}

void cpu_init(unsigned number)
{
    struct cpu *cpu = &cpus[number];
    cpu->number = number;
    cpu->stack = (uintptr_t)kernel_stack_top;
    cpu->task.io_map = sizeof cpu->task;
    for (unsigned i = 0; i < STACK_COUNT; i++)
        cpu->task.interrupt_stack[i] = (uintptr_t)(interrupt_stacks[i] + PAGE_BYTES);

    segments_load(cpu);
    gates_load();
    msr_write(MSR_GS_BASE, (uintptr_t)cpu);
    msr_write(MSR_KERNEL_GS_BASE, 0);              /* what user mode sees */

    /* sysret takes the stack selector at +8 and the code selector at +16 of the upper half. */
    msr_write(MSR_STAR, (uint64_t)(SELECTOR_USER_DATA - 8) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
    msr_write(MSR_LSTAR, (uintptr_t)syscall_entry);
    /* Clear all flags on entry that the user can set: AC (it would undo SMAP), NT, DF, IF, TF and the rest. */
    constexpr uint64_t ALL_USER_FLAGS = 0x47fd5;
    msr_write(MSR_FMASK, ALL_USER_FLAGS);
    msr_write(MSR_SYSENTER_CS, 0);                 /* the older way in faults */

    /* User-mode instruction prevention (sgdt and the like show kernel addresses), where there is one. */
    constexpr uint32_t CPUID_7_ECX_UMIP = 1u << 2;
    constexpr uint64_t CR4_UMIP = 1u << 11;
    if (cpuid_read(7).ecx & CPUID_7_ECX_UMIP) asm volatile("movq %0, %%cr4" :: "r"(CR4_VALUE | CR4_UMIP) : "memory");
}

void arch_call_again(struct arch_context *context) { context->rip -= 2; }      /* syscall */

void arch_context_init(struct arch_context *context, uintptr_t entry, uintptr_t stack)
{
    *context = (struct arch_context){
        .entry = ENTRY_FRESH,
        /* An address that iretq refuses would fault in the kernel; this one faults in user mode. */
        .rip = entry < ARCH_USER_TOP ? entry : ARCH_USER_TOP,
        .cs = SELECTOR_USER_CODE,
        .rflags = 0x202,                           /* interrupts on, the bit that is always 1 */
        .rsp = stack,
        .ss = SELECTOR_USER_DATA,
    };
}
