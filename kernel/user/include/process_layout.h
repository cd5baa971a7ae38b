/* process_layout.h: where the kernel puts what a process starts with; kernel and user programs share it. */
#pragma once
#include <veridian/abi.h>

/* The stack ends here; the page below it stays unmapped (the guard). */
constexpr uintptr_t PROCESS_STACK_END = 0x4000'0000;
constexpr size_t PROCESS_STACK_PAGES = 4;
constexpr uintptr_t PROCESS_STACK_GUARD = PROCESS_STACK_END - (PROCESS_STACK_PAGES + 1) * PAGE_BYTES;
