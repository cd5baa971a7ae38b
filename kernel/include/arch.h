/*
 * arch.h: all that portable kernel code may ask of an architecture.
 *
 * An architecture is one folder, kernel/arch/NAME, with `arch_types.h` (types and constants below marked [types])
 * and the functions declared here. Portable code never tests which architecture it is.
 *
 * Flow of control. The kernel is event driven: one stack per CPU, and nothing in the kernel blocks. A trap from user
 * mode saves the user's registers in the current thread's `struct arch_context`, runs a portable handler below
 * ("calls up") with interrupts off, and then asks `sched_pick()` whose context to resume. There is no way back into an
 * interrupted kernel computation except from an interrupt taken in `arch_idle()`.
 *
 * Boot. The architecture's entry code finds where it was loaded, builds early page tables (kernel image with W^X and
 * the direct map of all memory), fills in `struct boot_info` and calls `kernel_main`.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "arch_types.h"
#include "boot_info.h"
#include "types.h"

/* ---- [types] what arch_types.h defines ----------------------------------------------------------------------
 *
 * struct arch_context          All user registers of a thread. Its first member is `uint64_t call[CALL_WORDS]`:
 *                              8 message words, info, handle, 2 capability words, timeout, in the registers that
 *                              CALL_REGISTERS of hw/abi names. Kept at the start of the thread's control block.
 * ARCH_NAME                    "riscv64", "aarch64" or "x86_64".
 * ARCH_ELF_MACHINE             e_machine of programs that run here.
 * ARCH_PAGE_LEVELS             3 (Sv39) or 4. Each level has 512 entries of 64 bits.
 * ARCH_USER_TOP                First virtual address above what user programs may use.
 * ARCH_DIRECT_MAP              Virtual address where physical address 0 appears in the kernel's direct map.
 * ARCH_COUNTER_UNIT            "cycles" or "instructions" is chosen by the runner; the name of the counter here.
 * ARCH_HAS_CAP_UNIT            true where `arch_cap_*` are instructions.
 * page-table entries, all `static inline`:
 *   uint64_t arch_pte_table(paddr_t table);                         entry that points to a next-level table
 *   uint64_t arch_pte_leaf(paddr_t page, enum map_flags flags, unsigned level);   level 0 = 4 KiB, 1 = 2 MiB
 *   bool     arch_pte_present(uint64_t entry);
 *   bool     arch_pte_is_leaf(uint64_t entry, unsigned level);
 *   paddr_t  arch_pte_address(uint64_t entry);
 *   bool     arch_pte_allows(uint64_t entry, enum map_flags flags); all of `flags` allowed?
 * static inline uint64_t arch_cycles(void);                         raw cycle (or instruction) counter
 * static inline unsigned arch_cpu(void);                            number of this CPU, from 0
 * static inline void arch_wait_hint(void);                          inside a spin loop
 */

/* ---- console, machine ---------------------------------------------------------------------------------------- */

/* Writes one character to the boot console. Usable from the first C line on, in any context. */
void arch_console_put(char character);

/* Ends the machine with an exit code that the runner sees. */
[[noreturn]] void arch_shutdown(uint8_t code);

/* After memory management is up: interrupt controller, timer, traps for user mode, devices of `info`. Prints one line
   per device found. Called once, interrupts off. */
void arch_devices_init(struct boot_info const *info);

/* ---- devices for user programs ------------------------------------------------------------------------------- */

/* Registers of one device, and its interrupt (0: none). */
struct arch_io {
    uint64_t base;               /* physical address or port */
    unsigned registers, stride;  /* how many, and bytes from one to the next */
    unsigned interrupt;
};

/* The console's device; no registers if there is none. */
struct arch_io const *arch_console_io(void);

/* One register, by number, as wide as the device's registers are. */
uint32_t arch_io_read(struct arch_io const *device, unsigned number);
void arch_io_write(struct arch_io const *device, unsigned number, uint32_t value);

/* Masks an interrupt of the controller or lets it come. False: there is none of that number for devices. */
bool arch_interrupt_mask(unsigned number, bool masked);

/* ---- address spaces ------------------------------------------------------------------------------------------ */

/* Fills the upper half (kernel part) of a new root table, which is zeroed. */
void arch_root_init(uint64_t *root);

/* Makes `root` the current user address space. `asid` was given out by mm and is below ARCH_ASIDS ([types], 1 if the
   architecture has none: then this flushes what it must). */
void arch_space_activate(paddr_t root, uint16_t asid);

/* Forget cached translations: of one page, or of a whole address space. Local CPU only. */
void arch_tlb_flush_page(uint16_t asid, uintptr_t address);
void arch_tlb_flush_space(uint16_t asid);

/* After code was written through the direct map: make instruction fetch see it. */
void arch_instruction_sync(void);

/* ---- user memory --------------------------------------------------------------------------------------------- */

/* Copies between kernel and user memory of the current address space. False if any byte is not accessible to the user
   that way; then the destination may be partly written (kernel side) or untouched from the fault on (user side).
   The caller has checked that the range lies below ARCH_USER_TOP. */
[[nodiscard]] bool arch_copy_from_user(void *to, uintptr_t from, size_t bytes);
[[nodiscard]] bool arch_copy_to_user(uintptr_t to, void const *from, size_t bytes);

/* ---- threads ------------------------------------------------------------------------------------------------- */

/* Makes `context` start in user mode at `entry` with stack pointer `stack`, all other registers zero. */
void arch_context_init(struct arch_context *context, uintptr_t entry, uintptr_t stack);

/* In a system call: the context makes the same call again when it goes on. */
void arch_call_again(struct arch_context *context);

/* Leaves the kernel to user mode with these registers; the kernel stack is abandoned. Interrupts come on with it. */
[[noreturn]] void arch_resume(struct arch_context *context);

/* With interrupts off and nothing to run: waits for an interrupt and dispatches it (calls up) before returning. */
void arch_idle(void);

/* ---- time ---------------------------------------------------------------------------------------------------- */

uint64_t arch_time_ns(void);                       /* since boot, monotonic */
void arch_timer_set(uint64_t deadline_ns);         /* one shot; UINT64_MAX: off */

/* ---- capability unit (only where ARCH_HAS_CAP_UNIT; elsewhere declared and never called) -----------------------------
 * Query and Answer words are those of veridian/abi.h. Where there is a unit these are `static inline` in arch_types.h. */
uint64_t arch_cap_object(uint64_t query, uint32_t space);              /* Answer with object id */
uint64_t arch_cap_badge(uint64_t query, uint32_t space);               /* Answer with badge */
void arch_cap_invalidate_slot(uint32_t handle, uint32_t space);        /* full fence, done on return */
void arch_cap_invalidate_space(uint32_t space);
void arch_cap_invalidate_object(uint32_t object_id);
void arch_cap_select(uint32_t space);
uint64_t arch_cap_revoke(uint64_t root, uint64_t limit);               /* RevokeAnswer; root 0: asks, limit 1: stops */

/* First of the slots that the revocation engine has emptied and nobody took back. Between runs. Like arch_cap_revoke() only
   where arch_cap_unit_revokes(). */
uint32_t arch_cap_dead(void);
void arch_cap_set_dead(uint32_t number);

/* Gives the unit the kernel's tables and lets user mode check. False if this machine has no unit. */
bool arch_cap_unit_start(struct boot_info const *info, struct cap_tables const *tables);

/* Whether the unit that was started has a revocation engine. */
bool arch_cap_unit_revokes(void);

/* ---- calls up: portable code that the architecture's trap entry calls, interrupts off ------------------------------- */

/* First C function after the architecture's own. */
[[noreturn]] void kernel_main(struct boot_info const *info);

/* A system call of the current thread; its registers are in `context->call`. */
void trap_syscall(struct arch_context *context);

/* A fault of the current thread in user mode. `address` is the faulting address or instruction. */
void trap_fault(struct arch_context *context, enum exit_reason reason, uint64_t address, uint64_t program_counter);

/* The timer fired. */
void trap_timer(void);

/* A device interrupt, by the interrupt controller's number, already claimed. */
void trap_interrupt(unsigned number);

/* Whose registers to resume; waits in arch_idle() while there is none. */
struct arch_context *sched_pick(void);
