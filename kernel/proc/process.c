/* process.c: see process.h. */
#include "cap/cap.h"
#include "ipc/ipc.h"
#include "ipc/registry.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "lib/print.h"
#include "mm/pool.h"
#include "proc/elf.h"
#include "proc/process.h"
#include "proc/user_thread.h"
#include "sched/sched.h"

static struct pool records = { .bytes = (sizeof(struct process) + 15) & ~15ull };
static struct process *processes;
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

/* Everything of a process that needs an address space. */
static enum status load(struct process *process, struct initrd_file const *file)
{
    enum status status = space_create(&process->space, PROCESS_FRAMES);
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
    arch_context_init(&process->thread.context, entry, PROCESS_STACK_END);
    return STATUS_OK;
}

enum status process_create(char const *name, struct process *payer, struct process **process)
{
    struct initrd_file file;
    struct account account = {};
    if (!initrd_find(name, &file)) return STATUS_NOT_FOUND;
    if (payer != nullptr && !account_charge(payer, 1, &account)) return STATUS_NO_OBJECTS;
    struct process *created = pool_alloc(&records);
    enum status status = created == nullptr ? STATUS_NO_MEMORY : load(created, &file);
    if (status != STATUS_OK) {
        if (created != nullptr) pool_free(&records, created);
        account_credit(&account, 1);
        return status;
    }
    created->payer = account;
    created->thread.process = created;
    created->thread.deadline = UINT64_MAX;
    created->objects_limit = PROCESS_OBJECTS;
    created->frames_limit = PROCESS_FRAMES;
    created->threads_limit = PROCESS_THREADS;
    created->number = ++last_number;
    string_copy(created->name, name, sizeof created->name);
    created->next = processes;
    processes = created;
    *process = created;
    return STATUS_OK;
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
    cap_space_destroy(process->thread.cap_space);
    space_destroy(&process->space);
    process->ended = true;      /* only now: the space may have held the last capability to the process itself */
    for (struct process **at = &processes; *at != nullptr; at = &(*at)->next) {
        if (*at != process) continue;
        *at = process->next;
        break;
    }
}

void process_discard(struct process *process)
{
    give_back(process);
    pool_free(&records, process);
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
    if (process->object_id == 0) pool_free(&records, process);
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
    account_credit(&process->payer, 1);
    process->object_id = 0;
    /* Whoever waits has no capability any more. */
    while (process->waiters.first != nullptr) ipc_cancel(process->waiters.first, STATUS_DEAD);
    if (process->ended) pool_free(&records, process);
}

uint32_t process_count(void)
{
    uint32_t count = 0;
    for (struct process const *process = processes; process != nullptr; process = process->next) count++;
    return count;
}

struct quota process_quota(struct process const *process, enum resource resource)
{
    struct quota quota = {};
    if (process->ended) return quota;
    switch (resource) {
    case RESOURCE_FRAMES:
        quota = (struct quota){ process->frames_limit - process->space.frames_left, process->frames_limit };
        break;
    case RESOURCE_SLOTS: cap_space_usage(process->thread.cap_space, &quota.used, &quota.limit); break;
    case RESOURCE_THREADS: quota = (struct quota){ process->threads_used, process->threads_limit }; break;
    case RESOURCE_OBJECTS: quota = (struct quota){ process->objects_used, process->objects_limit }; break;
    }
    return quota;
}

enum status process_limit(struct process *process, uint64_t resource, uint32_t limit)
{
    if (resource > RESOURCE_THREADS) return STATUS_BAD_ARGUMENT;
    if (resource == RESOURCE_SLOTS) return cap_space_seal(process->thread.cap_space, limit);
    struct quota quota = process_quota(process, (enum resource)resource);
    if (limit > quota.limit || limit < quota.used) return STATUS_BAD_ARGUMENT;
    if (resource == RESOURCE_FRAMES) {
        process->space.frames_left = limit - quota.used;
        process->frames_limit = limit;
    } else if (resource == RESOURCE_THREADS) {
        process->threads_limit = limit;
    } else {
        process->objects_limit = limit;
    }
    return STATUS_OK;
}
