/* start.c (aarch64): first C code at the linked address; learns the machine from the device tree. */
#include "boot/boot.h"
#include "boot/device_tree.h"
#include "internal.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "lib/print.h"

static struct boot_info boot;
static struct device_tree tree;
static paddr_t image_base;
static uint64_t *kernel_root;

paddr_t kernel_physical(void) { return image_base; }

/* What user mode may use of the CPU: the cycle counter. No floating point, no timers, no debugger. */
static void cpu_start(void)
{
    WRITE_REGISTER(cpacr_el1, 0);
    WRITE_REGISTER(cntkctl_el1, 0);
    WRITE_REGISTER(mdscr_el1, MDSCR_TRAP_USER_DCC);
    WRITE_REGISTER(tpidr_el0, 0);
    WRITE_REGISTER(tpidrro_el0, 0);
    WRITE_REGISTER(pmccfiltr_el0, 0);
    WRITE_REGISTER(pmcr_el0, PMCR_ENABLE | PMCR_CYCLE_RESET | PMCR_LONG_CYCLES);
    WRITE_REGISTER(pmcntenset_el0, PM_CYCLE_COUNTER);
    WRITE_REGISTER(pmuserenr_el0, PMUSERENR_CYCLES);
    if ((READ_REGISTER(sctlr_el1) & SCTLR_KEEP_PAN) == 0)
        asm volatile(".inst 0xd500419f" ::: "memory");      /* msr pan, #1: the compiler's target is ARMv8.0 */
}

static void map_direct(paddr_t from, paddr_t to, enum map_flags flags)
{
    if (from < to) boot_map(kernel_root, ARCH_DIRECT_MAP + from, from, to - from, flags | MAP_GLOBAL);
}

/* All memory, writable except the kernel's text and constants: no second way to write those. */
static void map_memory(struct memory_range const *range)
{
    constexpr paddr_t MASK = ~(paddr_t)(PAGE_BYTES - 1);
    constexpr paddr_t REACH = 1ull << 47;
    paddr_t from = (range->base + PAGE_BYTES - 1) & MASK, to = (range->base + range->size) & MASK;
    paddr_t sealed = image_base, open = image_base + (paddr_t)(rodata_end - kernel_start);
    if (range->base + range->size < range->base || to > REACH)
        panic("memory at %p reaches too far", (void *)range->base);
    if (open <= from || to <= sealed) {
        map_direct(from, to, MAP_READ | MAP_WRITE);
        return;
    }
    if (sealed < from || to < open) panic("the kernel image is not in one range of memory");
    map_direct(from, sealed, MAP_READ | MAP_WRITE);
    map_direct(sealed, open, MAP_READ);
    map_direct(open, to, MAP_READ | MAP_WRITE);
}

/* Maps the registers in entry `index` of the `reg` of the first device called `compatible`; 0 if there is none. */
static paddr_t map_device(char const *compatible, uint32_t index)
{
    struct device_tree_node node;
    struct memory_range range;
    if (!device_tree_find_compatible(&tree, compatible, &node) || !device_tree_reg(&tree, &node, index, &range))
        return 0;
    paddr_t from = range.base & ~(paddr_t)(PAGE_BYTES - 1);
    paddr_t to = (range.base + range.size + PAGE_BYTES - 1) & ~(paddr_t)(PAGE_BYTES - 1);
    map_direct(from, to, MAP_READ | MAP_WRITE | MAP_DEVICE);
    return range.base;
}

/* The interrupt of the first device called `compatible`: of the shared ones, which the tree counts from 0. 0: none. */
static unsigned shared_interrupt(char const *compatible)
{
    constexpr uint32_t SHARED = 0, FIRST_SHARED = 32;
    struct device_tree_node node;
    if (!device_tree_find_compatible(&tree, compatible, &node)
        || device_tree_cell(&tree, &node, "interrupts", 0, UINT32_MAX) != SHARED) return 0;
    return FIRST_SHARED + device_tree_cell(&tree, &node, "interrupts", 1, 0);
}

static enum psci_conduit find_psci(void)
{
    struct device_tree_node node;
    if (!device_tree_find_compatible(&tree, "arm,psci-0.2", &node)) return PSCI_NONE;
    char const *method = device_tree_text(&tree, &node, "method");
    if (method == nullptr) return PSCI_NONE;
    return string_equal(method, "hvc") ? PSCI_HVC : string_equal(method, "smc") ? PSCI_SMC : PSCI_NONE;
}

static void open_tree(uintptr_t at, paddr_t address)
{
    if (address == 0 || !device_tree_open(&tree, (void const *)at)) panic("no device tree at %p", (void *)address);
}

void aarch64_start(paddr_t base, paddr_t tree_address)
{
    image_base = base;
    kernel_root = (uint64_t *)(READ_REGISTER(ttbr1_el1) + KERNEL_BASE - base);
    boot_map_moved(KERNEL_BASE - base);
    cpu_start();
    translation_start();
    open_tree(TREE_BASE + tree_address % TREE_ALIGN, tree_address);
    if (tree_address % TREE_ALIGN + tree.total_size > TREE_WINDOW) panic("the device tree is too large");
    power_start(find_psci());
    paddr_t uart = map_device("arm,pl011", 0);
    if (uart != 0) console_start(uart, shared_interrupt("arm,pl011"));
    device_tree_boot_info(&tree, tree_address, &boot);
    boot_reserve(&boot, base, (uint64_t)(kernel_end - kernel_start));
    for (size_t i = 0; i < boot.memory_count; i++) map_memory(&boot.memory[i]);
    boot_unmap_gigabyte(kernel_root, TREE_BASE);
    open_tree(ARCH_DIRECT_MAP + tree_address, tree_address);
    kernel_main(&boot);
}

void arch_devices_init(struct boot_info const *info)
{
    (void)info;
    paddr_t distributor = map_device("arm,cortex-a15-gic", 0), cpu_interface = map_device("arm,cortex-a15-gic", 1);
    if (distributor == 0 || cpu_interface == 0) panic("no GICv2 in the device tree");
    gic_start(distributor, cpu_interface);
    print("device: gic-v2 at %lx\n", distributor);
    timer_start();
    gic_enable(TIMER_INTERRUPT);
    print("device: timer %lu Hz, virtual\n", READ_REGISTER(cntfrq_el0));
}

/* Only the SoC has one. */
bool arch_cap_unit_start(struct boot_info const *info, struct cap_tables const *tables)
{
    (void)info;
    (void)tables;
    return false;
}
