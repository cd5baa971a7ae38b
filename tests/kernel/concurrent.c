/*
 * concurrent.c: kernel/cap with several CPUs, as threads of the host, for ThreadSanitizer.
 *
 * Workers create, derive, transfer, revoke and delete, each of them under the kernel lock, as cap.h asks. Checkers are what
 * other CPUs' capability units are: they take no lock, walk the tables as the hardware does, keep what they found in
 * lookaside buffers of their own, and forget when they are asked to. A worker publishes the handles that it makes; from
 * the return of the revocation on no checker may find one of them, cached or not; before it begins each must be found.
 *
 * Usage: concurrent ROUNDS SEED. Ends with 0, or with 1 after it has said what was not so; ThreadSanitizer reports races.
 * -DFORGETFUL plants a fault: a checker answers most of the time without forgetting anything.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include "cap/cap.h"

typedef void invalidation_observer(int what, uint32_t number, uint32_t handle);
void host_set_observer(invalidation_observer *use);
void host_reset(size_t pages);

enum : int { FORGET_SLOT, FORGET_SPACE, FORGET_OBJECT };
enum : unsigned { WORKERS = 3, CHECKERS = 3, BATCH = 12, LINES = 64, QUOTA = 40 };
constexpr uint16_t RIGHTS = RIGHT_SEND | RIGHT_GRANT | RIGHT_DERIVE | RIGHT_REVOKE;

static pthread_mutex_t kernel_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cap_tables tables;
static uint32_t spaces[WORKERS];
static unsigned rounds;
static uint64_t seed;
static bool done;
static unsigned failures;
static uint64_t checks, hits, operations;

static void fail(char const *what, uint64_t value)
{
    if (__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED) < 8)
        fprintf(stderr, "not so: %s (0x%lx)\n", what, (unsigned long)value);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

/* ---- handles that are known to everybody ------------------------------------------------------------------------- */

/* A handle, its space, and whether it is good (LIVE), may be (DYING), or must not be (DEAD). */
enum state : uint64_t { DEAD, LIVE, DYING };
static uint64_t published[WORKERS][BATCH];

static uint64_t pack(uint32_t space, uint32_t handle, enum state state)
{
    return state << 48 | (uint64_t)space << 32 | handle;
}

static void publish(uint64_t *place, uint64_t value) { __atomic_store_n(place, value, __ATOMIC_SEQ_CST); }

/* ---- checkers ---------------------------------------------------------------------------------------------------- */

struct line { bool live; uint32_t space, handle, object_id; uint64_t answer; };
struct checker {
    struct line lines[LINES];
    uint64_t acknowledged;
    uint64_t checks, hits, heard;
};
static struct checker checkers[CHECKERS];

/* One invalidation at a time, for the kernel lock is held; its number says that it is there. */
static struct { int what; uint32_t number, handle; } asked;
static uint64_t asked_number;

static void ask(int what, uint32_t number, uint32_t handle)
{
    __atomic_store_n(&asked.what, what, __ATOMIC_RELAXED);
    __atomic_store_n(&asked.number, number, __ATOMIC_RELAXED);
    __atomic_store_n(&asked.handle, handle, __ATOMIC_RELAXED);
    uint64_t mine = asked_number + 1;
    __atomic_store_n(&asked_number, mine, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < CHECKERS; i++)
        while (__atomic_load_n(&checkers[i].acknowledged, __ATOMIC_ACQUIRE) != mine) sched_yield();
}

static bool concerns(struct line const *line, int what, uint32_t number, uint32_t handle)
{
    if (what == FORGET_OBJECT) return line->object_id == number;
    return line->space == number
        && (what == FORGET_SPACE || handle_get_index(line->handle) == handle_get_index(handle));
}

static void hear(struct checker *self)
{
    uint64_t number = __atomic_load_n(&asked_number, __ATOMIC_SEQ_CST);
    if (number == self->acknowledged) return;
    int what = __atomic_load_n(&asked.what, __ATOMIC_RELAXED);
    uint32_t of = __atomic_load_n(&asked.number, __ATOMIC_RELAXED);
    uint32_t handle = __atomic_load_n(&asked.handle, __ATOMIC_RELAXED);
#if defined(FORGETFUL)
    if (++self->heard % 8 == 0)
#endif
    for (unsigned i = 0; i < LINES; i++)
        if (concerns(&self->lines[i], what, of, handle)) self->lines[i].live = false;
    __atomic_store_n(&self->acknowledged, number, __ATOMIC_RELEASE);
}

static uint64_t read_word(uint64_t address)
{
    return __atomic_load_n((uint64_t const *)(uintptr_t)address, __ATOMIC_ACQUIRE);
}

/* The walk of the hardware: space, directory, slot, object; a slot whose word with the valid bit changed is read again. */
static enum verdict walk(uint32_t space, uint32_t handle, struct line *found)
{
    uint64_t entry = read_word(tables.spaces + 8ull * space), index = handle_get_index(handle);
    if (!space_entry_get_valid(entry) || index / SLOTS_PER_PAGE >= space_entry_get_pages(entry))
        return VERDICT_BAD_HANDLE;
    uint64_t page = read_word(space_entry_get_directory(entry) * PAGE_BYTES + 8 * (index / SLOTS_PER_PAGE));
    uint64_t number = directory_entry_get_page(page) * SLOTS_PER_PAGE + index % SLOTS_PER_PAGE;
    struct slot slot;
    uint64_t again;
    do {
        slot.word[2] = read_word(tables.slots + number * sizeof slot + 16);
        slot.word[0] = read_word(tables.slots + number * sizeof slot);
        slot.word[1] = read_word(tables.slots + number * sizeof slot + 8);
        again = read_word(tables.slots + number * sizeof slot + 16);
    } while (again != slot.word[2]);
    if (slot_get_tag(&slot) != handle_get_tag(handle)) return VERDICT_BAD_HANDLE;
    if (!slot_get_valid(&slot)) return VERDICT_EMPTY;
    struct object_entry object = { .word = { read_word(tables.objects + 16 * slot_get_object_id(&slot)) } };
    if (!object_entry_get_live(&object) || object_entry_get_generation(&object) != slot_get_generation(&slot))
        return VERDICT_STALE;
    *found = (struct line){ true, space, handle, (uint32_t)slot_get_object_id(&slot), slot_get_rights(&slot) };
    return VERDICT_OK;
}

static bool check(struct checker *self, uint32_t space, uint32_t handle)
{
    struct line *line = &self->lines[(handle ^ space * 17) % LINES];
    self->checks++;
    if (line->live && line->space == space && line->handle == handle) {
        self->hits++;
        return (line->answer & RIGHT_SEND) != 0;
    }
    struct line found = {};
    uint64_t before = self->acknowledged;
    enum verdict verdict = walk(space, handle, &found);
    /* An invalidation stops the walk: what it found is not kept, and not believed. */
    if (__atomic_load_n(&asked_number, __ATOMIC_SEQ_CST) != before) {
        hear(self);
        return walk(space, handle, &found) == VERDICT_OK;
    }
    if (verdict == VERDICT_OK) *line = found;
    return verdict == VERDICT_OK && (found.answer & RIGHT_SEND) != 0;
}

static void *run_checker(void *argument)
{
    struct checker *self = argument;
    uint64_t random = seed + 1000 + (uint64_t)(self - checkers);
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
        uint64_t word = next_random(&random) >> 33;
        uint64_t *place = &published[word % WORKERS][word / WORKERS % BATCH];
        uint64_t known = __atomic_load_n(place, __ATOMIC_SEQ_CST);
        bool good = check(self, known >> 32 & 0xffff, (uint32_t)known);
        if (known >> 48 == DEAD && good) fail("a revoked handle is refused", known);
        if (known >> 48 == LIVE && !good && __atomic_load_n(place, __ATOMIC_SEQ_CST) == known)
            fail("a live handle is good", known);
        hear(self);
        /* There may be fewer processors than threads. */
        if (self->checks % 16 == 0) sched_yield();
    }
    return nullptr;
}

/* ---- workers ----------------------------------------------------------------------------------------------------- */

/* Something derived from `from`, in its own space or that of another worker. The caller holds the lock. */
static enum status give(uint32_t from_space, uint32_t from, uint64_t random, uint32_t *space, uint32_t *handle)
{
    *space = spaces[random % WORKERS];
    if (*space == from_space) return cap_derive(from_space, from, RIGHTS, 0, handle);
    return cap_copy(from_space, from, *space, handle);
}

static void lock(void) { pthread_mutex_lock(&kernel_lock); }

static void unlock(void)
{
    operations++;
    pthread_mutex_unlock(&kernel_lock);
}

static void *run_worker(void *argument)
{
    unsigned me = (unsigned)(uintptr_t)argument;
    uint64_t random = seed + me;
    for (unsigned round = 0; round < rounds; round++) {
        uint32_t object_id, root, space = spaces[me], at_space = spaces[me], at;
        lock();
        if (object_create(CAP_TYPE_ENDPOINT, 1, &object_id) != STATUS_OK) abort();
        enum status status = cap_insert(space, object_id, RIGHTS, 0, &root);
        unlock();
        if (status != STATUS_OK && status != STATUS_NO_SLOTS) fail("a root is made", status);
        bool rooted = status == STATUS_OK;
        unsigned made = 0;
        for (at = root; status == STATUS_OK && made < BATCH; made++) {
            uint64_t word = next_random(&random) >> 32;
            lock();
            /* A chain or a fan. */
            bool chain = (word & 1) != 0;
            status = give(chain ? at_space : space, chain ? at : root, word >> 8, &at_space, &at);
            uint32_t used, limit;
            cap_space_usage(at_space, &used, &limit);
            if (limit != QUOTA || used > limit) fail("a quota holds", used);
            if (status == STATUS_OK) publish(&published[me][made], pack(at_space, at, LIVE));
            else if (status != STATUS_NO_SLOTS) fail("it is derived", status);
            unlock();
            if (status != STATUS_OK) break;
        }
        for (unsigned i = 0; i < made; i++)
            publish(&published[me][i], (published[me][i] & ~(3ull << 48)) | (uint64_t)DYING << 48);
        uint64_t killed = 0, total = 0;
        /* In steps, with the lock free between them. */
        do {
            lock();
            if (round % 4 == 3) {
                object_destroy(object_id);
                killed = made;
                status = STATUS_OK;
            } else {
                status = rooted ? cap_revoke(space, root, 3, &killed) : STATUS_OK;
            }
            unlock();
            total += killed;
        } while (status == STATUS_WOULD_BLOCK);
        /* Another worker may have gone on with it, and counted those. */
        if (status != STATUS_OK || total > made) fail("all were revoked", total);
        for (unsigned i = 0; i < made; i++) publish(&published[me][i], published[me][i] & ~(3ull << 48));
        lock();
        for (unsigned i = 0; i < made && round % 4 == 3; i++)
            if (cap_delete((uint32_t)(published[me][i] >> 32), (uint32_t)published[me][i]) != STATUS_OK)
                fail("a stale one is deleted", i);
        if (rooted && cap_delete(space, root) != STATUS_OK) fail("the root is deleted", root);
        object_destroy(object_id);
        unlock();
    }
    return nullptr;
}

int main(int count, char **arguments)
{
    if (count != 3) return 2;
    rounds = (unsigned)strtoul(arguments[1], nullptr, 10);
    seed = strtoull(arguments[2], nullptr, 10) | 1;
    host_reset(SIZE_MAX);
    struct cap_config config = { .slot_pages = 8, .space_count = 8, .object_count = 64, .pages_per_space = 2, .seed = seed };
    if (cap_init(&config) != STATUS_OK) return 2;
    cap_tables_get(&tables);
    for (unsigned i = 0; i < WORKERS; i++)
        if (cap_space_create(&spaces[i]) != STATUS_OK || cap_space_limit(spaces[i], QUOTA) != STATUS_OK) return 2;
    host_set_observer(ask);
    pthread_t workers[WORKERS], others[CHECKERS];
    for (unsigned i = 0; i < CHECKERS; i++) pthread_create(&others[i], nullptr, run_checker, &checkers[i]);
    for (unsigned i = 0; i < WORKERS; i++) pthread_create(&workers[i], nullptr, run_worker, (void *)(uintptr_t)i);
    for (unsigned i = 0; i < WORKERS; i++) pthread_join(workers[i], nullptr);
    __atomic_store_n(&done, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < CHECKERS; i++) {
        pthread_join(others[i], nullptr);
        checks += checkers[i].checks;
        hits += checkers[i].hits;
    }
    /* Everything is given back. */
    for (unsigned i = 0; i < WORKERS; i++) {
        uint32_t used, limit;
        cap_space_usage(spaces[i], &used, &limit);
        if (used != 0) fail("a space is empty at the end", used);
    }
    printf("%lu checks, %lu of them hits, %lu operations\n", (unsigned long)checks, (unsigned long)hits,
           (unsigned long)operations);
    return failures == 0 ? 0 : 1;
}
