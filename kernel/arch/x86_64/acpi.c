/* acpi.c: finds the MADT from the root pointer and counts processors. ACPI 6.3, 5.2.5 to 5.2.12. */
#include "lib/memory.h"
#include "x86.h"

struct [[gnu::packed]] root_pointer {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    /* from revision 2 on */
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum, reserved[3];
};
constexpr size_t ROOT_POINTER_1_BYTES = 20;

struct [[gnu::packed]] table_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
};

struct [[gnu::packed]] madt { struct table_header header; uint32_t local_apic, flags; };
struct [[gnu::packed]] madt_entry { uint8_t type, length; };
struct [[gnu::packed]] madt_processor { struct madt_entry entry; uint8_t processor, apic; uint32_t flags; };
struct [[gnu::packed]] madt_processor_x2 { struct madt_entry entry; uint16_t reserved; uint32_t apic, flags, processor; };
struct [[gnu::packed]] madt_address { struct madt_entry entry; uint16_t reserved; uint64_t address; };
struct [[gnu::packed]] madt_io_apic { struct madt_entry entry; uint8_t id, reserved; uint32_t address, first_input; };
enum madt_type : uint8_t { MADT_LOCAL_APIC = 0, MADT_IO_APIC = 1, MADT_ADDRESS_OVERRIDE = 5, MADT_LOCAL_X2APIC = 9 };
constexpr uint32_t PROCESSOR_ENABLED = 1;

static bool sums_to_zero(void const *bytes, size_t count)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += ((uint8_t const *)bytes)[i];
    return sum == 0;
}

/* The table at `address`, if it is readable, at least `minimum` long, bears `signature` and sums up. */
static void const *table_at(paddr_t address, char const *signature, size_t minimum)
{
    if (!early_mapped(address, sizeof(struct table_header))) return nullptr;
    struct table_header const *header = direct(address);
    if (memcmp(header->signature, signature, 4) != 0 || header->length < minimum) return nullptr;
    if (!early_mapped(address, header->length) || !sums_to_zero(header, header->length)) return nullptr;
    return header;
}

/* Looks for the MADT in the list of addresses (`width` bytes each) behind the header of the root table. */
static struct madt const *madt_in(struct table_header const *root, size_t width)
{
    char const *list = (char const *)(root + 1);
    for (size_t i = 0; i < (root->length - sizeof *root) / width; i++) {
        paddr_t address = 0;
        memcpy(&address, list + i * width, width);
        struct madt const *madt = table_at(address, "APIC", sizeof *madt);
        if (madt != nullptr) return madt;
    }
    return nullptr;
}

static struct madt const *madt_find(paddr_t rsdp)
{
    if (!early_mapped(rsdp, sizeof(struct root_pointer))) return nullptr;
    struct root_pointer const *pointer = direct(rsdp);
    if (memcmp(pointer->signature, "RSD PTR ", 8) != 0 || !sums_to_zero(pointer, ROOT_POINTER_1_BYTES)) return nullptr;
    if (pointer->revision >= 2 && pointer->xsdt != 0) {
        if (!sums_to_zero(pointer, sizeof *pointer)) return nullptr;
        struct table_header const *xsdt = table_at(pointer->xsdt, "XSDT", sizeof *xsdt);
        if (xsdt != nullptr) return madt_in(xsdt, sizeof(uint64_t));
    }
    struct table_header const *rsdt = table_at(pointer->rsdt, "RSDT", sizeof *rsdt);
    return rsdt == nullptr ? nullptr : madt_in(rsdt, sizeof(uint32_t));
}

bool acpi_read(paddr_t rsdp, struct acpi_facts *facts)
{
    struct madt const *madt = madt_find(rsdp);
    if (madt == nullptr) return false;
    facts->local_apic = madt->local_apic;
    unsigned processors = 0;
    char const *end = (char const *)madt + madt->header.length;
    for (char const *at = (char const *)(madt + 1); at + sizeof(struct madt_entry) <= end;) {
        struct madt_entry const *entry = (void const *)at;
        if (entry->length < sizeof *entry || at + entry->length > end) break;
        if (entry->type == MADT_LOCAL_APIC && entry->length >= sizeof(struct madt_processor))
            processors += (((struct madt_processor const *)entry)->flags & PROCESSOR_ENABLED) != 0;
        if (entry->type == MADT_LOCAL_X2APIC && entry->length >= sizeof(struct madt_processor_x2))
            processors += (((struct madt_processor_x2 const *)entry)->flags & PROCESSOR_ENABLED) != 0;
        if (entry->type == MADT_IO_APIC && entry->length >= sizeof(struct madt_io_apic)
            && ((struct madt_io_apic const *)entry)->first_input == 0)
            facts->io_apic = ((struct madt_io_apic const *)entry)->address;
        if (entry->type == MADT_ADDRESS_OVERRIDE && entry->length >= sizeof(struct madt_address))
            facts->local_apic = ((struct madt_address const *)entry)->address;
        at += entry->length;
    }
    if (processors > 0) facts->cpu_count = processors;
    return true;
}
