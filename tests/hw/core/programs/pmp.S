// Physical memory protection (privileged specification, 3.7): matching, permissions, priority, locks, WARL, translation.
// Four entries, a grain of 4 KiB. Also runs on the reference model, and with TOHOST on Spike.
#include "macros.h"
#define R 1
#define W 2
#define X 4
#define TOR 0x08
#define NA4 0x10
#define NAPOT 0x18
#define L 0x80
#define ALL (NAPOT | R | W | X)
#define FETCH_ACCESS 1
#define LOAD_ACCESS 5
#define STORE_ACCESS 7
#define U_CALL 8
#define S_CALL 9
#define M_CALL 11
#define PMPCFG1 0x3a1
#define PMPADDR4 0x3b4

// pmpcfg of entries 0 to 3.
#define CONFIGURE(c0, c1, c2, c3) li t0, (c0) | (c1) << 8 | (c2) << 16 | (c3) << 24; csrw pmpcfg0, t0; sfence.vma
// pmpaddr of an entry: the 2^n bytes from a page on; the address of a page (for TOR) and some bytes more.
#define REGION(entry, page, bytes) la t0, page; srli t0, t0, 2; li t1, (bytes) / 8 - 1; or t0, t0, t1; csrw pmpaddr##entry, t0
#define BOUND(entry, page, more) la t0, page; addi t0, t0, more; srli t0, t0, 2; csrw pmpaddr##entry, t0

// Loads and stores of M-mode act as those of `mpp`.
#define AS(mpp) li s10, MPP_M; csrc mstatus, s10; li s10, (1 << 17) | mpp; csrs mstatus, s10
#define AS_SELF li s10, 1 << 17; csrc mstatus, s10
// An access at label + offset (instructions that use a1), which happens or traps with this cause.
#define HAPPENS(mpp, label, offset, ...) EXPECT_TRAP(-1, 0, fail); la a1, label + (offset); AS(mpp); __VA_ARGS__; AS_SELF
#define FAULTS(mpp, cause, label, offset, ...) \
    EXPECT_TRAP(cause, 0, 9f); la a1, label + (offset); mv s7, a1; AS(mpp); __VA_ARGS__; AS_SELF; j fail; 9: AS_SELF
#define LOADS(mpp, label, offset) HAPPENS(mpp, label, offset, ld a0, 0(a1))
#define STORES(mpp, label, offset) HAPPENS(mpp, label, offset, sd a1, 0(a1))
#define NO_LOAD(mpp, label, offset) FAULTS(mpp, LOAD_ACCESS, label, offset, ld a0, 0(a1))
#define NO_STORE(mpp, label, offset) FAULTS(mpp, STORE_ACCESS, label, offset, sd a1, 0(a1))
// The page begins with an ecall, which tells that it was fetched, and in which mode.
#define FETCHES(mpp, call, label) EXPECT_TRAP(call, 0, 9f); ENTER(mpp, label); j fail; 9:
#define NO_FETCH(mpp, label) EXPECT_TRAP(FETCH_ACCESS, 0, 9f); la s7, label; ENTER(mpp, label); j fail; 9:

// The low 30 bits of a pmpaddr: more need not exist.
#define EXPECT_ADDRESS(entry, value) csrr a0, pmpaddr##entry; slli a0, a0, 34; srli a0, a0, 34; EXPECT(a0, value)
#define EXPECT_CONFIGURATION(value) csrr a0, pmpcfg0; EXPECT(a0, value)

BEGIN
    la t0, m_handler
    csrw mtvec, t0
    // The last entry opens everything that no test closes.
    li t0, -1
    csrw pmpaddr3, t0
    CONFIGURE(0, 0, 0, ALL)

    TEST(1)                             // WARL: NA4 cannot be had, W without R is neither, bits 5 and 6 are 0
    CONFIGURE(NA4 | R | W | X, NAPOT | W | X, 0x60 | R, ALL)
    EXPECT_CONFIGURATION(ALL | (NAPOT | X) << 8 | R << 16 | ALL << 24)
    CONFIGURE(0, 0, 0, ALL)
    TEST(2)                             // pmpaddr below the grain: zeros, but ones for NAPOT; what was written stays
    li t0, -1
    csrw pmpaddr0, t0
    EXPECT_ADDRESS(0, 0x3ffffc00)
    CONFIGURE(TOR, 0, 0, ALL)
    EXPECT_ADDRESS(0, 0x3ffffc00)
    CONFIGURE(NAPOT, 0, 0, ALL)
    EXPECT_ADDRESS(0, 0x3fffffff)
    csrw pmpaddr0, x0
    EXPECT_ADDRESS(0, 0x1ff)
    li t0, 0x200
    csrw pmpaddr0, t0
    EXPECT_ADDRESS(0, 0x3ff)
    CONFIGURE(0, 0, 0, ALL)
    EXPECT_ADDRESS(0, 0)
    CONFIGURE(NAPOT, 0, 0, ALL)
    EXPECT_ADDRESS(0, 0x3ff)
    CONFIGURE(0, 0, 0, ALL)
    TEST(3)                             // entries that do not exist are 0; odd pmpcfg do not exist with 64 bits
    li t0, -1
    csrw PMPADDR4, t0
    csrr a0, PMPADDR4
    EXPECT(a0, 0)
    EXPECT_TRAP(2, 0x3a1026f3, 1f)
    csrr a3, PMPCFG1
    j fail
1:
    TEST(10)                            // 4 KiB and not a byte more
    REGION(0, page_b, 4096)
    CONFIGURE(NAPOT, 0, 0, ALL)
    LOADS(MPP_S, page_b, -8)
    STORES(MPP_S, page_b, -8)
    NO_LOAD(MPP_S, page_b, 0)
    NO_STORE(MPP_S, page_b, 0)
    NO_FETCH(MPP_S, page_b)
    NO_LOAD(MPP_S, page_b, 4088)
    NO_STORE(MPP_S, page_b, 4088)
    LOADS(MPP_S, page_c, 0)
    STORES(MPP_S, page_c, 8)
    FETCHES(MPP_S, S_CALL, page_c)
    TEST(11)                            // U-mode likewise; M-mode is free, and MPRV with MPP = M as well
    NO_LOAD(0, page_b, 8)
    NO_STORE(0, page_b, 8)
    NO_FETCH(0, page_b)
    FETCHES(0, U_CALL, page_c)
    la a1, page_b
    ld a0, 8(a1)
    sd a0, 8(a1)
    LOADS(MPP_M, page_b, 8)
    STORES(MPP_M, page_b, 8)
    FETCHES(MPP_M, M_CALL, page_b)
    TEST(12)                            // each right by itself
    CONFIGURE(NAPOT | R, 0, 0, ALL)
    LOADS(MPP_S, page_b, 8)
    NO_STORE(MPP_S, page_b, 8)
    NO_FETCH(MPP_S, page_b)
    CONFIGURE(NAPOT | R | W, 0, 0, ALL)
    LOADS(0, page_b, 8)
    STORES(0, page_b, 8)
    NO_FETCH(0, page_b)
    CONFIGURE(NAPOT | X, 0, 0, ALL)
    NO_LOAD(MPP_S, page_b, 8)
    NO_STORE(MPP_S, page_b, 8)
    FETCHES(MPP_S, S_CALL, page_b)
    CONFIGURE(NAPOT | R | X, 0, 0, ALL)
    LOADS(MPP_S, page_b, 8)
    NO_STORE(MPP_S, page_b, 8)
    FETCHES(MPP_S, S_CALL, page_b)
    TEST(13)                            // atomics: lr loads, the others store
    CONFIGURE(NAPOT | R, 0, 0, ALL)
    HAPPENS(MPP_S, page_b, 8, lr.d a0, (a1))
    FAULTS(MPP_S, STORE_ACCESS, page_b, 8, sc.d a0, a0, (a1))
    FAULTS(MPP_S, STORE_ACCESS, page_b, 8, amoadd.w a0, a0, (a1))
    CONFIGURE(NAPOT | X, 0, 0, ALL)
    FAULTS(MPP_S, LOAD_ACCESS, page_b, 8, lr.w a0, (a1))
    FAULTS(MPP_S, STORE_ACCESS, page_b, 8, amoswap.d a0, a0, (a1))
    TEST(14)                            // MXR makes a page table's execute right readable, not this one
    li t0, 1 << 19
    csrs mstatus, t0
    NO_LOAD(MPP_S, page_b, 8)
    li t0, 1 << 19
    csrc mstatus, t0
    TEST(15)                            // 8 KiB
    REGION(0, page_c, 8192)
    CONFIGURE(NAPOT, 0, 0, ALL)
    LOADS(MPP_S, page_c, -8)
    NO_LOAD(MPP_S, page_c, 8)
    NO_STORE(MPP_S, page_d, 4088)
    LOADS(MPP_S, page_d, 4096)

    TEST(20)                            // TOR: from the pmpaddr below to this one; what is below the grain does not count
    BOUND(0, page_b, 0)
    BOUND(1, page_d, 0)
    CONFIGURE(0, TOR | R, 0, ALL)
    STORES(MPP_S, page_b, -8)
    LOADS(MPP_S, page_b, 8)
    NO_STORE(MPP_S, page_b, 8)
    NO_STORE(MPP_S, page_c, 4088)
    NO_FETCH(MPP_S, page_c)
    STORES(MPP_S, page_d, 8)
    FETCHES(MPP_S, S_CALL, page_d)
    BOUND(0, page_b, 2044)
    BOUND(1, page_d, 2044)
    NO_STORE(MPP_S, page_b, 8)
    STORES(MPP_S, page_d, 8)
    TEST(21)                            // an empty range, and one the wrong way round, match nothing
    BOUND(0, page_d, 0)
    STORES(MPP_S, page_c, 8)
    STORES(MPP_S, page_d, 8)
    BOUND(1, page_b, 0)
    STORES(MPP_S, page_c, 8)
    TEST(22)                            // entry 0 begins at address 0
    BOUND(0, page_d, 0)
    CONFIGURE(TOR | R | X, 0, 0, ALL)
    NO_STORE(MPP_S, page_a, 8)
    NO_STORE(MPP_S, page_c, 4088)
    LOADS(MPP_S, page_a, 8)
    STORES(MPP_S, page_d, 8)
    TEST(23)                            // ranges in a row: each has its own rights
    BOUND(0, page_b, 0)
    BOUND(1, page_c, 0)
    BOUND(2, page_d, 0)
    CONFIGURE(TOR | R | W | X, TOR | R, TOR | X, ALL)
    STORES(MPP_S, page_b, -8)
    NO_STORE(MPP_S, page_b, 8)
    LOADS(MPP_S, page_b, 8)
    NO_LOAD(MPP_S, page_c, 8)
    FETCHES(MPP_S, S_CALL, page_c)
    STORES(MPP_S, page_d, 8)

    TEST(30)                            // the lowest entry that matches decides, be it more or less
    REGION(0, page_c, 4096)
    REGION(1, page_c, 8192)
    CONFIGURE(ALL, NAPOT | R, 0, ALL)
    STORES(MPP_S, page_c, 8)
    NO_STORE(MPP_S, page_d, 8)
    CONFIGURE(NAPOT, ALL, 0, ALL)
    NO_LOAD(MPP_S, page_c, 8)
    STORES(MPP_S, page_d, 8)
    CONFIGURE(0, NAPOT, 0, ALL)
    NO_LOAD(MPP_S, page_c, 8)
    TEST(31)                            // none that matches: nothing for S and U, everything for M
    REGION(0, page_c, 4096)
    CONFIGURE(NAPOT | R, 0, 0, 0)
    LOADS(MPP_S, page_c, 8)
    NO_STORE(MPP_S, page_c, 8)
    NO_LOAD(MPP_S, page_d, 8)
    NO_LOAD(0, page_b, 8)
    NO_FETCH(MPP_S, page_d)
    LOADS(MPP_M, page_d, 8)
    FETCHES(MPP_M, M_CALL, page_d)

    // ---- translation: page_b at address 0 of the tables' map, read, write and execute
    CONFIGURE(0, 0, 0, ALL)
#define PTE(table, page, flags) la t0, page; srli t0, t0, 2; ori t0, t0, flags; la t1, table; sd t0, 0(t1)
    PTE(root, level1, 1)
    PTE(level1, level0, 1)
    PTE(level0, page_b, 0xcf)
    la t0, root
    srli t0, t0, 12
    li t1, 8 << 60
    or t0, t0, t1
    csrw satp, t0
    sfence.vma
#define MAPPED(...) EXPECT_TRAP(-1, 0, fail); li a1, 8; AS(MPP_S); __VA_ARGS__; AS_SELF
#define UNMAPPED(cause, ...) \
    EXPECT_TRAP(cause, 8, 9f); li a1, 8; AS(MPP_S); __VA_ARGS__; AS_SELF; j fail; 9: AS_SELF
#define TABLES_FAULT \
    UNMAPPED(LOAD_ACCESS, ld a0, 0(a1)); UNMAPPED(STORE_ACCESS, sd a0, 0(a1)); \
    EXPECT_TRAP(FETCH_ACCESS, 0, 9f); li s10, MPP_M; csrc mstatus, s10; li s10, MPP_S; csrs mstatus, s10; \
    csrw mepc, x0; mret; 9:
#define TABLES_WORK \
    MAPPED(ld a0, 0(a1)); MAPPED(sd a0, 0(a1)); \
    EXPECT_TRAP(S_CALL, 0, 9f); li s10, MPP_M; csrc mstatus, s10; li s10, MPP_S; csrs mstatus, s10; \
    csrw mepc, x0; mret; 9:
    TEST(40)
    TABLES_WORK
    TEST(41)                            // a table that may not be read: the access faults, as what it is
    REGION(0, root, 4096)
    CONFIGURE(NAPOT | X, 0, 0, ALL)
    TABLES_FAULT
    REGION(0, level1, 4096)
    sfence.vma
    TABLES_FAULT
    REGION(0, level0, 4096)
    sfence.vma
    TABLES_FAULT
    TEST(42)                            // reading is all that a walk does
    CONFIGURE(NAPOT | R, 0, 0, ALL)
    TABLES_WORK
    TEST(43)                            // protection of the page that the tables lead to
    REGION(0, page_b, 4096)
    CONFIGURE(NAPOT, 0, 0, ALL)
    TABLES_FAULT
    CONFIGURE(NAPOT | R | W, 0, 0, ALL)
    MAPPED(ld a0, 0(a1))
    MAPPED(sd a0, 0(a1))
    TEST(44)                            // a page fault is found before the page's protection
    PTE(level0, page_b, 0xc1 | 2)       // R only
    CONFIGURE(NAPOT, 0, 0, ALL)
    UNMAPPED(15, sd a0, 0(a1))
    UNMAPPED(LOAD_ACCESS, ld a0, 0(a1))
    csrw satp, x0
    sfence.vma

    // ---- locks, which last until reset: from the last entry on
    TEST(50)                            // a locked region holds M-mode too
    REGION(2, page_d, 4096)
    CONFIGURE(0, 0, L | NAPOT | R, ALL)
    EXPECT_CONFIGURATION((L | NAPOT | R) << 16 | ALL << 24)
    la a1, page_d
    ld a0, 8(a1)
    NO_STORE(MPP_M, page_d, 8)
    EXPECT_TRAP(STORE_ACCESS, 0, 1f)
    la s7, page_d
    sd a0, 0(s7)
    j fail
1:  NO_FETCH(MPP_M, page_d)
    NO_STORE(MPP_S, page_d, 8)
    LOADS(MPP_S, page_d, 8)
    STORES(MPP_M, page_c, 8)
    TEST(51)                            // neither its configuration nor its address changes, the others do
    CONFIGURE(R, 0, 0, ALL)
    EXPECT_CONFIGURATION(R | (L | NAPOT | R) << 16 | ALL << 24)
    csrr a2, pmpaddr2
    csrw pmpaddr2, x0
    csrr a0, pmpaddr2
    bne a0, a2, fail
    NO_STORE(MPP_M, page_d, 8)
    TEST(52)                            // an entry before it that is not locked decides, for M-mode too
    REGION(0, page_d, 4096)
    CONFIGURE(NAPOT, 0, 0, ALL)
    STORES(MPP_M, page_d, 8)
    NO_LOAD(MPP_S, page_d, 8)
    CONFIGURE(0, 0, 0, ALL)
    NO_STORE(MPP_M, page_d, 8)
    TEST(53)                            // a locked TOR region locks its lower end, but not the configuration there
    BOUND(0, page_b, 0)
    BOUND(1, page_c, 0)
    CONFIGURE(0, L | TOR | X, 0, ALL)
    csrw pmpaddr0, x0
    csrw pmpaddr1, x0
    csrr a0, pmpaddr0
    la a1, page_b
    srli a1, a1, 2
    bne a0, a1, fail
    NO_LOAD(MPP_M, page_b, 8)
    NO_STORE(MPP_M, page_b, 8)
    FETCHES(MPP_M, M_CALL, page_b)
    FETCHES(MPP_S, S_CALL, page_b)
    STORES(MPP_M, page_b, -8)
    STORES(MPP_M, page_c, 8)
    CONFIGURE(R, 0, 0, ALL)
    EXPECT_CONFIGURATION(R | (L | TOR | X) << 8 | (L | NAPOT | R) << 16 | ALL << 24)
    TEST(54)                            // locked while off: nothing matches, and it stays so
    CONFIGURE(L | R, 0, 0, ALL)
    CONFIGURE(ALL, 0, 0, ALL)
    EXPECT_CONFIGURATION((L | R) | (L | TOR | X) << 8 | (L | NAPOT | R) << 16 | ALL << 24)
    STORES(MPP_S, page_c, 8)
    j pass
END
    M_HANDLER

    .data
#define PAGE_OF_CODE(name) .balign 4096; name: ecall; .zero 4092
    PAGE_OF_CODE(page_a)
    PAGE_OF_CODE(page_b)
    .balign 8192
    PAGE_OF_CODE(page_c)
    PAGE_OF_CODE(page_d)
    .balign 4096
    .zero 4096
root:
    .zero 4096
level1:
    .zero 4096
level0:
    .zero 4096
