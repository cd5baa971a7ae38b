/*
 * entry.S: from the PVH entry point (32-bit protected mode, paging off, ebx = start info) to boot_main in long mode.
 *
 * The loader puts the image where its program headers say (Xen's PVH boot ABI), so the physical base is a constant.
 * The tables built here obey W^X: text read-execute, read-only data, everything else read-write without execute.
 */
#include "layout.h"

/* Physical address of a symbol of the image: what 32-bit code uses before paging is on. */
#define PHYSICAL(symbol) (symbol - KERNEL_OFFSET)

#define PTE_PRESENT   0x01
#define PTE_WRITE     0x02
#define PTE_ACCESSED  0x20
#define PTE_DIRTY     0x40
#define PTE_LARGE     0x80
#define PTE_GLOBAL    0x100
#define PTE_TABLE     (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
/* High half of an entry: bit 63. */
#define PTE_HIGH_NX   0x80000000

#define MSR_EFER      0xc0000080
/* SCE, LME, NXE */
#define EFER_VALUE    0x901

/* Name size, description size, XEN_ELFNOTE_PHYS32_ENTRY. */
    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad PHYSICAL(boot_entry)

    .section .boot, "ax", @progbits
    .code32
    .globl boot_entry
boot_entry:
    cli
    cld
    movl %ebx, %ebp

    /* Required: long mode, NX, SMEP, SMAP. Without them isolation would be weaker than promised: refuse. */
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb unsupported
    movl $0x80000001, %eax
    cpuid
    andl $((1 << 29) | (1 << 20)), %edx
    cmpl $((1 << 29) | (1 << 20)), %edx
    jne unsupported
    xorl %eax, %eax
    cpuid
    cmpl $7, %eax
    jb unsupported
    movl $7, %eax
    xorl %ecx, %ecx
    cpuid
    andl $((1 << 20) | (1 << 7)), %ebx
    cmpl $((1 << 20) | (1 << 7)), %ebx
    jne unsupported

    /* The kernel image, page by page. The table array is indexed by physical page number. */
    movl $PHYSICAL(kernel_start), %edi
1:  movl %edi, %eax
    orl $(PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL), %eax
    xorl %edx, %edx
    cmpl $PHYSICAL(text_end), %edi
    jb 2f
    movl $PTE_HIGH_NX, %edx
    cmpl $PHYSICAL(rodata_end), %edi
    jb 2f
    orl $(PTE_WRITE | PTE_DIRTY), %eax
2:  movl %edi, %ecx
    shrl $12, %ecx
    movl %eax, PHYSICAL(kernel_tables)(, %ecx, 8)
    movl %edx, PHYSICAL(kernel_tables) + 4(, %ecx, 8)
    addl $4096, %edi
    cmpl $PHYSICAL(kernel_end), %edi
    jb 1b

    movl $(PHYSICAL(kernel_tables) + PTE_TABLE), %eax
    xorl %ecx, %ecx
3:  movl %eax, PHYSICAL(kernel_directory)(, %ecx, 8)
    addl $4096, %eax
    incl %ecx
    cmpl $KERNEL_TABLES, %ecx
    jb 3b
    movl $(PHYSICAL(kernel_directory) + PTE_TABLE), PHYSICAL(kernel_pointers) + 510 * 8
    movl $(PHYSICAL(kernel_pointers) + PTE_TABLE), PHYSICAL(kernel_root) + 511 * 8

    /* Early direct map, 2 MiB pages, never executable. */
    xorl %ecx, %ecx
    movl $(PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_LARGE | PTE_GLOBAL), %eax
4:  movl %eax, PHYSICAL(early_directories)(, %ecx, 8)
    movl $PTE_HIGH_NX, PHYSICAL(early_directories) + 4(, %ecx, 8)
    addl $0x200000, %eax
    incl %ecx
    cmpl $(EARLY_GIGABYTES * 512), %ecx
    jb 4b
    movl $(PHYSICAL(early_directories) + PTE_TABLE), %eax
    xorl %ecx, %ecx
5:  movl %eax, PHYSICAL(early_pointers)(, %ecx, 8)
    addl $4096, %eax
    incl %ecx
    cmpl $EARLY_GIGABYTES, %ecx
    jb 5b
    movl $(PHYSICAL(early_pointers) + PTE_TABLE), PHYSICAL(kernel_root) + DIRECT_MAP_INDEX * 8

    /* Identity map of this one page, to stand on while paging comes on; paging_init removes it. */
    movl $(KERNEL_PHYSICAL + PTE_PRESENT + PTE_ACCESSED), PHYSICAL(identity_table) + (KERNEL_PHYSICAL >> 12 & 511) * 8
    movl $(PHYSICAL(identity_table) + PTE_TABLE), PHYSICAL(identity_directory) + (KERNEL_PHYSICAL >> 21) * 8
    movl $(PHYSICAL(identity_directory) + PTE_TABLE), PHYSICAL(identity_pointers)
    movl $(PHYSICAL(identity_pointers) + PTE_TABLE), PHYSICAL(kernel_root)

    movl $CR4_VALUE, %eax
    movl %eax, %cr4
    movl $PHYSICAL(kernel_root), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    movl $EFER_VALUE, %eax
    xorl %edx, %edx
    wrmsr
    movl $CR0_VALUE, %eax
    movl %eax, %cr0
    lgdt PHYSICAL(early_segments_pointer)
    ljmp $SELECTOR_KERNEL_CODE, $PHYSICAL(long_mode)

/* One line on the serial port, exit code 1, halt. */
unsupported:
    movl $PHYSICAL(unsupported_text), %esi
6:  movw $(PORT_COM1 + 5), %dx
    inb %dx, %al
    testb $0x20, %al
    jz 6b
    lodsb
    testb %al, %al
    jz 7f
    movw $PORT_COM1, %dx
    outb %al, %dx
    jmp 6b
7:  movb $1, %al
    outb %al, $PORT_EXIT
8:  hlt
    jmp 8b

unsupported_text:
    .asciz "veridian: the processor lacks one of: long mode, NX, SMEP, SMAP (QEMU: use -cpu max)\n"

    /* Accessed bits are set already: nothing may need to write here. */
    .balign 8
early_segments:
    .quad 0
    .quad 0x00af9b000000ffff
early_segments_pointer:
    .word early_segments_pointer - early_segments - 1
    .long PHYSICAL(early_segments)

    .code64
long_mode:
    movabsq $upper_half, %rax
    jmpq *%rax

    .text
upper_half:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    leaq kernel_stack_top(%rip), %rsp
    movl %ebp, %edi
    xorl %ebp, %ebp
    call boot_main
    ud2

/* Page tables; the loader delivers .bss as zeros. */
    .section .bss.tables, "aw", @nobits
    .balign 4096
    .globl kernel_root, kernel_tables, kernel_stack_guard, kernel_stack_top
kernel_root:        .skip 4096
kernel_pointers:    .skip 4096
kernel_directory:   .skip 4096
kernel_tables:      .skip 4096 * KERNEL_TABLES
early_pointers:     .skip 4096
early_directories:  .skip 4096 * EARLY_GIGABYTES
identity_pointers:  .skip 4096
identity_directory: .skip 4096
identity_table:     .skip 4096

/* The boot CPU's kernel stack above a page that paging_init unmaps: an overflow is a double fault, not a corruption. */
kernel_stack_guard: .skip 4096
    .skip KERNEL_STACK_BYTES
kernel_stack_top:
