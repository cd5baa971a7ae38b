// Sv39: page sizes, permissions, faults of loads, stores and fetches, ASIDs, sfence.vma.
#include "macros.h"
#define V 1
#define R 2
#define W 4
#define X 8
#define U 16
#define G 32
#define A 64
#define D 128
#define AD (A | D)
// table[index] = frame of `target` with flags. Clobbers t0 to t2.
#define MAP(table, index, target, flags) \
    la t0, target; srli t0, t0, 2; li t1, flags; or t0, t0, t1; la t1, table; li t2, (index) * 8; add t1, t1, t2; \
    sd t0, 0(t1)
// table[index] = these 64 bits.
#define ENTRY(table, index, bits) \
    li t0, bits; la t1, table; li t2, (index) * 8; add t1, t1, t2; sd t0, 0(t1)
#define PAGES 0x40000000                // root[1]: 4 KiB pages
#define MEGA  0x40200000                // level1[1]
#define PAGE(n) (PAGES + 4096 * (n))
// Loads and stores of M-mode act as those of `mpp`.
#define AS(mpp) li s10, MPP_M; csrc mstatus, s10; li s10, (1 << 17) | mpp; csrs mstatus, s10
#define AS_SELF li s10, 1 << 17; csrc mstatus, s10
#define LOADS(number, mpp, address, value) \
    TEST(number); AS(mpp); li a1, address; ld a0, 0(a1); AS_SELF; EXPECT(a0, value)
#define STORES(number, mpp, address, value) \
    TEST(number); AS(mpp); li a1, address; li a0, value; sd a0, 0(a1); ld a2, 0(a1); AS_SELF; EXPECT(a2, value)
#define FAULTS(number, mpp, cause, address, ...) \
    TEST(number); EXPECT_TRAP(cause, address, 2f); AS(mpp); li a1, address; __VA_ARGS__; j fail; 2: AS_SELF
BEGIN
    la t0, m_handler
    csrw mtvec, t0
    ENTRY(root, 0, V | R | W | AD)               // I/O
    MAP(root, 1, level1, V)
    MAP(root, 2, _start, V | R | W | X | AD)    // S: main memory at its own address
    MAP(root, 3, _start, V | R | W | X | U | AD)// U: the same at 0xc000_0000
    MAP(level1, 0, level0, V)
    MAP(level0, 0, page_a, V | R | A)
    MAP(level0, 1, page_a, V | R | W | AD)
    MAP(level0, 2, page_a, V | X | A)
    MAP(level0, 3, page_a, V | R | W | U | AD)
    MAP(level0, 4, page_a, V | R | W | A)       // D clear
    MAP(level0, 5, page_a, V | R | W)           // A clear
    MAP(level0, 6, page_a, R | W | AD)          // not valid
    MAP(level0, 7, page_a, V | W | AD)          // reserved combination
    MAP(level0, 8, page_a, V)                   // pointer at the last level
    ENTRY(level0, 9, 0x20000000000000cf)        // reserved bits: N, PBMT and plain ones
    ENTRY(level0, 10, 0x80000000200000cf)
    ENTRY(level0, 11, 0x00400000200000cf)
    ENTRY(level0, 12, 0x003ffffc000000cf)       // frame above 32 bits
    MAP(level0, 13, page_b, V | R | W | AD)
    ENTRY(level1, 1, 0x200000cf)                // 2 MiB at 0x8000_0000
    ENTRY(level1, 2, 0x200004cf)                // misaligned 2 MiB
    ENTRY(level1, 3, 0x003ffffc00000001)        // table above 32 bits
    ENTRY(level1, 4, 0x10000001)                // table where there is no memory
    MAP(level1, 5, level0, V | A)               // pointer with a leaf's bit
    MAP(level1, 6, level0, V | U)
    ENTRY(root, 4, 0x200004cf)                  // misaligned 1 GiB
    li t0, 8 << 60
    la t1, root
    srli t1, t1, 12
    or s0, t0, t1
    csrw satp, s0
    sfence.vma

    LOADS(1, MPP_S, PAGE(0), 0xaaaaaaaaaaaaaaaa)
    FAULTS(2, MPP_S, 15, PAGE(0), sd a0, 0(a1))
    FAULTS(3, MPP_S, 15, PAGE(0), amoadd.d a0, a0, (a1))
    LOADS(4, MPP_S, PAGE(0) + 8, 0xa1)
    STORES(5, MPP_S, PAGE(1) + 64, 0x123456)
    LOADS(6, MPP_S, PAGE(0) + 64, 0x123456)     // the same frame under another name
    FAULTS(7, MPP_S, 13, PAGE(2), ld a0, 0(a1)) // execute only
    li t0, 1 << 19                              // MXR
    csrs mstatus, t0
    LOADS(8, MPP_S, PAGE(2), 0xaaaaaaaaaaaaaaaa)
    FAULTS(9, MPP_S, 15, PAGE(2), sd a0, 0(a1))
    li t0, 1 << 19
    csrc mstatus, t0
    FAULTS(10, MPP_S, 13, PAGE(3), ld a0, 0(a1))// U page from S
    FAULTS(11, MPP_S, 15, PAGE(3), sd a0, 0(a1))
    li t0, 1 << 18                              // SUM
    csrs mstatus, t0
    LOADS(12, MPP_S, PAGE(3), 0xaaaaaaaaaaaaaaaa)
    li t0, 1 << 18
    csrc mstatus, t0
    LOADS(13, 0, PAGE(3), 0xaaaaaaaaaaaaaaaa)
    FAULTS(14, 0, 13, PAGE(0), ld a0, 0(a1))    // S page from U
    FAULTS(15, 0, 15, PAGE(1), sd a0, 0(a1))
    STORES(16, 0, PAGE(3) + 72, 0x777)
    LOADS(17, MPP_S, PAGE(4), 0xaaaaaaaaaaaaaaaa)
    FAULTS(18, MPP_S, 15, PAGE(4), sd a0, 0(a1))
    FAULTS(19, MPP_S, 15, PAGE(4), sc.d a0, a0, (a1)) // even though it would fail
    LOADS(20, MPP_S, PAGE(4), 0xaaaaaaaaaaaaaaaa)
    FAULTS(21, MPP_S, 13, PAGE(5), ld a0, 0(a1))
    FAULTS(22, MPP_S, 15, PAGE(5), sd a0, 0(a1))
    FAULTS(23, MPP_S, 13, PAGE(6), ld a0, 0(a1))
    FAULTS(24, MPP_S, 13, PAGE(7), ld a0, 0(a1))
    FAULTS(25, MPP_S, 15, PAGE(7), sd a0, 0(a1))
    FAULTS(26, MPP_S, 13, PAGE(8), ld a0, 0(a1))
    FAULTS(27, MPP_S, 13, PAGE(9), ld a0, 0(a1))
    FAULTS(28, MPP_S, 13, PAGE(10), ld a0, 0(a1))
    FAULTS(29, MPP_S, 13, PAGE(11), ld a0, 0(a1))
    FAULTS(30, MPP_S, 5, PAGE(12), ld a0, 0(a1))
    FAULTS(31, MPP_S, 7, PAGE(12), sd a0, 0(a1))
    FAULTS(32, MPP_S, 13, PAGE(14), ld a0, 0(a1))
    FAULTS(33, MPP_S, 13, 0x0000008040000000, ld a0, 0(a1)) // not canonical
    FAULTS(34, MPP_S, 15, 0xffffff0040000000, sd a0, 0(a1))
    FAULTS(35, MPP_S, 13, 0xffffffff40000000, lb a0, 0(a1)) // canonical, not mapped
    FAULTS(36, MPP_S, 4, PAGE(6) + 1, lh a0, 0(a1))         // misaligned comes first
    la t0, page_a
    li t1, MEGA - 0x80000000
    add s1, t0, t1
    TEST(40)
    AS(MPP_S)
    ld a0, 0(s1)
    AS_SELF
    EXPECT(a0, 0xaaaaaaaaaaaaaaaa)
    FAULTS(41, MPP_S, 13, MEGA + 0x200000, ld a0, 0(a1))
    FAULTS(42, MPP_S, 5, MEGA + 0x400000, ld a0, 0(a1))
    FAULTS(43, MPP_S, 7, MEGA + 0x600000, sd a0, 0(a1))
    FAULTS(44, MPP_S, 13, MEGA + 0x800000, ld a0, 0(a1))
    FAULTS(45, MPP_S, 13, MEGA + 0xa00000, ld a0, 0(a1))
    FAULTS(46, MPP_S, 13, 0x100000000, ld a0, 0(a1))

    TEST(100)                                   // a table at the address of a device: a fault, and nothing is read there
    li s1, DEVICE
    ld s2, 8(s1)                                // counts its reads
    ENTRY(level1, 7, DEVICE >> 2 | V)
    sfence.vma
    FAULTS(101, MPP_S, 5, MEGA + 0xc01000, ld a0, 0(a1))
    FAULTS(102, MPP_S, 7, MEGA + 0xc01000, sd a0, 0(a1))
    TEST(103)
    EXPECT_TRAP(1, MEGA + 0xc01000, 2f)
    li a0, MEGA + 0xc01000
    ENTER(MPP_S, 1f)
1:  jr a0
    j fail
2:  ENTRY(level1, 7, 0)
    li t0, (8 << 60) | (DEVICE >> 12)           // the root as well
    csrw satp, t0
    FAULTS(104, MPP_S, 5, 0x40000000, ld a0, 0(a1))
    csrw satp, s0
    sfence.vma
    TEST(105)
    ld a0, 8(s1)
    addi s2, s2, 1
    bne a0, s2, fail

    TEST(50)                                    // a permission that software adds is seen after sfence.vma
    MAP(level0, 4, page_a, V | R | W | AD)
    li a0, PAGE(4)
    sfence.vma a0
    STORES(51, MPP_S, PAGE(4) + 80, 0x4444)
    TEST(52)                                    // one that it takes away, too
    MAP(level0, 4, page_a, V | R | A)
    li a0, PAGE(4)
    sfence.vma a0, x0
    FAULTS(53, MPP_S, 15, PAGE(4), sd a0, 0(a1))
    LOADS(54, MPP_S, PAGE(13), 0xbbbbbbbbbbbbbbbb)
    MAP(level0, 13, page_a, V | R | A)
    li a0, PAGE(13)
    li a1, 0                                    // ASID 0
    sfence.vma a0, a1
    LOADS(55, MPP_S, PAGE(13), 0xaaaaaaaaaaaaaaaa)
    MAP(level0, 13, page_b, V | R | A | G)      // global: survives a flush of one ASID, not one of all
    sfence.vma
    LOADS(56, MPP_S, PAGE(13), 0xbbbbbbbbbbbbbbbb)
    TEST(57)                                    // another address space does not see these entries
    MAP(root2, 1, level1b, V)
    MAP(root2, 2, _start, V | R | W | X | AD)
    MAP(level1b, 0, level0b, V)
    MAP(level0b, 0, page_b, V | R | A)
    li t0, (8 << 60) | (5 << 44)
    la t1, root2
    srli t1, t1, 12
    or s1, t0, t1
    csrw satp, s1
    LOADS(58, MPP_S, PAGE(0), 0xbbbbbbbbbbbbbbbb)
    csrw satp, s0
    LOADS(59, MPP_S, PAGE(0), 0xaaaaaaaaaaaaaaaa)
    csrw satp, s1
    LOADS(60, MPP_S, PAGE(0), 0xbbbbbbbbbbbbbbbb)
    MAP(level0b, 0, page_a, V | R | A)
    li a0, 5
    sfence.vma x0, a0
    LOADS(61, MPP_S, PAGE(0), 0xaaaaaaaaaaaaaaaa)
    csrw satp, s0

    TEST(70)                                    // code in S, translated
    EXPECT_TRAP(9, 0, 2f)
    ENTER(MPP_S, 1f)
1:  la a0, page_a
    ld a1, 0(a0)
    ecall
    j fail
2:  EXPECT(a1, 0xaaaaaaaaaaaaaaaa)
    TEST(71)                                    // S may not execute a U page
    EXPECT_TRAP(12, 0xc0000000, 2f)
    ENTER(MPP_S, 1f)
1:  li a0, 0xc0000000
    jr a0
    j fail
2:  TEST(72)                                    // U may, and sees its own mapping only
    EXPECT_TRAP(8, 0, 2f)
    la a0, 1f
    li a1, 0x40000000
    add a0, a0, a1
    csrw mepc, a0
    li a0, MPP_M
    csrc mstatus, a0
    mret
    j fail
    .align 2
1:  auipc a1, 0
    ecall
    j fail
2:  la a0, 1b
    sub a1, a1, a0
    EXPECT(a1, 0x40000000)
#define FETCH_FAULT(number, cause, address) \
    TEST(number); EXPECT_TRAP(cause, address, 2f); li a0, address; mv s9, a0; ENTER(MPP_S, 1f); 1: jr a0; j fail; 2:
    FETCH_FAULT(73, 12, PAGE(0))                // not executable
    FETCH_FAULT(74, 12, PAGE(6))
    FETCH_FAULT(75, 12, 0x4000000000)
    FETCH_FAULT(76, 12, PAGE(5))
    FETCH_FAULT(77, 1, MEGA + 0x400000)
    FETCH_FAULT(78, 12, 0x00001000)             // I/O mapped without X

    TEST(80)                                    // an instruction over the end of a page, the next one not mapped
    MAP(level0, 20, code_a, V | X | A)
    MAP(level0, 21, code_b, 0)
    sfence.vma
    EXPECT_TRAP(12, PAGE(21), 2f)
    li s9, PAGE(21) - 2
    li a0, PAGE(21) - 4
    li a1, 0
    ENTER(MPP_S, 1f)
1:  jr a0
    j fail
2:  EXPECT(a1, 1)                               // c.li a1, 1 before it was done
    TEST(81)                                    // then mapped, to a frame that does not follow the first
    MAP(level0, 21, code_b, V | X | A)
    EXPECT_TRAP(9, 0, 2f)
    li a0, PAGE(21) - 4
    ENTER(MPP_S, 1f)
1:  jr a0
    j fail
2:  EXPECT(a1, 0x77b)
    TEST(82)                                    // access fault of the second half
    ENTRY(level0, 21, 0x003ffffc000000cf)
    sfence.vma
    EXPECT_TRAP(1, PAGE(21), 2f)
    li s9, PAGE(21) - 2
    li a0, PAGE(21) - 4
    ENTER(MPP_S, 1f)
1:  jr a0
    j fail
2:  TEST(83)                                    // satp written in S: the next instruction is fetched through it
    EXPECT_TRAP(9, 0, 2f)
    ENTER(MPP_S, 1f)
1:  csrw satp, s1
    csrw satp, x0
    csrw satp, s0
    ecall
    j fail
2:  TEST(85)                                    // deep inside a 1 GiB page and a 2 MiB page
    ENTRY(root2, 5, 0x200000cf)
    csrw satp, s1
    sfence.vma
    li a2, 0x80000000 + 0xe34568
    li a3, 0x1357
    sd a3, 0(a2)
    LOADS(86, MPP_S, 0x140000000 + 0xe34568, 0x1357)
    csrw satp, s0
    li a2, 0x80000000 + 0x134568
    sd a3, 0(a2)
    LOADS(87, MPP_S, MEGA + 0x134568, 0x1357)
    TEST(84)                                    // a loop over more pages than the lookaside buffer holds
    ENTRY(root2, 5, 0x200000cf)
    ENTRY(root2, 6, 0x200000cf)
    ENTRY(root2, 7, 0x200000cf)
    ENTRY(root2, 8, 0x200000cf)
    ENTRY(root2, 9, 0x200000cf)
    ENTRY(root2, 10, 0x200000cf)
    ENTRY(root2, 11, 0x200000cf)
    ENTRY(root2, 12, 0x200000cf)
    ENTRY(root2, 13, 0x200000cf)
    ENTRY(root2, 14, 0x200000cf)
    csrw satp, s1
    sfence.vma
    EXPECT_TRAP(9, 0, 2f)
    ENTER(MPP_S, 1f)
1:  la a0, page_b
    li a1, 0x80000000
    sub a0, a0, a1
    li a2, 0
    li s2, 3
4:  li a3, 5
3:  slli a4, a3, 30
    add a4, a4, a0
    ld a5, 0(a4)
    sd a5, 256(a4)
    ld a6, 256(a4)
    bne a5, a6, 5f
    add a2, a2, a5
    addi a3, a3, 1
    li a4, 15
    bne a3, a4, 3b
    addi s2, s2, -1
    bnez s2, 4b
5:  ecall
2:  li a1, 0xbbbbbbbbbbbbbbbb
    li a3, 30
    mul a1, a1, a3
    bne a1, a2, fail
    j pass
    M_HANDLER
END
    .data
    .align 12
root:    .skip 4096
level1:  .skip 4096
level0:  .skip 4096
root2:   .skip 4096
level1b: .skip 4096
level0b: .skip 4096
page_a:  .dword 0xaaaaaaaaaaaaaaaa, 0xa1
    .align 12
page_b:  .dword 0xbbbbbbbbbbbbbbbb
    .align 12
code_b:                                         // second half of li a1, 0x77b, then ecall
    .half 0x77b0
    .word 0x00000073
    .align 12
code_a:
    .skip 4092
    .half 0x4585                                // c.li a1, 1
    .half 0x0593                                // first half of li a1, 0x77b
