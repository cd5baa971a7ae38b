/*
 * x86.h: what the files of this port share: instructions without a C form, and each other's functions.
 * Kernel mode only.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "arch.h"

/* ---- instructions -------------------------------------------------------------------------------------------- */

static inline void port_write(uint16_t port, uint8_t value)
{
    asm volatile("outb %0, %1" :: "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t port_read(uint16_t port)
{
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

/* Model-specific registers. */
enum msr : uint32_t {
    MSR_APIC_BASE = 0x1b, MSR_SYSENTER_CS = 0x174,
    MSR_STAR = 0xc000'0081, MSR_LSTAR = 0xc000'0082, MSR_FMASK = 0xc000'0084,
    MSR_GS_BASE = 0xc000'0101, MSR_KERNEL_GS_BASE = 0xc000'0102,
};

static inline void msr_write(enum msr msr, uint64_t value)
{
    asm volatile("wrmsr" :: "c"((uint32_t)msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t msr_read(enum msr msr)
{
    uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"((uint32_t)msr));
    return (uint64_t)high << 32 | low;
}

struct cpuid { uint32_t eax, ebx, ecx, edx; };

static inline struct cpuid cpuid_read(uint32_t leaf)
{
    struct cpuid result;
    asm("cpuid" : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx) : "a"(leaf), "c"(0));
    return result;
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

/* Linker script: page-aligned borders of the kernel image (virtual addresses). */
extern char kernel_start[], text_end[], rodata_end[], kernel_end[];

static inline void *direct(paddr_t address) { return (void *)(DIRECT_MAP + address); }

/* Physical address of something inside the kernel image. */
static inline paddr_t image_physical(void const *pointer) { return (uintptr_t)pointer - KERNEL_OFFSET; }

/* Is [address, address + size) in the early direct map, and not wrapped around? What boot tables say is not trusted. */
static inline bool early_mapped(paddr_t address, uint64_t size)
{
    constexpr uint64_t END = (uint64_t)EARLY_GIGABYTES << 30;
    return address != 0 && address < END && size <= END - address;
}

/* Replaces the early tables: direct map of the memory in `info` and nothing else, no identity map, the guard page of
   the kernel stack gone. After it no boot table can be read any more. */
void paging_init(struct boot_info const *info);

/* Maps a page of device registers, never cached, and returns its address. Before the first user address space. */
void *paging_map_device(paddr_t page);

/* ---- boot tables, while the early direct map stands ---------------------------------------------------------- */

struct acpi_facts { unsigned cpu_count; paddr_t local_apic, io_apic; };     /* io_apic 0: none for ISA interrupts */

/* Reads the MADT. Fields stay as they are where the tables do not say; false if a table is missing or its checksum is
   wrong. */
bool acpi_read(paddr_t rsdp, struct acpi_facts *facts);

/* Product name from SMBIOS, cut to `bytes` with its NUL. False if there is none. */
bool smbios_product(char *name, size_t bytes);

/* ---- processor, traps, devices ------------------------------------------------------------------------------- */

/* Segments, task state, interrupt table, system call entry of this CPU. */
void cpu_init(unsigned number);

void console_init(void);
void apic_init(paddr_t base);
void apic_end_of_interrupt(void);

/* The clock and the timer. apic_init comes first. */
void time_init(void);
void time_interrupt(void);

/* Registers of the local APIC that the timer needs (Intel volume 3, 10.4.1). */
enum apic_register : uint32_t {
    APIC_ID = 0x20,
    APIC_TASK_PRIORITY = 0x80, APIC_END_OF_INTERRUPT = 0xb0, APIC_SPURIOUS = 0xf0, APIC_LVT_TIMER = 0x320,
    APIC_LVT_PERFORMANCE = 0x340, APIC_LVT_LINT0 = 0x350, APIC_LVT_LINT1 = 0x360, APIC_LVT_ERROR = 0x370,
    APIC_TIMER_INITIAL = 0x380, APIC_TIMER_CURRENT = 0x390, APIC_TIMER_DIVIDE = 0x3e0,
};
/* io_apic.c: after apic_init(), before the first user address space; base 0: nothing. */
void io_apic_init(paddr_t base);

void apic_write(enum apic_register offset, uint32_t value);
uint32_t apic_read(enum apic_register offset);

/* Vectors. Everything below 32 is an exception; the 8259s are moved to 32..47 and masked. */
enum vector : uint8_t {
    VECTOR_NMI = 2, VECTOR_BREAKPOINT = 3, VECTOR_INVALID_OPCODE = 6, VECTOR_NO_FPU = 7, VECTOR_DOUBLE_FAULT = 8,
    VECTOR_PROTECTION = 13, VECTOR_PAGE_FAULT = 14, VECTOR_ALIGNMENT = 17, VECTOR_MACHINE_CHECK = 18,
    VECTOR_EXCEPTIONS = 32, VECTOR_8259 = 32, VECTOR_TIMER = 48, VECTOR_DEVICES = 64,
    VECTOR_DEVICES_END = 128, VECTOR_SPURIOUS = 255,
};

/* trap.S: 256 entry points, 16 bytes each, and the target of `syscall`. */
extern char trap_vectors[];
void syscall_entry(void);

/* user_copy.S: see there. */
[[nodiscard]] bool user_copy(void *to, void const *from, size_t bytes);

/* Called by trap.S. */
void trap_user(struct arch_context *context);
void trap_kernel(struct arch_context *frame);
[[noreturn]] void trap_fatal(struct arch_context *frame);
[[noreturn]] void boot_main(uint32_t start_info);
