/* Start of the firmware and its traps: harts are set up, one enters the kernel, calls and requests are served. */

#include <veridian/memory_map.h>

#include "csr.h"
#include "harts.h"
#include "machine.h"
#include "sbi.h"

/* Exit code of the machine when the firmware itself is surprised. */
constexpr uint16_t code_unexpected_trap = 125;
constexpr uint64_t ecall_bytes = 4;

void firmware_main(uint64_t hart, uint64_t device_tree);
void firmware_trap(struct trap_frame *frame);

static _Atomic uint32_t boot_hart_chosen;

/* From entry.S, on each hart's own stack, interrupts off. The first hart to come here boots. */
void firmware_main(uint64_t hart, uint64_t device_tree) {
    hart_initialize();
    if (atomic_exchange_explicit(&boot_hart_chosen, 1, memory_order_acq_rel) != 0) {
        hart_wait_for_start();
    }
    atomic_store_explicit(&harts[hart].state, HART_STARTED, memory_order_release);
    hart_enter(KERNEL_BASE, device_tree);
}

[[noreturn]] static void unexpected_trap(uint64_t cause) {
    console_text("firmware: unexpected trap, hart ");
    console_hexadecimal(CSR_READ(mhartid));
    console_text(" mcause ");
    console_hexadecimal(cause);
    console_text(" mepc ");
    console_hexadecimal(CSR_READ(mepc));
    console_text(" mtval ");
    console_hexadecimal(CSR_READ(mtval));
    console_text(" mstatus ");
    console_hexadecimal(CSR_READ(mstatus));
    console_put('\n');
    machine_shutdown(code_unexpected_trap);
}

/* From entry.S with the interrupted program's registers saved; they are restored on return. */
void firmware_trap(struct trap_frame *frame) {
    const uint64_t cause = CSR_READ(mcause);
    switch (cause) {
    case EXCEPTION_ECALL_S:
        CSR_WRITE(mepc, CSR_READ(mepc) + ecall_bytes);
        sbi_call(frame);
        break;
    case INTERRUPT_MACHINE_SOFTWARE:
        hart_serve_requests();
        break;
    default:
        unexpected_trap(cause);
    }
}
