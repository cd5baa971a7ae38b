/* registry.c: see registry.h. A hash table for each registry, and a list of the names of each process. */
#include "cap/cap.h"
#include "ipc/registry.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "mm/pool.h"
#include "proc/process.h"

struct registry_name {
    struct registry_name *next;                  /* in its bucket */
    struct registry_name *process_next, **process_link;
    struct account owner;
    struct registry *registry;
    uint32_t handle;                             /* in the kernel's space */
    char text[REGISTRY_NAME_BYTES];
};

static struct pool registries = { .bytes = sizeof(struct registry) };
static struct pool names = { .bytes = (sizeof(struct registry_name) + 7) & ~7ull };
static uint32_t kernel_space;

void registry_init(void)
{
    if (cap_space_create(&kernel_space) != STATUS_OK) panic("no capability space for registries");
}

enum status registry_create(struct process *payer, uint32_t *object_id)
{
    struct account account;
    if (!account_charge(payer, 1, &account)) return STATUS_NO_OBJECTS;
    struct registry *registry = pool_alloc(&registries);
    enum status status = STATUS_NO_MEMORY;
    if (registry != nullptr) {
        registry->payer = account;
        status = object_create(CAP_TYPE_REGISTRY_NAME, (uintptr_t)registry, &registry->object_id);
        if (status == STATUS_OK) {
            *object_id = registry->object_id;
            return STATUS_OK;
        }
        pool_free(&registries, registry);
    }
    account_credit(&account, 1);
    return status;
}

/* FNV-1a. */
static struct registry_name **bucket_of(struct registry *registry, char const *name)
{
    uint32_t hash = 0x811c'9dc5;
    for (; *name != '\0'; name++) hash = (hash ^ (uint8_t)*name) * 0x0100'0193;
    return &registry->buckets[(hash ^ hash >> 16) % REGISTRY_BUCKETS];
}

static void remove(struct registry_name *name)
{
    struct registry_name **at = bucket_of(name->registry, name->text);
    while (*at != name) at = &(*at)->next;
    *at = name->next;
    if (name->process_next != nullptr) name->process_next->process_link = name->process_link;
    *name->process_link = name->process_next;
    account_credit(&name->owner, 1);
    /* It is gone already if it was revoked, and soon if that is under way: nobody waits for it here. */
    cap_discard(kernel_space, name->handle);
    pool_free(&names, name);
}

/* The entry, if its capability is still good: otherwise it goes. */
static struct registry_name *find(struct registry *registry, char const *text)
{
    for (struct registry_name *name = *bucket_of(registry, text); name != nullptr; name = name->next) {
        if (!string_equal(name->text, text)) continue;
        struct cap_view view;
        if (cap_find(kernel_space, name->handle, 0, &view) == STATUS_OK) return name;
        remove(name);
        return nullptr;
    }
    return nullptr;
}

void registry_destroy(struct registry *registry)
{
    for (size_t i = 0; i < REGISTRY_BUCKETS; i++)
        while (registry->buckets[i] != nullptr) remove(registry->buckets[i]);
    object_destroy(registry->object_id);
    account_credit(&registry->payer, 1);
    pool_free(&registries, registry);
}

enum status registry_register(struct registry *registry, struct process *process, char const *text, uint32_t endpoint)
{
    struct account account;
    if (find(registry, text) != nullptr) return STATUS_EXISTS;
    if (!account_charge(process, 1, &account)) return STATUS_NO_OBJECTS;
    struct registry_name *name = pool_alloc(&names);
    enum status status = STATUS_NO_MEMORY;
    if (name != nullptr) status = cap_copy(process->thread.cap_space, endpoint, kernel_space, &name->handle);
    if (status != STATUS_OK) {
        if (name != nullptr) pool_free(&names, name);
        account_credit(&account, 1);
        return status;
    }
    name->owner = account;
    name->registry = registry;
    string_copy(name->text, text, sizeof name->text);
    struct registry_name **bucket = bucket_of(registry, text);
    name->next = *bucket;
    *bucket = name;
    name->process_next = process->names;
    name->process_link = &process->names;
    if (process->names != nullptr) process->names->process_link = &name->process_next;
    process->names = name;
    return STATUS_OK;
}

enum status registry_lookup(struct registry *registry, char const *text, uint32_t space, uint32_t *handle)
{
    struct registry_name const *name = find(registry, text);
    return name == nullptr ? STATUS_NOT_FOUND : cap_copy(kernel_space, name->handle, space, handle);
}

enum status registry_unregister(struct registry *registry, char const *text)
{
    struct registry_name *name = find(registry, text);
    if (name == nullptr) return STATUS_NOT_FOUND;
    remove(name);
    return STATUS_OK;
}

void registry_forget(struct process *process)
{
    while (process->names != nullptr) remove(process->names);
}
