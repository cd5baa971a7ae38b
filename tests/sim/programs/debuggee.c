// A program to be debugged: adds the numbers from 1 to 10, and ends with the sum as its code.

#include <stdint.h>

volatile uint64_t total;
volatile uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

[[gnu::section(".tohost"), gnu::aligned(64)]] volatile uint64_t tohost;

[[gnu::noinline]] static uint64_t add(uint64_t number) {
    uint64_t sum = total + number;
    total = sum;
    return sum;
}

[[gnu::used]] static void begin() {
    for (uint64_t number = 1; number <= 10; number++) add(number);
    tohost = total << 1 | 1;
    while (true) {}
}

[[gnu::naked, gnu::section(".text.init")]] void _start() {
    __asm__ volatile("la sp, stack_end\n\tj begin");
}
