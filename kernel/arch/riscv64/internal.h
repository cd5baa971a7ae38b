/* internal.h (riscv64): what the files of this folder share with each other and nobody else. */
#pragma once
#include <stdint.h>
#include "arch.h"

/* early.c; runs before translation is on. */
extern uint64_t early_root[];
uint64_t early_page_tables(paddr_t base);

/* start.c: first C function at the linked address. */
[[noreturn]] void riscv_start(uint64_t hart, paddr_t tree);

/* sbi.c: supervisor binary interface v0.2 and later. */
void sbi_set_timer(uint64_t time);
void sbi_shutdown(bool failed);

/* trap.c: called by trap.S for everything but a system call. */
void riscv_trap(struct arch_context *context);

/* uart.c */
void uart_init(paddr_t base, unsigned register_shift, unsigned interrupt);

/* timer.c: `frequency` in Hz is the tree's timebase; `stimecmp` says whether the hart has Sstc. */
void timer_init(uint32_t frequency, bool stimecmp);

/* plic.c */
void plic_init(paddr_t address, unsigned context_number, unsigned sources);
void plic_dispatch(void);

/* trap.S */
[[nodiscard]] bool user_copy(void *to, void const *from, size_t bytes);
