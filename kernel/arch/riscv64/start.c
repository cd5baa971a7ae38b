/* start.c (riscv64): first C code at the linked address; learns the machine from the device tree. */
#include "boot/boot.h"
#include "boot/device_tree.h"
#include "internal.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "lib/print.h"

static struct boot_info boot;
static struct device_tree tree;
static volatile uint32_t *finisher;
static uint64_t boot_hart;

constexpr uint32_t SUPERVISOR_EXTERNAL = 9;

extern char kernel_start[], kernel_end[], kernel_stack_guard[];

/* Where the image lies physically: satp's root table is part of it. */
static paddr_t image_base(void)
{
    return ((csr_read(satp) & 0xfff'ffff'ffff) << 12) - ((uintptr_t)early_root - (uintptr_t)kernel_start);
}

static void find_console(void)
{
    struct device_tree_node node;
    struct memory_range range;
    if (!device_tree_find_compatible(&tree, "ns16550a", &node) || !device_tree_reg(&tree, &node, 0, &range)) return;
    uart_init(range.base, device_tree_cell(&tree, &node, "reg-shift", 0, 0),
              device_tree_cell(&tree, &node, "interrupts", 0, 0));
}

static void find_finisher(void)
{
    struct device_tree_node node;
    struct memory_range range;
    if (device_tree_find_compatible(&tree, "sifive,test0", &node) && device_tree_reg(&tree, &node, 0, &range))
        finisher = (volatile uint32_t *)(ARCH_DIRECT_MAP + range.base);
}

void riscv_start(uint64_t hart, paddr_t tree_address)
{
    boot_hart = hart;
    if (device_tree_open(&tree, (void const *)(ARCH_DIRECT_MAP + tree_address))) {
        find_console();
        find_finisher();
        device_tree_boot_info(&tree, tree_address, &boot);
    } else {
        panic("no device tree at %p", (void *)tree_address);
    }
    /* The guard is an address that is not mapped; the memory behind it is like any other. */
    uint64_t before = (uint64_t)(kernel_stack_guard - kernel_start), behind = before + PAGE_BYTES;
    boot_reserve(&boot, image_base(), before);
    boot_reserve(&boot, image_base() + behind, (uint64_t)(kernel_end - kernel_start) - behind);
    kernel_main(&boot);
}

/* SiFive test finisher: 0x5555 ends well, 0x3333 with an exit code in the upper half. */
void arch_shutdown(uint8_t code)
{
    if (finisher != nullptr) *finisher = code == 0 ? 0x5555 : (uint32_t)code << 16 | 0x3333;
    sbi_shutdown(code != 0);
    for (;;) asm volatile("wfi");
}

/* Is `extension` among the multi-letter extensions of an ISA string such as rv64imac_zicsr_sstc? */
static bool isa_has(char const *isa, char const *extension)
{
    while (isa != nullptr && *isa != '\0') {
        while (*isa != '\0' && *isa != '_') isa++;
        if (*isa == '_') isa++;
        size_t length = 0;
        while (isa[length] != '\0' && isa[length] != '_') length++;
        if (length == string_length(extension, length + 1) && memcmp(isa, extension, length) == 0) return true;
    }
    return false;
}

/* The context of `hart` in S-mode: the place in `interrupts-extended` that names its controller and interrupt 9. */
static bool plic_context(struct device_tree_node const *plic, uint32_t *context)
{
    struct device_tree_walk walk;
    struct device_tree_node node;
    uint32_t phandle = 0;
    bool in_hart = false;
    device_tree_walk_start(&walk, &tree);
    while (device_tree_walk_next(&walk, &node)) {
        char const *type = device_tree_text(&tree, &node, "device_type");
        struct memory_range reg;
        if (type != nullptr && string_equal(type, "cpu"))
            in_hart = device_tree_reg(&tree, &node, 0, &reg) && reg.base == boot_hart;
        else if (in_hart && device_tree_compatible(&tree, &node, "riscv,cpu-intc"))
            phandle = device_tree_cell(&tree, &node, "phandle", 0, 0);
    }
    for (uint32_t i = 0; phandle != 0; i++) {
        uint32_t owner = device_tree_cell(&tree, plic, "interrupts-extended", 2 * i, 0);
        if (owner == 0) return false;
        if (owner != phandle
            || device_tree_cell(&tree, plic, "interrupts-extended", 2 * i + 1, 0) != SUPERVISOR_EXTERNAL) continue;
        *context = i;
        return true;
    }
    return false;
}

static void find_plic(void)
{
    struct device_tree_node node;
    struct memory_range range;
    uint32_t context;
    if (!device_tree_find_compatible(&tree, "riscv,plic0", &node) || !device_tree_reg(&tree, &node, 0, &range)
        || !plic_context(&node, &context)) return;
    plic_init(range.base, context, device_tree_cell(&tree, &node, "riscv,ndev", 0, 0));
    print("device: interrupt controller at 0x%lx, context %u\n", range.base, context);
}

void arch_devices_init(struct boot_info const *info)
{
    (void)info;
    struct device_tree_node node;
    char const *isa = nullptr;
    if (device_tree_find_compatible(&tree, "riscv", &node)) isa = device_tree_text(&tree, &node, "riscv,isa");
    bool sstc = isa_has(isa, "sstc");
    uint32_t frequency = 0;
    if (device_tree_find_name(&tree, "cpus", &node))
        frequency = device_tree_cell(&tree, &node, "timebase-frequency", 0, 0);
    timer_init(frequency, sstc);
    /* The address space identifiers that mm gives out must be kept apart. */
    uint64_t translation = csr_read(satp);
    csr_set(satp, (uint64_t)(ARCH_ASIDS - 1) << SATP_ASID_SHIFT);
    if ((csr_read(satp) ^ translation) >> SATP_ASID_SHIFT != ARCH_ASIDS - 1) panic("this hart has too few ASIDs");
    csr_write(satp, translation);
    csr_write(scounteren, 7);   /* cycle, time and instret for user mode */
    /* Floating-point and vector registers are nobody's: firmware may hand over with them on, and no context holds them. */
    csr_clear(sstatus, SSTATUS_SPP | SSTATUS_FS | SSTATUS_VS | SSTATUS_SUM | SSTATUS_MXR);
    print("device: timer %u Hz, %s\n", frequency, sstc ? "sstc" : "sbi");
    find_plic();
    if (finisher != nullptr) print("device: test finisher\n");
}
