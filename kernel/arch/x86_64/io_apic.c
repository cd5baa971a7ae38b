/* io_apic.c: the I/O APIC that routes device interrupts. Intel 82093AA data sheet, 3.1 and 3.2. */
#include "lib/print.h"
#include "x86.h"

constexpr uint32_t VERSION = 1, REDIRECTION = 0x10;
constexpr uint32_t ENTRY_MASKED = 1u << 16;

/* A register is chosen by the first, and read and written by the second. */
static uint32_t volatile *select, *window;
static unsigned entries;

static uint32_t read(uint32_t number)
{
    *select = number;
    return *window;
}

static void write(uint32_t number, uint32_t value)
{
    *select = number;
    *window = value;
}

void io_apic_init(paddr_t base)
{
    if (base == 0 || base % PAGE_BYTES != 0) return;
    select = paging_map_device(base);
    window = select + 4;
    entries = (read(VERSION) >> 16 & 0xff) + 1;
    if (entries > VECTOR_DEVICES_END - VECTOR_DEVICES) entries = VECTOR_DEVICES_END - VECTOR_DEVICES;
    for (unsigned i = 0; i < entries; i++) {
        /* Fixed delivery to this processor, edge triggered and active high, as ISA devices are. */
        write(REDIRECTION + 2 * i, ENTRY_MASKED | (VECTOR_DEVICES + i));
        write(REDIRECTION + 2 * i + 1, apic_read(APIC_ID) & 0xff00'0000);
    }
    print("interrupts: I/O APIC at 0x%lx, %u inputs\n", base, entries);
}

bool arch_interrupt_mask(unsigned number, bool masked)
{
    if (number >= entries) return false;
    uint32_t low = read(REDIRECTION + 2 * number);
    write(REDIRECTION + 2 * number, masked ? low | ENTRY_MASKED : low & ~ENTRY_MASKED);
    return true;
}
