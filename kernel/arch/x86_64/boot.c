/* boot.c: PVH start info (Xen, docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h) -> struct boot_info. */
#include "boot/boot.h"
#include "lib/memory.h"
#include "lib/panic.h"
#include "lib/print.h"
#include "x86.h"

struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp;
    uint64_t memory_map;                            /* from version 1 on */
    uint32_t memory_map_entries, reserved;
};
struct module { uint64_t address, size, command_line, reserved; };
struct memory_map_entry { uint64_t base, size; uint32_t type, reserved; };

constexpr uint32_t START_INFO_MAGIC = 0x336e'c578;
constexpr uint32_t MEMORY_USABLE = 1;
/* Below 1 MiB: firmware data, and later the start page of the other processors. */
constexpr uint64_t LOW_MEMORY = 1 << 20;

static struct boot_info info;
static paddr_t local_apic = 0xfee0'0000, io_apic;

static void read_memory_map(struct start_info const *start)
{
    struct memory_map_entry const *map = direct(start->memory_map);
    if (start->version < 1 || !early_mapped(start->memory_map, start->memory_map_entries * sizeof *map))
        panic("boot: the loader gave no memory map");
    for (uint32_t i = 0; i < start->memory_map_entries; i++) {
        paddr_t first = (map[i].base + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
        paddr_t end = (map[i].base + map[i].size) & ~(PAGE_BYTES - 1);
        if (map[i].type != MEMORY_USABLE || end <= first || end < map[i].base) continue;
        if (info.memory_count == BOOT_RANGES) {
            print("boot: more than %zu memory ranges; the rest stays unused\n", BOOT_RANGES);
            return;
        }
        info.memory[info.memory_count++] = (struct memory_range){ first, end - first };
    }
}

static void read_modules(struct start_info const *start)
{
    struct module const *modules = direct(start->modules);
    if (start->module_count == 0) return;
    if (!early_mapped(start->modules, start->module_count * sizeof *modules)) panic("boot: module list unreadable");
    info.initrd = modules[0].address;
    info.initrd_size = modules[0].size;
    boot_reserve(&info, info.initrd, info.initrd_size);
}

/* What ACPI and SMBIOS know beyond the start info. Missing tables are no reason to stop. */
static void read_firmware(struct start_info const *start)
{
    struct acpi_facts facts = { .cpu_count = 1, .local_apic = local_apic };
    if (!acpi_read(start->rsdp, &facts)) print("acpi: no valid MADT; one processor assumed\n");
    info.cpu_count = facts.cpu_count;
    local_apic = facts.local_apic;
    io_apic = facts.io_apic;
    if (!smbios_product(info.machine, sizeof info.machine)) string_copy(info.machine, "PVH", sizeof info.machine);
}

/* First C function. Stack: the kernel's. Memory: image and early direct map. */
void boot_main(uint32_t start_info)
{
    console_init();
    cpu_init(0);
    struct start_info const *start = direct(start_info);
    if (!early_mapped(start_info, sizeof *start) || start->magic != START_INFO_MAGIC)
        panic("boot: not started by a PVH loader");
    if (start->command_line != 0 && early_mapped(start->command_line, BOOT_COMMAND_LINE))
        string_copy(info.command_line, direct(start->command_line), BOOT_COMMAND_LINE);
    boot_reserve(&info, 0, LOW_MEMORY);
    boot_reserve(&info, image_physical(kernel_start), (uint64_t)(kernel_end - kernel_start));
    read_memory_map(start);
    read_modules(start);
    read_firmware(start);
    paging_init(&info);
    kernel_main(&info);
}

void arch_devices_init(struct boot_info const *)
{
    print("console: 16550 at port 0x%x\n", PORT_COM1);
    apic_init(local_apic);
    io_apic_init(io_apic);
    time_init();
}
