/* memory_object.c: see memory_object.h. */
#include "cap/cap.h"
#include "lib/panic.h"
#include "mm/direct.h"
#include "mm/frame.h"
#include "mm/memory_object.h"
#include "mm/pool.h"
#include "proc/process.h"

static struct pool objects = { .bytes = sizeof(struct memory_object) };
static struct pool mappings = { .bytes = sizeof(struct memory_mapping) };

static paddr_t *frames_of(struct memory_object *object) { return direct_map(object->list); }

static void free_frames(struct memory_object *object, size_t count)
{
    for (size_t i = 0; i < count; i++) frame_free(frames_of(object)[i]);
    frame_free(object->list);
}

enum status memory_object_create(enum cap_type cap_type, struct process *payer, uint64_t bytes, uint32_t *object_id)
{
    if (bytes == 0 || bytes > MEMORY_OBJECT_PAGES * PAGE_BYTES) return STATUS_BAD_ARGUMENT;
    uint32_t pages = (uint32_t)((bytes + PAGE_BYTES - 1) / PAGE_BYTES);
    struct account account;
    if (!account_charge(payer, 1, &account)) return STATUS_NO_OBJECTS;
    enum status status = STATUS_NO_MEMORY;
    struct memory_object *object = nullptr;
    if (!quota_take(&payer->quotas.of[RESOURCE_FRAMES], pages + 1)) goto uncharge_object;
    object = pool_alloc(&objects);
    if (object == nullptr) goto uncharge;
    object->pages = pages;
    object->payer = account;
    object->list = frame_alloc();
    if (object->list == 0) goto free_record;
    for (uint32_t i = 0; i < pages; i++) {
        frames_of(object)[i] = frame_alloc_cleared();
        if (frames_of(object)[i] != 0) continue;
        free_frames(object, i);
        goto free_record;
    }
    status = object_create(cap_type, (uintptr_t)object, &object->object_id);
    if (status == STATUS_OK) {
        *object_id = object->object_id;
        return STATUS_OK;
    }
    free_frames(object, pages);
free_record:
    pool_free(&objects, object);
uncharge:
    payer->quotas.of[RESOURCE_FRAMES].used -= pages + 1;
uncharge_object:
    account_credit(&account, 1);
    return status;
}

static void unmap_pages(struct address_space *there, uintptr_t address, uint32_t pages)
{
    for (uint32_t i = 0; i < pages; i++) space_unmap(there, address + i * PAGE_BYTES);
}

static void link(struct memory_mapping *mapping)
{
    struct memory_mapping **first = &mapping->object->mappings, **first_there = &mapping->there->mappings;
    mapping->next = *first;
    mapping->back = first;
    if (mapping->next != nullptr) mapping->next->back = &mapping->next;
    *first = mapping;
    mapping->next_there = *first_there;
    mapping->back_there = first_there;
    if (mapping->next_there != nullptr) mapping->next_there->back_there = &mapping->next_there;
    *first_there = mapping;
}

static void undo(struct memory_mapping *mapping)
{
    *mapping->back = mapping->next;
    if (mapping->next != nullptr) mapping->next->back = mapping->back;
    *mapping->back_there = mapping->next_there;
    if (mapping->next_there != nullptr) mapping->next_there->back_there = mapping->back_there;
    unmap_pages(mapping->there, mapping->address, mapping->object->pages);
    pool_free(&mappings, mapping);
}

static struct memory_mapping *find(struct memory_object const *object, uint32_t space, uint32_t handle)
{
    struct memory_mapping *mapping = object->mappings;
    while (mapping != nullptr && (mapping->space != space || mapping->handle != handle)) mapping = mapping->next;
    return mapping;
}

enum status memory_object_map(struct memory_object *object, uint32_t space, uint32_t handle, struct address_space *there,
                              uintptr_t address, enum map_flags flags)
{
    if (address % PAGE_BYTES != 0 || address >= ARCH_USER_TOP
        || object->pages * PAGE_BYTES > ARCH_USER_TOP - address) return STATUS_BAD_ARGUMENT;
    if (find(object, space, handle) != nullptr) return STATUS_BAD_ARGUMENT;
    struct memory_mapping *mapping = pool_take(&mappings);
    if (mapping == nullptr) return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < object->pages; i++) {
        enum status status = space_map(there, address + i * PAGE_BYTES, frames_of(object)[i], flags);
        if (status == STATUS_OK) continue;
        unmap_pages(there, address, i);
        pool_free(&mappings, mapping);
        return status;
    }
    *mapping = (struct memory_mapping){
        .object = object, .there = there, .address = address, .space = space, .handle = handle,
    };
    link(mapping);
    return STATUS_OK;
}

enum status memory_object_protect(struct memory_object *object, uint32_t space, uint32_t handle, struct address_space *there,
                                  uintptr_t address, enum map_flags flags)
{
    struct memory_mapping const *mapping = find(object, space, handle);
    if (mapping == nullptr || mapping->there != there || mapping->address != address) return STATUS_NOT_FOUND;
    if ((flags & MAP_WRITE) != 0 && (flags & MAP_EXECUTE) != 0) return STATUS_BAD_ARGUMENT;
    for (uint32_t i = 0; i < object->pages; i++)
        space_protect(there, address + i * PAGE_BYTES, flags);
    return STATUS_OK;
}

uintptr_t memory_object_address(struct memory_object const *object, uint32_t space, uint32_t handle)
{
    struct memory_mapping const *mapping = find(object, space, handle);
    return mapping != nullptr ? mapping->address : 0;
}

void memory_object_unmap_all(struct memory_object *object)
{
    while (object->mappings != nullptr) undo(object->mappings);
}

void memory_mapping_end_all(struct address_space *there)
{
    while (there->mappings != nullptr) undo(there->mappings);
}

enum status memory_mapping_end(struct address_space *there, uintptr_t address)
{
    for (struct memory_mapping *mapping = there->mappings; mapping != nullptr; mapping = mapping->next_there) {
        if (mapping->address != address) continue;
        undo(mapping);
        return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
}

enum status memory_object_unmap(struct memory_object *object, uint32_t space, uint32_t handle, uintptr_t address)
{
    struct memory_mapping *mapping = find(object, space, handle);
    if (mapping == nullptr || (address != UINTPTR_MAX && address != mapping->address)) return STATUS_NOT_FOUND;
    undo(mapping);
    return STATUS_OK;
}

void memory_object_released(struct memory_object *object, uint32_t space, uint32_t handle, uint32_t left)
{
    (void)memory_object_unmap(object, space, handle, UINTPTR_MAX);
    if (left == 1 && object->watch.bits != 0) signal_target_fire(&object->watch);
}

void memory_object_destroy(struct memory_object *object)
{
    KERNEL_ASSERT(object->mappings == nullptr);
    quotas_return(&object->payer.process->quotas, RESOURCE_FRAMES, object->pages + 1);
    account_credit(&object->payer, 1);
    free_frames(object, object->pages);
    object_destroy(object->object_id);
    pool_free(&objects, object);
}
