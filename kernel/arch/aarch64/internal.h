/* internal.h (aarch64): what the files of this folder share with each other and nobody else. */
#pragma once
#include <stdint.h>
#include "arch.h"

/* Linker script. Seen at the linked address once translation is on, at the physical one before. */
extern char kernel_start[], text_end[], rodata_end[], kernel_stack_guard[], kernel_end[];
extern uint64_t vectors[];

/* Where the kernel image is linked (kernel.ld asserts it), and where start-up sees the device tree. */
constexpr uintptr_t KERNEL_BASE = 0xffff'ffff'8000'0000;
constexpr uintptr_t TREE_BASE = 0xffff'ffff'4000'0000;
/* The boot protocol lets a device tree be 2 MiB and start anywhere. */
constexpr uint64_t TREE_WINDOW = 4ull << 20, TREE_ALIGN = 2ull << 20;

/* ---- boot_map.c: the kernel's page tables, from a pool in the image. Usable before and after translation is on. */

constexpr size_t TABLE_ENTRIES = PAGE_BYTES / sizeof(uint64_t);

/* A zeroed table. Panics when the pool is empty. */
uint64_t *boot_table_new(void);

/* Maps [address, address + bytes) to `physical` with the largest blocks that fit. All three are multiples of 4 KiB.
   Panics where something else is mapped already. */
void boot_map(uint64_t *root, uintptr_t address, paddr_t physical, uint64_t bytes, enum map_flags flags);

/* Forgets the whole GiB around `address`, in which something is mapped; its tables are lost. */
void boot_unmap_gigabyte(uint64_t *root, uintptr_t address);

/* From now on tables are reached at `offset` from their physical address (0 before translation is on). */
void boot_map_moved(uintptr_t offset);

/* ---- early.c --------------------------------------------------------------------------------------------------- */

/* What entry.S writes to turn translation on. It knows the order. */
struct early_registers { uint64_t mair, tcr, ttbr0, ttbr1, sctlr; };

/* Builds the first page tables. Runs at its physical address with translation off. */
void early_page_tables(paddr_t base, paddr_t tree, struct early_registers *registers);

/* ---- start.c --------------------------------------------------------------------------------------------------- */

/* First C function at the linked address: `base` is where the image was loaded, `tree` the device tree. */
[[noreturn]] void aarch64_start(paddr_t base, paddr_t tree);

/* Where the image was loaded. */
paddr_t kernel_physical(void);

/* Where a device's registers are mapped: in the direct map, uncached. */
static inline volatile uint32_t *device_at(paddr_t address) { return (volatile uint32_t *)(ARCH_DIRECT_MAP + address); }

/* ---- translation.c --------------------------------------------------------------------------------------------- */

/* Drops the identity mapping of start-up. */
void translation_start(void);

/* ---- console.c, power.c, gic.c, timer.c: found in the device tree by start.c ---------------------- */

void console_start(paddr_t pl011, unsigned interrupt);

/* Semihosting call; false where no debugger or emulator answers. */
bool semihosting(uint64_t operation, void *argument);
enum psci_conduit { PSCI_NONE, PSCI_HVC, PSCI_SMC };
void power_start(enum psci_conduit conduit);

void gic_start(paddr_t distributor, paddr_t cpu_interface);
void gic_enable(unsigned number);
constexpr unsigned GIC_NONE = 1023;
unsigned gic_claim(void);              /* number of the interrupt to serve, GIC_NONE if there is none */
void gic_complete(unsigned number);

constexpr unsigned TIMER_INTERRUPT = 27;   /* virtual timer's PPI (Server Base System Architecture) */
void timer_start(void);
void timer_interrupt(void);

/* ---- trap.c: called by vectors.S ------------------------------------------------------------------------------- */

/* Registers of the kernel at an exception taken from the kernel itself. */
struct kernel_frame { uint64_t x[31], sp, pc, pstate; };
static_assert(sizeof(struct kernel_frame) == 34 * 8);

void aarch64_user_fault(struct arch_context *context, uint64_t syndrome);
void aarch64_interrupt(void);
void aarch64_kernel_fault(struct kernel_frame *frame, uint64_t syndrome);
[[noreturn]] void aarch64_unexpected(struct kernel_frame *frame, uint64_t vector);

/* ---- user_copy.S ------------------------------------------------------------------------------------------------- */

/* One where an instruction of the kernel may fault: continue at `resume` instead. Both relative to themselves. */
struct fixup { int32_t fault, resume; };
extern struct fixup const fixups_start[], fixups_end[];
