/* process.c: see process.h. */
#include "cap/cap.h"
#include "ipc/ipc.h"
#include "ipc/registry.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "lib/print.h"
#include "mm/memory_object.h"
#include "mm/pool.h"
#include "proc/address_space_object.h"
#include "proc/elf.h"
#include "proc/process.h"
#include "proc/user_thread.h"
#include "sched/sched.h"

static struct pool records = { .bytes = (sizeof(struct process) + 15) & ~15ull };
static uint32_t living;
static uint64_t last_number;

static enum status map_stack(struct address_space *space)
{
    /* The page below stays unmapped: the guard. */
    for (size_t i = 1; i <= PROCESS_STACK_PAGES; i++) {
        paddr_t frame;
        enum status status = space_map_new(space, PROCESS_STACK_END - i * PAGE_BYTES, MAP_READ | MAP_WRITE, &frame);
        if (status != STATUS_OK) return status == STATUS_NO_MEMORY ? status : STATUS_BAD_IMAGE;
    }
    return STATUS_OK;
}

/* Brings the count of slots up to date, also of what the revocation engine has emptied if `needed` of them are not left
   otherwise. */
static void count_slots(struct process *process, uint32_t needed)
{
    struct quota *slots = &process->quotas.of[RESOURCE_SLOTS];
    uint32_t limit;
    cap_space_usage(process->thread.cap_space, &slots->used, &limit);
    if (slots->limit >= slots->used + needed) return;
    cap_reclaim(UINT32_MAX);
    cap_space_usage(process->thread.cap_space, &slots->used, &limit);
}

/* The quota may be more than a space holds: for children. */
static void limit_space(struct process *process)
{
    uint32_t limit = process->quotas.of[RESOURCE_SLOTS].limit, most = cap_space_most();
    if (most > process->quotas.sealed) most = process->quotas.sealed;
    if (cap_space_limit(process->thread.cap_space, limit < most ? limit : most) != STATUS_OK)
        panic("more slots in use than process %lu has", process->number);
}

static struct process *owner_of(struct quotas *quotas)
{
    return (struct process *)((char *)quotas - offsetof(struct process, quotas));
}

/* The process has ended, and has neither threads nor spaces any more. */
static void give_quotas_back(struct process *process)
{
    struct quotas *maker = process->quotas.maker;
    process->ended = true;
    process->quotas.of[RESOURCE_SLOTS].used = 0;
    quotas_end(&process->quotas);
    if (maker != nullptr) limit_space(owner_of(maker));
}

/* Everything of a process that needs an address space. */
static enum status load(struct process *process, struct initrd_file const *file)
{
    enum status status = space_create(&process->space, &process->quotas.of[RESOURCE_FRAMES]);
    if (status != STATUS_OK) return status;
    uintptr_t entry;
    status = elf_load(file, &process->space, &entry);
    if (status == STATUS_OK) status = map_stack(&process->space);
    if (status == STATUS_OK) status = cap_space_create(&process->thread.cap_space);
    if (status == STATUS_OK) {
        status = object_create(CAP_TYPE_PROCESS, (uintptr_t)process, &process->object_id);
        if (status != STATUS_OK) cap_space_destroy(process->thread.cap_space);
    }
    if (status != STATUS_OK) {
        space_destroy(&process->space);
        return status;
    }
    process->thread.cap_record = cap_space_record(process->thread.cap_space);
    arch_context_init(&process->thread.context, entry, PROCESS_STACK_END);
    return STATUS_OK;
}

/* All of a process that has its quotas. */
static enum status begin(struct process *process, char const *name, struct initrd_file const *file)
{
    enum status status = load(process, file);
    if (status != STATUS_OK) return status;
    process->thread.process = process;
    process->thread.deadline = UINT64_MAX;
    process->number = ++last_number;
    string_copy(process->name, name, sizeof process->name);
    limit_space(process);
    living++;
    return STATUS_OK;
}

enum status process_create(char const *name, struct process *maker, uint64_t wanted, struct process **process)
{
    struct initrd_file file;
    if (!initrd_find(name, &file)) return STATUS_NOT_FOUND;
    struct process *created = pool_alloc(&records);
    if (created == nullptr) return STATUS_NO_MEMORY;
    count_slots(maker, (uint16_t)(wanted >> 16 * RESOURCE_SLOTS));
    enum status status = quotas_open(&created->quotas, &maker->quotas, wanted);
    if (status == STATUS_OK) {
        limit_space(maker);
        status = begin(created, name, &file);
        if (status != STATUS_OK) {
            give_quotas_back(created);
            process_release(created);
        }
    } else {
        pool_free(&records, created);
    }
    if (status == STATUS_OK) *process = created;
    return status;
}

enum status process_create_first(char const *name, uint32_t const limits[QUOTA_RESOURCES], struct process **process)
{
    struct initrd_file file;
    if (!initrd_find(name, &file)) return STATUS_NOT_FOUND;
    *process = pool_alloc(&records);
    if (*process == nullptr) return STATUS_NO_MEMORY;
    quotas_first(&(*process)->quotas, limits);
    return begin(*process, name, &file);
}

void process_start(struct process *process)
{
    print("process %lu: %s started, address space at 0x%lx, capability space %u\n", process->number, process->name,
          process->space.root, process->thread.cap_space);
    sched_ready(&process->thread);
}

static char const *reason_name(enum exit_reason reason)
{
    switch (reason) {
    case EXIT_REASON_EXITED: return "exited";
    case EXIT_REASON_MEMORY_FAULT: return "ended: memory fault";
    case EXIT_REASON_ILLEGAL_INSTRUCTION: return "ended: illegal instruction";
    case EXIT_REASON_MISALIGNED: return "ended: misaligned access";
    case EXIT_REASON_EXCEPTION: return "ended: exception";
    case EXIT_REASON_KILLED: return "killed";
    }
    return "ended";
}

static void tell(struct thread *waiter, struct process const *process)
{
    waiter->context.call[0] = process->reason;
    waiter->context.call[1] = process->exit_value;
    thread_result(waiter, STATUS_OK);
}

/* Capabilities, memory, and the place among the living. */
static void give_back(struct process *process)
{
    process->thread.state = THREAD_ENDED;
    registry_forget(process);
    address_space_object_destroy(process);
    cap_space_destroy(process->thread.cap_space);
    memory_mapping_end_all(&process->space);     /* of others' memory */
    space_destroy(&process->space);
    living--;
    give_quotas_back(process);  /* only now: the space may have held the last capability to the process itself */
}

void process_discard(struct process *process)
{
    give_back(process);
    process_release(process);
}

void process_end(struct process *process, enum exit_reason reason, uint64_t value)
{
    struct thread *thread = &process->thread;
    if (reason == EXIT_REASON_EXITED)
        print("process %lu: %s exited with %lu\n", process->number, process->name, value);
    else
        print("process %lu: %s %s at 0x%lx\n", process->number, process->name, reason_name(reason), value);
    if (process->number == 1) arch_shutdown(reason == EXIT_REASON_EXITED ? (uint8_t)value : 1);
    process->reason = reason;
    process->exit_value = value;
    while (process->threads != nullptr) user_thread_end(process->threads, EXIT_REASON_KILLED, 0);
    ipc_forget(thread);
    sched_forget(thread);
    give_back(process);
    while (process->waiters.first != nullptr) {
        struct thread *waiter = process->waiters.first;
        tell(waiter, process);
        thread_queue_remove(waiter);
        sched_deadline_cancel(waiter);
        sched_ready(waiter);
    }
    process_release(process);
}

void process_release(struct process *process)
{
    if (process->ended && process->object_id == 0 && quotas_close(&process->quotas)) pool_free(&records, process);
}

void process_suspend(struct process *process)
{
    sched_suspend(&process->thread);
    for (struct thread *thread = process->threads; thread != nullptr; thread = thread->sibling) sched_suspend(thread);
}

void process_resume(struct process *process)
{
    sched_resume(&process->thread);
    for (struct thread *thread = process->threads; thread != nullptr; thread = thread->sibling) sched_resume(thread);
}

void process_wait(struct thread *thread, struct process *process)
{
    if (process->ended) {
        tell(thread, process);
        return;
    }
    uint64_t timeout = thread->context.call[CALL_WORDS - 1];
    if (timeout == 0) {
        thread_result(thread, STATUS_WOULD_BLOCK);
        return;
    }
    sched_wait(THREAD_WAITING, timeout);
    thread_queue_append(&process->waiters, thread);
}

void process_unreferenced(struct process *process)
{
    object_destroy(process->object_id);
    process->object_id = 0;
    /* Whoever waits has no capability any more. */
    while (process->waiters.first != nullptr) ipc_cancel(process->waiters.first, STATUS_DEAD);
    process_release(process);
}

uint32_t process_count(void) { return living; }


struct quota process_quota(struct process *process, enum resource resource)
{
    if (process->ended) return (struct quota){};
    if (resource == RESOURCE_SLOTS) count_slots(process, 0);
    return process->quotas.of[resource];
}

enum status process_limit(struct process *process, struct process const *by, uint64_t resource, uint32_t limit)
{
    struct process *maker = process->quotas.maker != nullptr ? owner_of(process->quotas.maker) : nullptr;
    uint32_t had = process->quotas.of[RESOURCE_SLOTS].limit;
    if (resource == RESOURCE_SLOTS) {
        count_slots(process, limit < had ? had - limit : 0);
        if (maker != nullptr) count_slots(maker, limit > had ? limit - had : 0);
    }
    enum status status = quotas_limit(&process->quotas, &by->quotas, resource, limit);
    if (status == STATUS_OK && resource == RESOURCE_SLOTS) {
        limit_space(process);
        if (maker != nullptr) limit_space(maker);
    }
    return status;
}

enum status process_seal(struct process *process, uint32_t limit)
{
    uint32_t used, most;
    cap_space_usage(process->thread.cap_space, &used, &most);
    if (limit > most) return STATUS_BAD_ARGUMENT;
    /* The first process has nobody to give to: it keeps the rest for its children. */
    enum status status = process->quotas.maker == nullptr ? cap_space_limit(process->thread.cap_space, limit)
        : process_limit(process, process, RESOURCE_SLOTS, limit);
    if (status == STATUS_OK) process->quotas.sealed = limit;
    return status;
}
