/* console.c: the 16550 at COM1, polled, and the end of the machine. */
#include "x86.h"

/* 16550 registers as offsets, and the bits used. */
enum uart : uint16_t {
    UART_DATA = PORT_COM1, UART_INTERRUPTS = PORT_COM1 + 1, UART_FIFO = PORT_COM1 + 2, UART_LINE = PORT_COM1 + 3,
    UART_MODEM = PORT_COM1 + 4, UART_STATUS = PORT_COM1 + 5,
};
constexpr uint8_t LINE_8N1 = 0x03, LINE_DIVISOR = 0x80, FIFO_ON_AND_CLEAR = 0x07, MODEM_DTR_RTS = 0x03;
constexpr uint8_t STATUS_TRANSMIT_EMPTY = 0x20;

void console_init(void)
{
    port_write(UART_INTERRUPTS, 0);
    port_write(UART_LINE, LINE_DIVISOR);
    port_write(UART_DATA, 1);          /* 115200 baud */
    port_write(UART_INTERRUPTS, 0);
    port_write(UART_LINE, LINE_8N1);
    port_write(UART_FIFO, FIFO_ON_AND_CLEAR);
    port_write(UART_MODEM, MODEM_DTR_RTS);
}

static void put(char character)
{
    while (!(port_read(UART_STATUS) & STATUS_TRANSMIT_EMPTY)) arch_wait_hint();
    port_write(UART_DATA, (uint8_t)character);
}

void arch_console_put(char character)
{
    if (character == '\n') put('\r');
    put(character);
}

void arch_shutdown(uint8_t code)
{
    /* QEMU ends with 2 * code + 1 modulo 256: above 127 a failure would look like another code, even like success. */
    port_write(PORT_EXIT, code > 127 ? 127 : code);
    for (;;) asm volatile("cli; hlt");
}

/* The ISA interrupt of COM1 is the I/O APIC's input of that number, unless the MADT says otherwise; it does not for this
   one on the machines this runs on. */
static struct arch_io const device = { .base = PORT_COM1, .registers = 8, .stride = 1, .interrupt = 4 };

struct arch_io const *arch_console_io(void) { return &device; }

uint32_t arch_io_read(struct arch_io const *of, unsigned number)
{
    return port_read((uint16_t)(of->base + number * of->stride));
}

void arch_io_write(struct arch_io const *of, unsigned number, uint32_t value)
{
    port_write((uint16_t)(of->base + number * of->stride), (uint8_t)value);
}
