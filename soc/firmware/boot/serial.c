#include "serial.h"

#include <veridian/memory_map.h>

int serial_get(uint64_t ticks) {
    enum : uintptr_t { DATA = UART_BASE, LINE_STATUS = UART_BASE + 5 };
    enum : uint8_t { DATA_READY = 1 };
    uint64_t start;
    uint64_t now;
    __asm__ volatile("csrr %0, time" : "=r"(start));
    do {
        if ((*(volatile uint8_t *)LINE_STATUS & DATA_READY) != 0) {
            return *(volatile uint8_t *)DATA;
        }
        __asm__ volatile("csrr %0, time" : "=r"(now));
    } while (now - start < ticks);
    return -1;
}
