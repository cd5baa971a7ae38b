/* mailbox.c: see mailbox.h. Every access is a 64-bit load or store of I/O memory, in program order. */
#include "drivers/mailbox.h"
#include "lib/print.h"
#include "mm/direct.h"
#include "sys/accelerator.h"

constexpr unsigned PAGE = 1;                 /* the kernel's page; thread pages count from 1 */
constexpr unsigned PATIENCE = 100'000;       /* readings of the status; a check takes some ten cycles */

volatile uint64_t *mailbox_context;

static volatile uint64_t *window;            /* nullptr: not in use */
static uint64_t free_queues;

static volatile uint64_t *control(uint64_t offset) { return window + offset / sizeof *window; }

static volatile uint64_t *page(uint64_t offset) { return window + (PAGE * PAGE_BYTES + offset) / sizeof *window; }

void mailbox_init(struct boot_info const *info)
{
    if (info->mailbox == 0 || !accelerator_present) return;
    window = direct_map(info->mailbox);
    uint64_t identity = *control(MAILBOX_CONTROL_IDENTITY);
    unsigned queues = identity >> MAILBOX_IDENTITY_QUEUES_SHIFT & 0xff;
    if ((identity >> MAILBOX_IDENTITY_VERSION_SHIFT & 0xff) != MAILBOX_VERSION
        || (identity >> MAILBOX_IDENTITY_PAGES_SHIFT & 0xff) < PAGE || queues == 0 || queues > 63) {
        window = nullptr;
        return;
    }
    free_queues = (1ull << queues) - 1;
    if ((identity >> MAILBOX_IDENTITY_CONTEXTS_SHIFT & 0xff) != 0) mailbox_context = control(MAILBOX_CONTROL_CONTEXTS);
    print("device: mailbox, %u queues of %lu messages\n", queues, identity >> MAILBOX_IDENTITY_DEPTH_SHIFT & 0xff);
}

static volatile uint64_t *binding(unsigned queue)
{
    return control(MAILBOX_CONTROL_QUEUES + (queue - 1) * MAILBOX_QUEUE_STRIDE + MAILBOX_QUEUE_BINDING);
}

unsigned mailbox_bind(uint32_t object_id)
{
    if (free_queues == 0) return 0;
    unsigned queue = (unsigned)__builtin_ctzll(free_queues) + 1;
    free_queues &= free_queues - 1;
    *binding(queue) = (uint64_t)object_id << MAILBOX_QUEUE_BINDING_ENDPOINT_SHIFT
        | 1ull << MAILBOX_QUEUE_BINDING_ENABLED_SHIFT;
    return queue;
}

void mailbox_unbind(unsigned queue)
{
    *binding(queue) = 0;
    free_queues |= 1ull << (queue - 1);
}

/* Binding the page to the caller's space wipes what another caller staged or opened. */
static void enter(uint32_t space)
{
    *control(MAILBOX_CONTROL_PAGES + PAGE * sizeof *window) = (uint64_t)space << MAILBOX_PAGE_SPACE_SHIFT
        | 1ull << MAILBOX_PAGE_ENABLED_SHIFT | 1ull << MAILBOX_PAGE_KERNEL_SHIFT;
}

static enum status command(unsigned offset, uint32_t handle)
{
    *page(offset) = handle;
    uint64_t result = MAILBOX_STATUS_BUSY;
    for (unsigned i = 0; i < PATIENCE && result == MAILBOX_STATUS_BUSY; i++) result = *page(MAILBOX_THREAD_STATUS);
    switch (result) {
    case MAILBOX_STATUS_OK: return STATUS_OK;
    case MAILBOX_STATUS_BAD_HANDLE: return STATUS_BAD_HANDLE;
    case MAILBOX_STATUS_EMPTY: return STATUS_EMPTY;
    case MAILBOX_STATUS_STALE: return STATUS_STALE;
    case MAILBOX_STATUS_WRONG_TYPE: return STATUS_WRONG_TYPE;
    case MAILBOX_STATUS_MISSING_RIGHTS: return STATUS_MISSING_RIGHTS;
    case MAILBOX_STATUS_FULL: case MAILBOX_STATUS_RATE_LIMITED: case MAILBOX_STATUS_NO_MESSAGE:
        return STATUS_WOULD_BLOCK;
    default: return STATUS_UNDECIDED;        /* a refusal, whatever it was */
    }
}

enum status mailbox_send(uint32_t space, uint32_t handle, uint64_t const words[MESSAGE_WORDS])
{
    enter(space);
    for (size_t i = 0; i < MESSAGE_WORDS; i++) *page(MAILBOX_THREAD_MESSAGE + i * sizeof *words) = words[i];
    return command(MAILBOX_THREAD_SEND, handle);
}

enum status mailbox_receive(uint32_t space, uint32_t handle, uint64_t words[MESSAGE_WORDS], uint32_t *badge)
{
    enter(space);
    enum status status = command(MAILBOX_THREAD_RECEIVE, handle);
    if (status != STATUS_OK) return status;
    uint64_t message[MESSAGE_WORDS];
    for (size_t i = 0; i < MESSAGE_WORDS; i++) message[i] = *page(MAILBOX_THREAD_HEAD_MESSAGE + i * sizeof *words);
    uint32_t sender = (uint32_t)*page(MAILBOX_THREAD_HEAD_BADGE);
    /* It is the caller's only when the hardware says so. */
    status = command(MAILBOX_THREAD_POP, handle);
    if (status != STATUS_OK) return status;
    for (size_t i = 0; i < MESSAGE_WORDS; i++) words[i] = message[i];
    *badge = sender;
    return STATUS_OK;
}
