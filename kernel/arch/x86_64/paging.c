/*
 * paging.c: the kernel's half of every address space, address space switches, user copies.
 *
 * The kernel half consists of two entries of the root: the direct map (entry 256) and the image (entry 511). They are
 * complete before the first user space is made, and arch_root_init copies them.
 */
#include "lib/panic.h"
#include "x86.h"

constexpr unsigned ENTRIES = 512;
constexpr uint64_t PAGE_SIZE[3] = { 1ull << 12, 1ull << 21, 1ull << 30 };

/* From entry.S. */
extern uint64_t kernel_root[ENTRIES], kernel_tables[KERNEL_TABLES * ENTRIES];
extern char kernel_stack_guard[];

/* Tables of the direct map. Without 1 GiB pages each GiB of memory takes one; borders take up to two more. */
constexpr unsigned POOL_TABLES = 48;
alignas(4096) static uint64_t pool[POOL_TABLES][ENTRIES];
static unsigned pool_used;
static unsigned top_leaf_level = 1;

static uint64_t *table_take(void)
{
    if (pool_used == POOL_TABLES) panic("x86_64: no page table left for the direct map");
    return pool[pool_used++];
}

/* The entry for `address` at `level` of the direct map under `pointers` (level 2), tables made on the way. */
static uint64_t *entry_at(uint64_t *pointers, paddr_t address, unsigned level)
{
    uint64_t *table = pointers;
    for (unsigned at = 2;; at--) {
        uint64_t *entry = &table[address / PAGE_SIZE[at] % ENTRIES];
        if (at == level) return entry;
        if (!arch_pte_present(*entry)) *entry = arch_pte_table(image_physical(table_take())) & ~PTE_USER;
        if (arch_pte_is_leaf(*entry, at)) panic("x86_64: overlapping memory at %p", (void *)address);
        table = (uint64_t *)(arch_pte_address(*entry) + KERNEL_OFFSET);
    }
}

/* Maps [start, end) with the largest pages that fit. */
static void map_range(uint64_t *pointers, paddr_t start, paddr_t end, enum map_flags flags)
{
    while (start < end) {
        unsigned level = top_leaf_level;
        while (start % PAGE_SIZE[level] != 0 || end - start < PAGE_SIZE[level]) level--;
        *entry_at(pointers, start, level) = arch_pte_leaf(start, flags, level);
        start += PAGE_SIZE[level];
    }
}

static uint64_t *direct_pointers;

static void root_load(paddr_t root) { asm volatile("movq %0, %%cr3" :: "r"(root) : "memory"); }

/* Forgets global translations too: toggling CR4.PGE does that (Intel volume 3, 4.10.4.1). */
static void forget_everything(void)
{
    constexpr uint64_t CR4_PGE = 1u << 7;
    uint64_t cr4;
    asm volatile("movq %%cr4, %0" : "=r"(cr4));
    asm volatile("movq %0, %%cr4" :: "r"(cr4 & ~CR4_PGE) : "memory");
    asm volatile("movq %0, %%cr4" :: "r"(cr4) : "memory");
}

void paging_init(struct boot_info const *info)
{
    constexpr uint32_t CPUID_1GIB_PAGES = 1u << 26;
    if (cpuid_read(0x8000'0001).edx & CPUID_1GIB_PAGES) top_leaf_level = 2;

    /* The kernel's text and constants are read-only in the direct map too. */
    constexpr enum map_flags CONSTANT = MAP_READ | MAP_GLOBAL, DATA = MAP_READ | MAP_WRITE | MAP_GLOBAL;
    paddr_t constant_start = image_physical(kernel_start), constant_end = image_physical(rodata_end);
    direct_pointers = table_take();
    for (size_t i = 0; i < info->memory_count; i++) {
        paddr_t start = info->memory[i].base, end = start + info->memory[i].size;
        if (constant_start >= start && constant_end <= end) {
            map_range(direct_pointers, start, constant_start, DATA);
            map_range(direct_pointers, constant_start, constant_end, CONSTANT);
            start = constant_end;
        }
        map_range(direct_pointers, start, end, DATA);
    }
    kernel_root[DIRECT_MAP_INDEX] = arch_pte_table(image_physical(direct_pointers)) & ~PTE_USER;
    kernel_root[0] = 0;
    kernel_tables[image_physical(kernel_stack_guard) / PAGE_BYTES] = 0;
    forget_everything();
}

void *paging_map_device(paddr_t page)
{
    uint64_t *entry = entry_at(direct_pointers, page, 0);
    if (arch_pte_present(*entry)) panic("x86_64: device at %p lies in memory", (void *)page);
    *entry = arch_pte_leaf(page, MAP_READ | MAP_WRITE | MAP_DEVICE | MAP_GLOBAL, 0);
    return direct(page);
}

void arch_root_init(uint64_t *root)
{
    for (unsigned i = ENTRIES / 2; i < ENTRIES; i++) root[i] = kernel_root[i];
}

/* Always written, even with the same value: the root may be a new one in a frame that was freed. Loading CR3 forgets
   all translations but the kernel's global ones. */
void arch_space_activate(paddr_t root, [[maybe_unused]] uint16_t asid) { root_load(root); }

void arch_tlb_flush_page([[maybe_unused]] uint16_t asid, uintptr_t address)
{
    asm volatile("invlpg (%0)" :: "r"(address) : "memory");
}

void arch_tlb_flush_space([[maybe_unused]] uint16_t asid)
{
    paddr_t root;
    asm volatile("movq %%cr3, %0" : "=r"(root));
    root_load(root);
}

/* Instruction fetch sees every store of the same processor after the jump that enters user mode (volume 3, 11.6). */
void arch_instruction_sync(void) { asm volatile("" ::: "memory"); }

bool arch_copy_from_user(void *to, uintptr_t from, size_t bytes) { return user_copy(to, (void const *)from, bytes); }
bool arch_copy_to_user(uintptr_t to, void const *from, size_t bytes) { return user_copy((void *)to, from, bytes); }

bool arch_cap_unit_start(struct boot_info const *, struct cap_tables const *) { return false; }
