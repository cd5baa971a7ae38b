/* space.c: see space.h. */
#include "lib/memory.h"
#include "lib/panic.h"
#include "mm/direct.h"
#include "mm/frame.h"
#include "mm/space.h"

constexpr size_t ENTRIES = PAGE_BYTES / sizeof(uint64_t);

/* The lowest user address that can be mapped: a null pointer with an offset must fault. */
constexpr uintptr_t LOWEST = 64 << 10;

static paddr_t kernel_root;
static uint64_t asid_used[(ARCH_ASIDS + 63) / 64];

static size_t index_at(uintptr_t address, unsigned level) { return address >> (12 + 9 * level) & (ENTRIES - 1); }

void space_init(void)
{
    kernel_root = frame_alloc_cleared();
    if (kernel_root == 0) panic("no memory for the first page table");
    arch_root_init(direct_map(kernel_root));
    space_activate_kernel();
}

void space_activate_kernel(void) { arch_space_activate(kernel_root, 0); }

/* ASID 0 is the kernel's own; with only one there is nothing to give out. */
static bool asid_take(uint16_t *asid)
{
    *asid = 0;
    if (ARCH_ASIDS == 1) return true;
    for (uint16_t i = 1; i < ARCH_ASIDS; i++) {
        if ((asid_used[i / 64] >> (i % 64) & 1) != 0) continue;
        asid_used[i / 64] |= 1ull << (i % 64);
        *asid = i;
        return true;
    }
    return false;
}

/* A frame of zeros on the space's account; 0 if there is none. */
static paddr_t take_frame(struct address_space *space)
{
    if (!quota_take(space->frames, 1)) return 0;
    paddr_t frame = frame_alloc_cleared();
    if (frame == 0) space->frames->used--;
    return frame;
}

enum status space_create(struct address_space *space, struct quota *quota)
{
    *space = (struct address_space){ .frames = quota };
    if (!asid_take(&space->asid)) return STATUS_NO_SLOTS;
    space->root = take_frame(space);
    if (space->root == 0) {
        asid_used[space->asid / 64] &= ~(1ull << (space->asid % 64));
        return STATUS_NO_MEMORY;
    }
    arch_root_init(direct_map(space->root));
    return STATUS_OK;
}

/* Frees a user page table of `level` and all below it; returns how many frames these were. The depth is ARCH_PAGE_LEVELS, so
   recursion is bounded. */
static uint32_t free_table(paddr_t table, unsigned level, size_t entries)
{
    uint64_t *words = direct_map(table);
    uint32_t count = 1;
    for (size_t i = 0; i < entries; i++) {
        if (!arch_pte_present(words[i])) continue;
        if (level > 0) {
            count += free_table(arch_pte_address(words[i]), level - 1, ENTRIES);
            continue;
        }
        frame_free(arch_pte_address(words[i]));
        count++;
    }
    frame_free(table);
    return count;
}

void space_destroy(struct address_space *space)
{
    KERNEL_ASSERT(space->mappings == nullptr);
    space->frames->used -= free_table(space->root, ARCH_PAGE_LEVELS - 1,
                                      index_at(ARCH_USER_TOP - 1, ARCH_PAGE_LEVELS - 1) + 1);
    arch_tlb_flush_space(space->asid);
    if (space->asid != 0) asid_used[space->asid / 64] &= ~(1ull << (space->asid % 64));
    space->root = 0;
}

/* The last-level entry of `address`, making tables on the way if asked to. */
static uint64_t *entry_of(struct address_space *space, uintptr_t address, bool make)
{
    paddr_t table = space->root;
    for (unsigned level = ARCH_PAGE_LEVELS - 1; level > 0; level--) {
        uint64_t *entry = (uint64_t *)direct_map(table) + index_at(address, level);
        if (!arch_pte_present(*entry)) {
            paddr_t next = make ? take_frame(space) : 0;
            if (next == 0) return nullptr;
            *entry = arch_pte_table(next);
        }
        table = arch_pte_address(*entry);
    }
    return (uint64_t *)direct_map(table) + index_at(address, 0);
}

enum status space_map(struct address_space *space, uintptr_t address, paddr_t frame, enum map_flags flags)
{
    if (address % PAGE_BYTES != 0 || address < LOWEST || address >= ARCH_USER_TOP) return STATUS_BAD_ARGUMENT;
    if ((flags & MAP_WRITE) != 0 && (flags & MAP_EXECUTE) != 0) return STATUS_BAD_ARGUMENT;
    uint64_t *entry = entry_of(space, address, true);
    if (entry == nullptr) return STATUS_NO_MEMORY;
    if (arch_pte_present(*entry)) return STATUS_OVERLAP;
    *entry = arch_pte_leaf(frame, flags | MAP_USER, 0);
    /* An implementation may remember that there was nothing. */
    arch_tlb_flush_page(space->asid, address);
    return STATUS_OK;
}

enum status space_map_new(struct address_space *space, uintptr_t address, enum map_flags flags, paddr_t *frame)
{
    paddr_t taken = take_frame(space);
    if (taken == 0) return STATUS_NO_MEMORY;
    enum status status = space_map(space, address, taken, flags);
    if (status != STATUS_OK) {
        frame_free(taken);
        space->frames->used--;
        return status;
    }
    *frame = taken;
    return STATUS_OK;
}

void space_unmap(struct address_space *space, uintptr_t address)
{
    uint64_t *entry = entry_of(space, address, false);
    if (entry == nullptr || !arch_pte_present(*entry)) return;
    *entry = 0;
    arch_tlb_flush_page(space->asid, address);
}

void space_protect(struct address_space *space, uintptr_t address, enum map_flags flags)
{
    uint64_t *entry = entry_of(space, address, false);
    KERNEL_ASSERT(entry != nullptr && arch_pte_present(*entry));
    *entry = arch_pte_leaf(arch_pte_address(*entry), flags | MAP_USER, 0);
    arch_tlb_flush_page(space->asid, address);
}

enum map_flags space_flags(struct address_space *space, uintptr_t address)
{
    enum map_flags flags = 0;
    uint64_t const *entry = address < ARCH_USER_TOP ? entry_of(space, address, false) : nullptr;
    if (entry == nullptr) return 0;
    for (enum map_flags flag = MAP_READ; flag <= MAP_EXECUTE; flag <<= 1)
        if (arch_pte_present(*entry) && arch_pte_allows(*entry, flag | MAP_USER)) flags |= flag;
    return flags;
}
