/* gic.c (aarch64): Generic Interrupt Controller version 2 (Arm IHI 0048), one CPU, all interrupts of one priority. */
#include "internal.h"

/* Distributor, register numbers of 32 bits. */
constexpr unsigned GICD_CTLR = 0x000 / 4, GICD_ISENABLER = 0x100 / 4, GICD_ICENABLER = 0x180 / 4;
constexpr unsigned GICD_IPRIORITYR = 0x400, GICD_ITARGETSR = 0x800;    /* of 8 bits */
/* CPU interface. */
constexpr unsigned GICC_CTLR = 0x00 / 4, GICC_PMR = 0x04 / 4, GICC_IAR = 0x0c / 4, GICC_EOIR = 0x10 / 4;

constexpr unsigned FIRST_SHARED = 32, FIRST_SPECIAL = 1020;
constexpr uint32_t IAR_NUMBER = 0x3ff;
constexpr uint8_t PRIORITY = 0xa0, THIS_CPU = 1 << 0;

static volatile uint32_t *distributor_registers, *cpu_registers;

void gic_start(paddr_t distributor, paddr_t cpu_interface)
{
    distributor_registers = device_at(distributor);
    cpu_registers = device_at(cpu_interface);
    distributor_registers[GICD_CTLR] = 0;
    for (unsigned first = 0; first < FIRST_SPECIAL; first += 32)
        distributor_registers[GICD_ICENABLER + first / 32] = UINT32_MAX;
    distributor_registers[GICD_CTLR] = 1;
    cpu_registers[GICC_PMR] = UINT8_MAX;
    cpu_registers[GICC_CTLR] = 1;
}

void gic_enable(unsigned number)
{
    volatile uint8_t *bytes = (volatile uint8_t *)distributor_registers;
    bytes[GICD_IPRIORITYR + number] = PRIORITY;
    if (number >= FIRST_SHARED) bytes[GICD_ITARGETSR + number] = THIS_CPU;
    distributor_registers[GICD_ISENABLER + number / 32] = 1u << number % 32;
}

/* The register's value goes back as it was read (it may carry a CPU number); with software interrupts from other CPUs
   it would have to be kept, so far the number is all of it. */
unsigned gic_claim(void)
{
    uint32_t number = cpu_registers[GICC_IAR] & IAR_NUMBER;
    return number < FIRST_SPECIAL ? number : GIC_NONE;
}

void gic_complete(unsigned number) { cpu_registers[GICC_EOIR] = number; }

/* The first ones are this CPU's own: timers and other CPUs' signals. */
bool arch_interrupt_mask(unsigned number, bool masked)
{
    if (number < FIRST_SHARED || number >= FIRST_SPECIAL) return false;
    if (masked) distributor_registers[GICD_ICENABLER + number / 32] = 1u << number % 32;
    else gic_enable(number);
    return true;
}
