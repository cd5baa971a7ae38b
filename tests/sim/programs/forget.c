/*
 * A message is open by instructions when a register of the capability unit is stored to: after a table register or
 * `control`, whose store makes the unit forget everything, it is not open any more. The signature is the status of
 * mail.pop for each register, then those of receiving the message again. Start-up is bench/core/programs/start.S.
 */
#include <veridian/abi.h>
#include <veridian/capability_unit.h>
#include <veridian/mailbox.h>

constexpr uint64_t SPACE = 1, OBJECT = 1, TAG = 0x1111, INDEX = 3;
constexpr unsigned OFFSETS[] = {REGISTERS};
constexpr unsigned COUNT = sizeof OFFSETS / sizeof *OFFSETS;

/* As aligned as the tables, or it would come behind them and the end. */
alignas(PAGE_BYTES) uint64_t begin_signature[3 * COUNT];
uint64_t end_signature[1];
alignas(PAGE_BYTES) static uint64_t directory[DIRECTORY_ENTRIES];
alignas(PAGE_BYTES) static struct slot slots[SLOTS_PER_PAGE];
alignas(PAGE_BYTES) static struct object_entry objects[OBJECT + 1];
static uint64_t spaces[SPACE + 1];

#define MAIL(name, first, second) ({ \
    uint64_t answer; \
    __asm__ volatile(".insn r %1, %2, %3, %0, %4, %5" : "=r"(answer) \
                     : "i"(CUSTOM_0), "i"(INSN_MAIL_##name##_FUNCT3), "i"(INSN_MAIL_##name##_FUNCT7), "r"(first), \
                       "r"(second) : "memory"); \
    answer; })

static volatile uint64_t *unit(uintptr_t offset) { return (volatile uint64_t *)(UNIT + offset); }
static volatile uint64_t *mailbox(uintptr_t offset) { return (volatile uint64_t *)(MAILBOX + offset); }

static void settle(void) {
    __asm__ volatile("fence" ::: "memory");
    while ((*unit(CAPABILITY_UNIT_STATUS) & (1 << CAPABILITY_UNIT_STATUS_CLEARING_SHIFT
                                             | 1 << CAPABILITY_UNIT_STATUS_BUSY_SHIFT)) != 0) {}
}

static void set_up(void) {
    spaces[SPACE] = space_entry_make(1, 1, (uintptr_t)directory / PAGE_BYTES);
    directory[0] = directory_entry_make(0, 1);
    struct slot *slot = &slots[INDEX];
    slot_set_cap_type(slot, CAP_TYPE_ENDPOINT);
    slot_set_object_id(slot, OBJECT);
    slot_set_rights(slot, RIGHT_SEND | RIGHT_RECEIVE);
    slot_set_generation(slot, 1);
    slot_set_tag(slot, TAG);
    slot_set_valid(slot, 1);
    object_entry_set_generation(&objects[OBJECT], 1);
    object_entry_set_cap_type(&objects[OBJECT], CAP_TYPE_ENDPOINT);
    object_entry_set_live(&objects[OBJECT], 1);
    *unit(CAPABILITY_UNIT_SPACE_BASE) = (uintptr_t)spaces;
    *unit(CAPABILITY_UNIT_SPACE_COUNT) = SPACE + 1;
    *unit(CAPABILITY_UNIT_SLOT_BASE) = (uintptr_t)slots;
    *unit(CAPABILITY_UNIT_SLOT_COUNT) = SLOTS_PER_PAGE;
    *unit(CAPABILITY_UNIT_OBJECT_BASE) = (uintptr_t)objects;
    *unit(CAPABILITY_UNIT_OBJECT_COUNT) = OBJECT + 1;
    *unit(CAPABILITY_UNIT_CONTROL) = 1ull << CAPABILITY_UNIT_CONTROL_ENABLE_SHIFT;
    *mailbox(MAILBOX_CONTROL_CONTEXTS) = 1ull << MAILBOX_PAGE_ENABLED_SHIFT | SPACE << MAILBOX_PAGE_SPACE_SHIFT;
    *mailbox(MAILBOX_CONTROL_QUEUES) =
        OBJECT << MAILBOX_QUEUE_BINDING_ENDPOINT_SHIFT | 1ull << MAILBOX_QUEUE_BINDING_ENABLED_SHIFT;
    __asm__ volatile("csrwi %0, 1" :: "i"(CSR_SCUSTOM));
    settle();
}

static uint64_t received(void) {
    return mail_answer_get_status(MAIL(RECEIVE, (uint64_t)handle_make(INDEX, TAG), 0ull));
}

int main(void) {
    set_up();
    for (unsigned number = 0; number < COUNT; number++) {
        (void)MAIL(PUT0, 1ull, 2ull), (void)MAIL(PUT1, 3ull, 4ull), (void)MAIL(PUT2, 5ull, 6ull), (void)MAIL(PUT3, 7ull, 8ull);
        if (mail_answer_get_status(MAIL(SEND, (uint64_t)handle_make(INDEX, TAG), 0ull)) != MAILBOX_STATUS_OK) return 2;
        if (received() != MAILBOX_STATUS_OK) return 3;
        *unit(OFFSETS[number]) = *unit(OFFSETS[number]);
        settle();
        begin_signature[3 * number] = mail_answer_get_status(MAIL(POP, 0ull, 0ull));
        begin_signature[3 * number + 1] = received();
        begin_signature[3 * number + 2] = mail_answer_get_status(MAIL(POP, 0ull, 0ull));
    }
    return 0;
}
