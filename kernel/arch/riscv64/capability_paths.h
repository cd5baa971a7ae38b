/*
 * capability_paths.h (riscv64): part of trap.S: short paths of CAP_DERIVE and CAP_CREATE. They do what cap_derive_at() (cap/tree.c), and
 * endpoint_create() with cap_insert(), do where nothing is in the way: the capability is good and in its space's first page of
 * slots, there is room, no unfinished revocation names its object; an endpoint is made, of a record and an id that are free.
 * Whatever does not fit goes to save_rest with nothing changed: so the C code alone decides about errors.
 *
 * In: sp = context of the current thread, sscratch = its stack pointer; t0, t2, t3, t5, t6 and ra are saved and free. The other
 * registers stay as they are, and t1 where save_rest may follow. Nothing of the kernel's is put into the context: the short path of
 * IPC_CALL does not save all of the call words.
 *
 * A walker of the tables may be under way. What it reads is stored in the order of fill() in cap/tree.c, the valid bit last,
 * and that does for it: the core's stores reach the bus in the order of the program (docs/datasheet/core.md).
 */

/* Makes the slot, whose token is there, valid as a child of t3, and has the unit look again. t1 = its handle. */
.macro publish slot, scratch
    lui t5, 0x80000
    lbu \scratch, accelerator_present
    or t5, t5, t3
    sw t5, SLOT_PARENT(\slot)
    beqz \scratch, 8f
    lwu t2, THREAD_CAP_SPACE(sp)
    .insn r ABI_CUSTOM_0, ABI_CAP_INV_SLOT_FUNCT3, ABI_CAP_INV_SLOT_FUNCT7, x0, t1, t2
8:
.endm

.macro return_to_caller
    csrr t2, sepc
    ld ra, 104(sp)
    ld t3, 88(sp)
    addi t2, t2, 4
    csrw sepc, t2
    ld t2, 80(sp)
    ld t5, 136(sp)
    ld t6, 144(sp)
    li t0, 0                        /* info: OK */
    csrrw sp, sscratch, sp
    sret
.endm

.balign 32
short_derive:
    ld t2, THREAD_CAP_RECORD(sp)
    slli t5, t1, 48
    lla t6, cap_state
    lwu t3, SPACE_FIRST_SLOT(t2)
    srli ra, t5, 48 + PAGE_SLOTS_SHIFT
    bnez ra, save_rest
    ld ra, CAP_STATE_SLOTS(t6)
    srli t5, t5, 48
    add t3, t3, t5                  /* number of the slot */
    slli t5, t3, SLOT_SHIFT
    add t5, t5, ra                  /* the slot */
    lhu ra, SLOT_TAG(t5)
    srli t0, t1, 16
    bne ra, t0, save_rest           /* so is a handle of more than 32 bits */
    lw ra, SLOT_PARENT(t5)
    lhu t0, SLOT_RIGHTS(t5)
    bgez ra, save_rest              /* empty */
    ori ra, a0, ABI_RIGHT_DERIVE
    not t0, t0
    and t0, t0, ra
    bnez t0, save_rest              /* so are rights of more than 16 bits */
    bnez a1, with_badge
badge_is_right:
    ld t0, 0(t5)
    lwu ra, CAP_STATE_REVOKING_OBJECT(t6)
    sd t1, 72(sp)                   /* which save_rest finds in t1 */
    slli t0, t0, 64 - 32 - ABI_SLOT_OBJECT_ID
    srli t0, t0, 32
    beq t0, ra, save_rest
    ld ra, CAP_STATE_OBJECTS(t6)
    slli t0, t0, OBJECT_SHIFT
    add t0, t0, ra                  /* the object */
    lhu t1, SLOT_GENERATION(t5)
    lhu ra, OBJECT_GENERATION(t0)
    lw t6, OBJECT_LIVE(t0)
    bne t1, ra, give_up             /* stale */
    andi ra, t6, 1
    beqz ra, give_up
    lw t1, SPACE_ROOM(t2)
    lhu ra, SLOT_CAP_TYPE(t5)
    beqz t1, give_up
    addi ra, ra, -ABI_CAP_TYPE_CHANNEL
    beqz ra, give_up                /* which count their holders */
    andi ra, a0, ABI_RIGHT_RECEIVE
    bnez ra, with_receive
receivers_are_right:
    /* From here on there is no way back. */
    addi t6, t6, 2                  /* one reference more */
    sw t6, OBJECT_LIVE(t0)
    lwu ra, SPACE_FREE_FIRST(t2)
    ld t0, cap_state + CAP_STATE_SLOTS
    addi t1, t1, -1
    sw t1, SPACE_ROOM(t2)
    slli t6, ra, SLOT_SHIFT
    add t6, t6, t0                  /* the new slot, number ra */
    lw t1, SLOT_NEXT(t6)
    sw t1, SPACE_FREE_FIRST(t2)
    lwu t2, SLOT_FIRST_CHILD(t5)    /* no mark: that names the object of an unfinished revocation */
    lwu t1, SLOT_HANDLE(t6)
    sw ra, SLOT_FIRST_CHILD(t5)
    beqz t2, 1f
    slli t2, t2, SLOT_SHIFT
    add t0, t0, t2
    sw ra, SLOT_PREVIOUS(t0)
    slli t2, t2, 32 - SLOT_SHIFT
1:  sd t2, SLOT_LINKS(t6)
    ld t0, 0(t5)
    lw ra, SLOT_BADGE(t5)
    lhu t2, SLOT_GENERATION(t5)
    sd t0, 0(t6)
    sh a0, SLOT_RIGHTS(t6)
    bnez a1, 3f
2:  sw ra, SLOT_BADGE(t6)
    sh t2, SLOT_GENERATION(t6)
    publish t6, t2
    return_to_caller
3:  mv ra, a1
    j 2b

/* A badge can be given where there is none. */
with_badge:
    lwu t0, SLOT_BADGE(t5)
    srli ra, a1, 32
    bnez ra, save_rest
    beqz t0, badge_is_right
    beq t0, a1, badge_is_right
    j save_rest

/* An endpoint counts who may receive. ra and, in the end, t6 are free. */
with_receive:
    lhu ra, SLOT_CAP_TYPE(t5)
    addi ra, ra, -ABI_CAP_TYPE_ENDPOINT
    bnez ra, receivers_are_right
    ld ra, OBJECT_PAYLOAD(t0)
    lw t6, ENDPOINT_RECEIVERS(ra)
    addi t6, t6, 1
    sw t6, ENDPOINT_RECEIVERS(ra)
    lw t6, OBJECT_LIVE(t0)
    j receivers_are_right

give_up:
    ld t1, 72(sp)
    j save_rest

.balign 32
short_create:
    addi t2, a0, -ABI_CAP_TYPE_ENDPOINT
    bnez t2, save_rest
    ld t5, endpoint_pool + POOL_FREE
    ld t2, THREAD_CAP_RECORD(sp)
    ld t3, THREAD_PROCESS(sp)
    lla t6, cap_state
    beqz t5, save_rest
    lw ra, SPACE_ROOM(t2)
    lw t0, PROCESS_OBJECTS(t3)
    beqz ra, save_rest
    lw ra, PROCESS_OBJECTS + 4(t3)
    sd t1, 72(sp)                   /* which save_rest finds in t1 */
    beq t0, ra, save_rest
    lwu t1, CAP_STATE_FRESH_OBJECT(t6)
    lwu ra, CAP_STATE_READY_OBJECT(t6)
    addi t0, t0, 1
    bgeu t1, ra, used_object
    /* From here on there is no way back. */
    addi ra, t1, 1
    sw ra, CAP_STATE_FRESH_OBJECT(t6)
    li ra, 0
has_object:
    /* An endpoint's record t5, without threads and mail, and an object, number t1, generation ra. Each page is written in one piece, as
       its place in the lookaside buffer may be that of another too. */
    sw t0, PROCESS_OBJECTS(t3)
    ld t0, PROCESS_NUMBER(t3)
    sd t3, ENDPOINT_PAYER(t5)
    sd t0, ENDPOINT_NUMBER(t5)
    ld t0, 0(t5)                    /* the next free record */
    li t3, 1
    sw t1, ENDPOINT_OBJECT(t5)
    sw t3, ENDPOINT_RECEIVERS(t5)
    sd t0, endpoint_pool + POOL_FREE, t3
    ld t3, CAP_STATE_OBJECTS(t6)
    slli t0, t1, OBJECT_SHIFT
    add t3, t3, t0
    sd t5, OBJECT_PAYLOAD(t3)
    ld t5, CAP_STATE_SLOTS(t6)
    li t0, 3                        /* live, one reference */
    sh ra, OBJECT_GENERATION(t3)
    sh a0, OBJECT_CAP_TYPE(t3)
    sw t0, OBJECT_LIVE(t3)
    lwu t6, SPACE_FREE_FIRST(t2)
    lw t0, SPACE_ROOM(t2)
    slli t3, t1, ABI_SLOT_OBJECT_ID
    slli t6, t6, SLOT_SHIFT
    add t6, t6, t5                  /* the slot */
    lw t5, SLOT_NEXT(t6)
    addi t0, t0, -1
    sw t0, SPACE_ROOM(t2)
    sw t5, SPACE_FREE_FIRST(t2)
    lwu t1, SLOT_HANDLE(t6)
    or t3, t3, a0
    li t0, ABI_TYPE_RIGHTS_ENDPOINT
    sd t3, 0(t6)
    sh t0, SLOT_RIGHTS(t6)
    sh ra, SLOT_GENERATION(t6)      /* and no badge, as a free slot has none */
    sd zero, SLOT_LINKS(t6)
    li t3, 0
    publish t6, t2
    /* A store that nobody waits for brings the next record into the second-level cache. */
    ld t2, endpoint_pool + POOL_FREE
    beqz t2, 1f
    sd zero, ENDPOINT_PAYER(t2)
1:  return_to_caller

/* No fresh id is at hand. t1, ra and t5 are free until the end; t0 is the number of objects that the process will have. */
used_object:
    lwu ra, CAP_STATE_OBJECT_COUNT(t6)
    bltu t1, ra, give_up
    lwu t1, CAP_STATE_FREE_OBJECT(t6)
    beqz t1, give_up
    ld ra, CAP_STATE_OBJECTS(t6)
    slli t5, t1, OBJECT_SHIFT
    add t5, t5, ra
    ld ra, OBJECT_PAYLOAD(t5)       /* the next one */
    sw ra, CAP_STATE_FREE_OBJECT(t6)
    lw ra, CAP_STATE_FREE_OBJECTS(t6)
    addi ra, ra, -1
    sw ra, CAP_STATE_FREE_OBJECTS(t6)
    lhu ra, OBJECT_GENERATION(t5)
    ld t5, endpoint_pool + POOL_FREE
    j has_object
