/*
 * layout.h: numbers that assembly, C and the linker script of this port share. Only #define, because all three read
 * it; C checks the offsets with static_assert (cpu.c).
 */
#pragma once

/* The kernel image: virtual = physical + KERNEL_OFFSET. Its page tables cover KERNEL_LIMIT bytes from physical 0. */
#define KERNEL_OFFSET        0xffffffff80000000
#define KERNEL_PHYSICAL      0x200000
#define KERNEL_TABLES        16
#define KERNEL_LIMIT         (KERNEL_TABLES * 0x200000)
#define KERNEL_STACK_BYTES   16384

/* Direct map while booting: the first EARLY_GIGABYTES of physical memory. */
#define DIRECT_MAP           0xffff800000000000
#define DIRECT_MAP_INDEX     256
#define EARLY_GIGABYTES      4

/* Segment selectors. The order is what syscall and sysret demand (AMD64 volume 2, 6.1.1): kernel code, kernel data,
   user data, user code. */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA   0x1b
#define SELECTOR_USER_CODE   0x23
#define SELECTOR_TASK        0x28

/* struct arch_context, and what its `entry` says besides the vector of an interrupt. */
#define CONTEXT_ENTRY        120
#define CONTEXT_BYTES        176
#define ENTRY_SYSCALL        256
#define ENTRY_FRESH          257

/* struct cpu, reached through the gs segment in the kernel. */
#define CPU_NUMBER           0
#define CPU_STACK            8
#define CPU_SCRATCH          16
#define CPU_CONTEXT_END      32

/* COM1 and QEMU's isa-debug-exit. */
#define PORT_COM1            0x3f8
#define PORT_EXIT            0xf4

/* CR0: PE MP EM TS NE WP AM PG. EM and TS: there is no FPU state to save, so every use of one traps. */
#define CR0_VALUE            0x8005002f
/* CR4: PAE MCE PGE; SMEP and SMAP, which boot_entry requires. OSFXSR and OSXSAVE stay clear. */
#define CR4_VALUE            0x003000e0
