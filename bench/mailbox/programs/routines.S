/*
 * What is measured, in user mode. A routine `uint64_t name(struct task *)` returns the difference of two reads of the
 * cycle counter at the same point of the pipeline, and may change a and t registers. mailbox.c has the task's layout.
 */
#include <veridian/abi_assembly.h>
#include <veridian/memory_map.h>

#define ROUTINE(name) .text; .balign 64; .globl name; name:
#define START rdcycle t6
#define STOP rdcycle t5; sub t6, t5, t6

/* struct task */
#define HANDLE 0
#define STATUS 8
#define WORDS 16

#define MAIL(name, rd, rs1, rs2) .insn r ABI_CUSTOM_0, ABI_MAIL_##name##_FUNCT3, ABI_MAIL_##name##_FUNCT7, rd, rs1, rs2

#define LOAD_WORDS                                                                                                  \
    mv t0, a0; ld t1, HANDLE(t0);                                                                                   \
    ld a0, WORDS(t0); ld a1, WORDS+8(t0); ld a2, WORDS+16(t0); ld a3, WORDS+24(t0);                                 \
    ld a4, WORDS+32(t0); ld a5, WORDS+40(t0); ld a6, WORDS+48(t0); ld a7, WORDS+56(t0); fence
#define STORE_WORDS                                                                                                 \
    sd a0, WORDS(t0); sd a1, WORDS+8(t0); sd a2, WORDS+16(t0); sd a3, WORDS+24(t0);                                 \
    sd a4, WORDS+32(t0); sd a5, WORDS+40(t0); sd a6, WORDS+48(t0); sd a7, WORDS+56(t0)

#define SEND                                                                                                        \
    MAIL(PUT0, x0, a0, a1); MAIL(PUT1, x0, a2, a3); MAIL(PUT2, x0, a4, a5); MAIL(PUT3, x0, a6, a7);                 \
    MAIL(SEND, t2, t1, x0)
#define GET                                                                                                         \
    MAIL(GET0, a0, x0, x0); MAIL(GET1, a1, x0, x0); MAIL(GET2, a2, x0, x0); MAIL(GET3, a3, x0, x0);                 \
    MAIL(GET4, a4, x0, x0); MAIL(GET5, a5, x0, x0); MAIL(GET6, a6, x0, x0); MAIL(GET7, a7, x0, x0)
#define RECEIVE MAIL(RECEIVE, t2, t1, x0); GET; MAIL(POP, t3, x0, x0)

ROUTINE(empty)
    mv t0, a0
    fence
    START
    STOP
    sd x0, STATUS(t0)
    mv a0, t6
    ret

ROUTINE(enqueue)                        /* instructions alone */
    LOAD_WORDS
    START
    SEND
    STOP
    sd t2, STATUS(t0)
    mv a0, t6
    ret

ROUTINE(enqueue_tested)                 /* and a branch on the status */
    LOAD_WORDS
    START
    SEND
    bnez t2, 1f
    STOP
1:  sd t2, STATUS(t0)
    mv a0, t6
    ret

ROUTINE(dequeue)
    LOAD_WORDS
    START
    RECEIVE
    STOP
    sd t3, STATUS(t0)
    STORE_WORDS
    mv a0, t6
    ret

ROUTINE(dequeue_tested)                 /* the low word of the answer is the status of mail.pop, which says it all */
    LOAD_WORDS
    START
    RECEIVE
    sext.w t4, t3
    bnez t4, 1f
    STOP
1:  sd t3, STATUS(t0)
    STORE_WORDS
    mv a0, t6
    ret

ROUTINE(enqueue_burst)                  /* as many as a queue holds */
    LOAD_WORDS
    li t3, 0
    START
    .rept BURST
    SEND
    or t3, t3, t2
    .endr
    STOP
    sd t3, STATUS(t0)
    mv a0, t6
    ret

ROUTINE(dequeue_burst)
    LOAD_WORDS
    li t4, 0
    START
    .rept BURST
    RECEIVE
    or t4, t4, t3
    .endr
    STOP
    sext.w t4, t4
    sd t4, STATUS(t0)
    STORE_WORDS
    mv a0, t6
    ret

/* One thread that sends and receives: while what it sent is being stored, it reads the message that it has open. */
ROUTINE(exchange)
    LOAD_WORDS
    li t4, 0
    MAIL(RECEIVE, t5, t1, x0)
    START
    .rept BURST
    SEND
    or t4, t4, t5
    GET
    or t4, t4, t2
    MAIL(POP, t3, x0, x0)
    MAIL(RECEIVE, t5, t1, x0)
    or t4, t4, t3
    .endr
    or t4, t4, t5
    STOP
    sext.w t4, t4
    sd t4, STATUS(t0)
    MAIL(POP, t3, x0, x0)
    STORE_WORDS
    mv a0, t6
    ret

/* The same by a thread page, for comparison; its address is in the task. */
#define PAGE 80
ROUTINE(enqueue_page)
    LOAD_WORDS
    ld t2, PAGE(t0)
    START
    sd a0, ASM_MAILBOX_THREAD_MESSAGE(t2); sd a1, ASM_MAILBOX_THREAD_MESSAGE+8(t2)
    sd a2, ASM_MAILBOX_THREAD_MESSAGE+16(t2); sd a3, ASM_MAILBOX_THREAD_MESSAGE+24(t2)
    sd a4, ASM_MAILBOX_THREAD_MESSAGE+32(t2); sd a5, ASM_MAILBOX_THREAD_MESSAGE+40(t2)
    sd a6, ASM_MAILBOX_THREAD_MESSAGE+48(t2); sd a7, ASM_MAILBOX_THREAD_MESSAGE+56(t2)
    sd t1, ASM_MAILBOX_THREAD_SEND(t2)
    li t4, ASM_MAILBOX_STATUS_BUSY
1:  ld t3, ASM_MAILBOX_THREAD_STATUS(t2)
    beq t3, t4, 1b
    STOP
    sd t3, STATUS(t0)
    mv a0, t6
    ret

ROUTINE(dequeue_page)
    LOAD_WORDS
    ld t2, PAGE(t0)
    li t4, ASM_MAILBOX_STATUS_BUSY
    START
    sd t1, ASM_MAILBOX_THREAD_RECEIVE(t2)
1:  ld t3, ASM_MAILBOX_THREAD_STATUS(t2)
    beq t3, t4, 1b
    ld a0, ASM_MAILBOX_THREAD_HEAD_MESSAGE(t2); ld a1, ASM_MAILBOX_THREAD_HEAD_MESSAGE+8(t2)
    ld a2, ASM_MAILBOX_THREAD_HEAD_MESSAGE+16(t2); ld a3, ASM_MAILBOX_THREAD_HEAD_MESSAGE+24(t2)
    ld a4, ASM_MAILBOX_THREAD_HEAD_MESSAGE+32(t2); ld a5, ASM_MAILBOX_THREAD_HEAD_MESSAGE+40(t2)
    ld a6, ASM_MAILBOX_THREAD_HEAD_MESSAGE+48(t2); ld a7, ASM_MAILBOX_THREAD_HEAD_MESSAGE+56(t2)
    sd t1, ASM_MAILBOX_THREAD_POP(t2)
1:  ld t3, ASM_MAILBOX_THREAD_STATUS(t2)
    beq t3, t4, 1b
    STOP
    sd t3, STATUS(t0)
    STORE_WORDS
    mv a0, t6
    ret

/* uint64_t run_user(routine *, struct task *): run it in user mode; -1 when it trapped. */
    .text
    .globl run_user
run_user:
    addi sp, sp, -16
    sd ra, 0(sp)
    csrr t0, mtvec
    sd t0, 8(sp)
    la t0, 1f
    csrw mtvec, t0
    csrw mepc, a0
    li t0, 3 << 11
    csrc mstatus, t0
    la ra, leave
    mv a0, a1
    mret
leave:
    ecall
    .balign 4
1:  csrr t0, mcause
    li t1, 8
    beq t0, t1, 2f
    li a0, -1
2:  ld t0, 8(sp)
    csrw mtvec, t0
    ld ra, 0(sp)
    addi sp, sp, 16
    ret
