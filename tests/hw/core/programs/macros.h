// Macros of self-checking programs. s11 holds the number of the current test; a failure stores
// (test number << 16) | 0x3333 to the exit register.

#define EXIT_REGISTER 0x00100000
#define DEVICE 0x10000000
#define CLINT 0x02000000

// The program begins: M-mode, traps that no test expects fail, physical memory protection lets everything through.
#define BEGIN \
    .section .text.start, "ax"; \
    .globl _start; \
_start: \
    la t0, unexpected_trap; \
    csrw mtvec, t0; \
    li t0, -1; \
    csrw pmpaddr0, t0; \
    li t0, 0x1f; \
    csrw pmpcfg0, t0; \
    li s11, 0

// With TOHOST the program ends by a store to that symbol, as Spike wants it, else by the exit register.
#ifdef TOHOST
#define END_PASS li t1, 1; la t0, tohost; sd t1, 0(t0)
#define END_FAIL slli t1, s11, 1; ori t1, t1, 1; la t0, tohost; sd t1, 0(t0)
#define END_DATA .section .data; .balign 64; .globl tohost; tohost: .dword 0; .globl fromhost; fromhost: .dword 0; .text
#else
#define END_PASS li t0, EXIT_REGISTER; li t1, 0x5555; sw t1, 0(t0)
#define END_FAIL slli t1, s11, 16; li t0, 0x3333; or t1, t1, t0; li t0, EXIT_REGISTER; sd t1, 0(t0)
#define END_DATA
#endif

#define END \
    END_DATA; \
pass: \
    END_PASS; \
1:  j 1b; \
    .align 2; \
unexpected_trap: \
fail: \
    END_FAIL; \
1:  j 1b

#define TEST(number) li s11, number

// The register holds the value.
#define EXPECT(register, value) \
    li s10, value; \
    beq register, s10, 9f; \
    j fail; \
9:

// op rd, rs1, rs2 with three uses of forwarding: at once, after one and after two instructions.
#define TEST_RR(number, op, result, value1, value2) \
    TEST(number); \
    li a0, value1; \
    li a1, value2; \
    op a2, a0, a1; \
    EXPECT(a2, result); \
    li a1, value2; \
    li a0, value1; \
    nop; \
    op a0, a0, a1; \
    mv a3, a0; \
    EXPECT(a3, result)

#define TEST_RI(number, op, result, value, immediate) \
    TEST(number); \
    li a0, value; \
    op a2, a0, immediate; \
    mv a3, a2; \
    EXPECT(a3, result); \
    li a0, value; \
    op a0, a0, immediate; \
    EXPECT(a0, result)

// ---- traps. A program that includes this handler says before each expected trap where to go on:
// EXPECT_TRAP(cause, value, label) sets up, the handler checks mcause (or scause) and mtval (or stval) and jumps.
// s6 = cause expected, s7 = value expected, s8 = address to go on at, s9 = epc expected (0: any).
#define EXPECT_TRAP(cause, value, resume) \
    li s6, cause; li s7, value; la s8, resume; li s9, 0

// Checks after it: everything has been compared and the program runs on in the mode of the trap.
#define M_HANDLER \
    .align 2; \
m_handler: \
    csrr s10, mcause; bne s10, s6, fail; \
    csrr s10, mtval; bne s10, s7, fail; \
    beqz s9, 9f; csrr s10, mepc; bne s10, s9, fail; \
9:  li s6, -2; \
    jr s8

#define S_HANDLER \
    .align 2; \
s_handler: \
    csrr s10, scause; bne s10, s6, s_fail; \
    csrr s10, stval; bne s10, s7, s_fail; \
    beqz s9, 9f; csrr s10, sepc; bne s10, s9, s_fail; \
9:  li s6, -2; \
    jr s8

#define MPP_S 0x0800
#define MPP_M 0x1800
#define SPP 0x100

// Go on at `label` in the mode that `mpp` names (from M-mode).
#define ENTER(mpp, label) \
    li s10, MPP_M; csrc mstatus, s10; li s10, mpp; csrs mstatus, s10; la s10, label; csrw mepc, s10; mret
