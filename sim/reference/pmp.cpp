#include "pmp.hpp"

#include "numbers.hpp"

namespace veridian::reference {

namespace {

constexpr uint8_t bit_read = 0x01, bit_write = 0x02, bit_execute = 0x04, field_mode = 0x18, bit_lock = 0x80;
constexpr uint8_t mode_off = 0x00, mode_tor = 0x08, mode_na4 = 0x10, mode_napot = 0x18;
constexpr uint8_t privilege_machine = 3;

// The grain is 2^(G+2) bytes (3.7.1).
constexpr uint64_t address_mask = (uint64_t{1} << pmp_address_bits) - 1;
constexpr uint64_t low_grain = (uint64_t{1} << pmp_grain) - 1, low_napot = (uint64_t{1} << (pmp_grain - 1)) - 1;

}  // namespace

bool Pmp::matches(unsigned number, uint64_t address) const {
    const Entry &entry = entries_[number];
    const uint64_t word = address >> 2;
    switch (entry.configuration & field_mode) {
    case mode_tor: {
        const uint64_t low = number == 0 ? 0 : entries_[number - 1].address & ~low_grain;
        return word >= low && word < (entry.address & ~low_grain);
    }
    case mode_napot: {
        // The lowest zero bit and the ones below it say how large the region is.
        const uint64_t filled = entry.address | low_napot;
        const uint64_t inside = filled ^ (filled + 1);
        return (word & ~inside) == (filled & ~inside);
    }
    default: return false;
    }
}

bool Pmp::allows(uint64_t address, Access access, uint8_t privilege) const {
    for (unsigned number = 0; number < entries_.size(); number++) {
        if (!matches(number, address)) continue;
        const uint8_t configuration = entries_[number].configuration;
        if (privilege == privilege_machine && !(configuration & bit_lock)) return true;
        const uint8_t wanted = access == Access::fetch ? bit_execute : access == Access::load ? bit_read : bit_write;
        return configuration & wanted;
    }
    return privilege == privilege_machine || entries_.empty();
}

uint8_t Pmp::read_configuration(unsigned number) const {
    return number < entries_.size() ? entries_[number].configuration : 0;
}

void Pmp::write_configuration(unsigned number, uint8_t value) {
    if (number >= entries_.size() || (entries_[number].configuration & bit_lock)) return;
    value &= bit_read | bit_write | bit_execute | field_mode | bit_lock;
    // W without R is reserved, NA4 cannot be had with this grain.
    if (!(value & bit_read)) value &= ~bit_write;
    if ((value & field_mode) == mode_na4) value |= mode_napot;
    entries_[number].configuration = value;
}

uint64_t Pmp::read_address(unsigned number) const {
    if (number >= entries_.size()) return 0;
    const Entry &entry = entries_[number];
    return (entry.configuration & field_mode) == mode_napot ? entry.address | low_napot : entry.address & ~low_grain;
}

void Pmp::write_address(unsigned number, uint64_t value) {
    if (number >= entries_.size() || (entries_[number].configuration & bit_lock)) return;
    // The upper end of a locked range is the next entry's lower end.
    if (number + 1 < entries_.size()) {
        const uint8_t next = entries_[number + 1].configuration;
        if ((next & bit_lock) && (next & field_mode) == mode_tor) return;
    }
    entries_[number].address = value & address_mask;
}

}  // namespace veridian::reference
