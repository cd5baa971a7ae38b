/*
 * Sends and receives by the mailbox's instructions, and by a page, from user mode, and prints for each routine
 *     mailbox measurement=NAME samples=N min=A median=B max=C
 * in cycles, less what the two reads of the counter take. Machine mode is the kernel here: it lays out tables with one
 * space that holds one capability, and binds what is to be bound.
 */
#include <stddef.h>
#include <stdint.h>
#include <veridian/abi.h>
#include <veridian/capability_unit.h>
#include <veridian/mailbox.h>
#include <veridian/memory_map.h>

#include "console.h"

constexpr unsigned samples = 16, warm_up = 4;
constexpr uint32_t space = 1, endpoint = 7, tag = 0x1111, index = 3, generation = 2, badge = 0xbadbe, queue = 0, page = 1;

struct task {
    uint64_t handle, status, words[MESSAGE_WORDS], page;
};
static_assert(offsetof(struct task, page) == 80);
typedef uint64_t routine(struct task *task);
uint64_t run_user(routine *run, struct task *task);

#define ROUTINES(X) \
    X(empty) X(enqueue) X(enqueue_tested) X(dequeue) X(dequeue_tested) X(enqueue_burst) X(dequeue_burst) X(exchange) \
    X(enqueue_page) X(dequeue_page)
#define DECLARE(name) routine name;
ROUTINES(DECLARE)

static uint64_t spaces[2] __attribute__((aligned(PAGE_BYTES)));
static uint64_t directory[DIRECTORY_ENTRIES] __attribute__((aligned(PAGE_BYTES)));
static struct slot slots[SLOTS_PER_PAGE] __attribute__((aligned(PAGE_BYTES)));
static struct object_entry objects[endpoint + 1] __attribute__((aligned(PAGE_BYTES)));

static volatile uint64_t *at(uintptr_t base, uintptr_t offset) { return (volatile uint64_t *)(base + offset); }
static volatile uint64_t *unit(uintptr_t offset) { return at(CAPABILITY_UNIT_BASE, offset); }
static volatile uint64_t *mailbox(uintptr_t offset) { return at(MAILBOX_BASE, offset); }

static void set_up(void) {
    spaces[space] = space_entry_make(1, 1, (uintptr_t)directory / PAGE_BYTES);
    directory[0] = directory_entry_make(0, 1);
    struct slot *slot = &slots[index];
    slot_set_cap_type(slot, CAP_TYPE_ENDPOINT);
    slot_set_object_id(slot, endpoint);
    slot_set_rights(slot, RIGHT_SEND | RIGHT_RECEIVE);
    slot_set_generation(slot, generation);
    slot_set_tag(slot, tag);
    slot_set_badge(slot, badge);
    slot_set_valid(slot, 1);
    object_entry_set_generation(&objects[endpoint], generation);
    object_entry_set_cap_type(&objects[endpoint], CAP_TYPE_ENDPOINT);
    object_entry_set_live(&objects[endpoint], 1);
    *unit(CAPABILITY_UNIT_SPACE_BASE) = (uintptr_t)spaces;
    *unit(CAPABILITY_UNIT_SPACE_COUNT) = sizeof spaces / sizeof *spaces;
    *unit(CAPABILITY_UNIT_SLOT_BASE) = (uintptr_t)slots;
    *unit(CAPABILITY_UNIT_SLOT_COUNT) = sizeof slots / sizeof *slots;
    *unit(CAPABILITY_UNIT_OBJECT_BASE) = (uintptr_t)objects;
    *unit(CAPABILITY_UNIT_OBJECT_COUNT) = sizeof objects / sizeof *objects;
    __asm__ volatile("fence" ::: "memory");
    *unit(CAPABILITY_UNIT_CONTROL) = 1ull << CAPABILITY_UNIT_CONTROL_ENABLE_SHIFT;
    const uint64_t enabled = 1ull << MAILBOX_PAGE_ENABLED_SHIFT | (uint64_t)space << MAILBOX_PAGE_SPACE_SHIFT;
    *mailbox(MAILBOX_CONTROL_CONTEXTS) = enabled;
    *mailbox(MAILBOX_CONTROL_PAGES + page * sizeof(uint64_t)) = enabled;
    *mailbox(MAILBOX_CONTROL_QUEUES + queue * MAILBOX_QUEUE_STRIDE) =
        (uint64_t)endpoint << MAILBOX_QUEUE_BINDING_ENDPOINT_SHIFT | 1ull << MAILBOX_QUEUE_BINDING_ENABLED_SHIFT;
    /* User mode: all of memory, the cycle counter, custom instructions. */
    __asm__ volatile("csrw pmpaddr0, %0; csrw pmpcfg0, %1; csrw mcounteren, %1; csrw scounteren, %1; csrwi %2, 1"
                     :: "r"(~0ull), "r"(0x1full), "i"(CSR_SCUSTOM));
}

/* Messages in the queue before and after a routine. */
static void fill(routine *sender, struct task *task, unsigned messages) {
    while (*mailbox(MAILBOX_CONTROL_QUEUES + queue * MAILBOX_QUEUE_STRIDE + MAILBOX_QUEUE_FILL) < messages)
        run_user(sender, task);
}

static void wipe(void) { *mailbox(MAILBOX_CONTROL_WIPE) = queue; }

static uint64_t empty_cycles;

static int measure(const char *name, routine *run, unsigned before, bool receives) {
    uint64_t cycles[samples];
    for (unsigned i = 0; i < warm_up + samples; i++) {
        struct task task = {.handle = handle_make(index, tag), .page = MAILBOX_BASE + page * PAGE_BYTES};
        for (size_t word = 0; word < MESSAGE_WORDS; word++) task.words[word] = i << 8 | word;
        wipe();
        fill(enqueue, &task, before);
        const struct task sent = task;
        if (receives)
            for (size_t word = 0; word < MESSAGE_WORDS; word++) task.words[word] = ~0ull;
        const uint64_t took = run_user(run, &task);
        if (took == ~0ull || mail_answer_get_status(task.status) != MAILBOX_STATUS_OK) return 1;
        for (size_t word = 0; word < MESSAGE_WORDS; word++)
            if (task.words[word] != sent.words[word]) return 2;
        if (i < warm_up) continue;
        size_t place = i - warm_up;
        for (; place > 0 && cycles[place - 1] > took; place--) cycles[place] = cycles[place - 1];
        cycles[place] = took;
    }
    if (run == empty) empty_cycles = cycles[0];
    print_text("mailbox measurement=");
    print_text(name);
    print_pair("samples", samples);
    print_pair("min", cycles[0] - empty_cycles);
    print_pair("median", cycles[samples / 2] - empty_cycles);
    print_pair("max", cycles[samples - 1] - empty_cycles);
    print_text("\n");
    return 0;
}

int main(void) {
    set_up();
    const struct {
        const char *name;
        routine *run;
        unsigned before;
        bool receives;
    } all[] = {
        {"empty", empty, 0, false}, {"enqueue", enqueue, 0, false}, {"enqueue_tested", enqueue_tested, 0, false},
        {"dequeue", dequeue, 1, true}, {"dequeue_tested", dequeue_tested, 1, true},
        {"enqueue_burst", enqueue_burst, 0, false}, {"dequeue_burst", dequeue_burst, BURST, true},
        {"exchange", exchange, 1, false}, {"enqueue_page", enqueue_page, 0, false},
        {"dequeue_page", dequeue_page, 1, true},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const int failed = measure(all[i].name, all[i].run, all[i].before, all[i].receives);
        if (failed != 0) return 10 * (int)(i + 1) + failed;
    }
    return 0;
}
