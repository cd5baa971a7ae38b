/* apic.c: the local interrupt controller on, the two old 8259s off. Intel volume 3, chapter 10. */
#include "lib/panic.h"
#include "lib/print.h"
#include "x86.h"

constexpr uint32_t LVT_MASKED = 1u << 16, LVT_NMI = 4u << 8, SPURIOUS_ENABLE = 1u << 8;
constexpr uint64_t APIC_BASE_ENABLE = 1u << 11;

/* 8259: command and data ports of both. */
constexpr uint16_t PIC_COMMAND[2] = { 0x20, 0xa0 }, PIC_DATA[2] = { 0x21, 0xa1 };

static uint32_t volatile *registers;

void apic_write(enum apic_register offset, uint32_t value) { registers[offset / 4] = value; }
uint32_t apic_read(enum apic_register offset) { return registers[offset / 4]; }
void apic_end_of_interrupt(void) { apic_write(APIC_END_OF_INTERRUPT, 0); }

/* Even masked, an 8259 may raise its spurious interrupt: first move it away from the exceptions. */
static void old_controllers_off(void)
{
    for (unsigned i = 0; i < 2; i++) {
        port_write(PIC_COMMAND[i], 0x11);                        /* ICW1: cascade, ICW4 follows */
        port_write(PIC_DATA[i], (uint8_t)(VECTOR_8259 + 8 * i)); /* ICW2: vectors */
        port_write(PIC_DATA[i], i == 0 ? 4 : 2);                 /* ICW3: slave on line 2 */
        port_write(PIC_DATA[i], 1);                              /* ICW4: 8086 mode */
        port_write(PIC_DATA[i], 0xff);                           /* OCW1: all masked */
    }
}

void apic_init(paddr_t base)
{
    old_controllers_off();
    if (base % PAGE_BYTES != 0 || base == 0) panic("apic: address %p", (void *)base);
    registers = paging_map_device(base);
    msr_write(MSR_APIC_BASE, (msr_read(MSR_APIC_BASE) & (PAGE_BYTES - 1)) | base | APIC_BASE_ENABLE);
    apic_write(APIC_LVT_TIMER, LVT_MASKED);
    apic_write(APIC_LVT_PERFORMANCE, LVT_MASKED);
    apic_write(APIC_LVT_LINT0, LVT_MASKED);
    apic_write(APIC_LVT_LINT1, LVT_NMI);           /* how a PC reports broken hardware: it ends in a panic */
    apic_write(APIC_LVT_ERROR, LVT_MASKED);
    apic_write(APIC_TASK_PRIORITY, 0);
    apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    print("interrupts: local APIC at 0x%lx, 8259 masked\n", base);
}
