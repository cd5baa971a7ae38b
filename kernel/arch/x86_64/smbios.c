/* smbios.c: the machine's product name. DMTF DSP0134 3.4: 5.2 (entry points), 6.1 (structures), 7.2 (system). */
#include "lib/memory.h"
#include "x86.h"

/* The BIOS area in which the entry points lie on 16-byte borders. */
constexpr paddr_t AREA_START = 0xf'0000, AREA_END = 0x10'0000;

struct [[gnu::packed]] entry_21 {
    char anchor[4];
    uint8_t checksum, length, major, minor;
    uint16_t largest;
    uint8_t revision, formatted[5];
    char intermediate[5];
    uint8_t intermediate_checksum;
    uint16_t table_length;
    uint32_t table;
    uint16_t count;
    uint8_t bcd;
};
struct [[gnu::packed]] entry_30 {
    char anchor[5];
    uint8_t checksum, length, major, minor, docrev, revision, reserved;
    uint32_t table_length;
    uint64_t table;
};
struct [[gnu::packed]] structure { uint8_t type, length; uint16_t handle; };
struct [[gnu::packed]] system { struct structure header; uint8_t manufacturer, product; };
enum structure_type : uint8_t { TYPE_SYSTEM = 1, TYPE_END = 127 };

static bool sums_to_zero(uint8_t const *bytes, size_t count)
{
    uint8_t sum = 0;
    while (count-- > 0) sum += *bytes++;
    return sum == 0;
}

static bool table_find(paddr_t *table, size_t *length)
{
    for (paddr_t at = AREA_START; at + sizeof(struct entry_21) <= AREA_END; at += 16) {
        struct entry_30 const *new_entry = direct(at);
        struct entry_21 const *old_entry = direct(at);
        if (memcmp(new_entry->anchor, "_SM3_", 5) == 0 && new_entry->length >= sizeof *new_entry
            && at + new_entry->length <= AREA_END && sums_to_zero(direct(at), new_entry->length)) {
            *table = new_entry->table;
            *length = new_entry->table_length;
            return true;
        }
        if (memcmp(old_entry->anchor, "_SM_", 4) == 0 && old_entry->length >= sizeof *old_entry - 1
            && at + old_entry->length <= AREA_END && sums_to_zero(direct(at), old_entry->length)) {
            *table = old_entry->table;
            *length = old_entry->table_length;
            return true;
        }
    }
    return false;
}

/* String `number` (from 1) of the strings behind a structure; they end with an empty one. */
static char const *string_at(char const *strings, char const *end, unsigned number)
{
    while (strings < end && *strings != '\0') {
        size_t length = string_length(strings, (size_t)(end - strings));
        if (--number == 0) return strings + length < end ? strings : nullptr;
        strings += length + 1;
    }
    return nullptr;
}

bool smbios_product(char *name, size_t bytes)
{
    paddr_t table;
    size_t length;
    if (!table_find(&table, &length) || !early_mapped(table, length)) return false;
    char const *at = direct(table), *end = at + length;
    while (at + sizeof(struct structure) <= end) {
        struct structure const *header = (void const *)at;
        if (header->type == TYPE_END || header->length < sizeof *header || at + header->length > end) return false;
        char const *strings = at + header->length;
        if (header->type == TYPE_SYSTEM && header->length >= sizeof(struct system)) {
            unsigned number = ((struct system const *)header)->product;
            char const *product = number == 0 ? nullptr : string_at(strings, end, number);
            if (product == nullptr) return false;
            string_copy(name, product, bytes);
            return true;
        }
        for (at = strings; at + 2 <= end && (at[0] != '\0' || at[1] != '\0'); at++) { }
        at += 2;
    }
    return false;
}
