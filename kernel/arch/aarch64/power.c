/* power.c (aarch64): the end of the machine, by semihosting with an exit code, else by PSCI (Arm DEN 0022) without. */
#include "internal.h"

constexpr uint64_t SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026;   /* Arm semihosting specification, 5.5 */
constexpr uint64_t PSCI_SYSTEM_OFF = 0x8400'0008;

static enum psci_conduit psci;

void power_start(enum psci_conduit conduit) { psci = conduit; }

void arch_shutdown(uint8_t code)
{
    uint64_t block[2] = { APPLICATION_EXIT, code };
    (void)semihosting(SYS_EXIT_EXTENDED, block);
    register uint64_t function asm("x0") = PSCI_SYSTEM_OFF;
    if (psci == PSCI_HVC) asm volatile("hvc #0" : "+r"(function) :: "x1", "x2", "x3", "memory");
    else if (psci == PSCI_SMC) asm volatile("smc #0" : "+r"(function) :: "x1", "x2", "x3", "memory");
    for (;;) asm volatile("wfi");
}
