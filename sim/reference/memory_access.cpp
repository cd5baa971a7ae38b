// Address translation, protection, loads and stores (privileged specification, 3.6, 3.7 and 12.3).

#include <cstring>

#include "hart.hpp"
#include "numbers.hpp"
#include "system.hpp"

namespace veridian::reference {

namespace {

// Page-table entry of Sv39 (figure 65).
constexpr uint64_t pte_valid = 1 << 0, pte_read = 1 << 1, pte_write = 1 << 2, pte_execute = 1 << 3, pte_user = 1 << 4,
                   pte_accessed = 1 << 6, pte_dirty = 1 << 7, pte_reserved = uint64_t{0x3ff} << 54;
constexpr uint64_t ppn_mask = (uint64_t{1} << 44) - 1;
constexpr unsigned physical_bits = 32;

constexpr uint8_t page_cause(Access access) {
    return access == Access::fetch ? cause::fetch_page : access == Access::load ? cause::load_page : cause::store_page;
}

constexpr uint8_t access_cause(Access access) {
    return access == Access::fetch  ? cause::fetch_access
           : access == Access::load ? cause::load_access
                                    : cause::store_access;
}

}  // namespace

bool Hart::in_memory(uint64_t physical) const { return physical - place::memory_base < configuration_.memory_bytes; }

uint8_t *Hart::host(uint64_t physical) const { return system_.memory.data() + (physical - place::memory_base); }

void Hart::forget_translations() {
    for (auto &by_privilege : fast_) {
        for (auto &pages : by_privilege) {
            for (FastPage &entry : pages) entry.page = ~uint64_t{0};
        }
    }
    for (const uint32_t frame : table_frames_) table_frame_[frame] = 0;
    table_frames_.clear();
}

bool Hart::translate(uint64_t address, Access access, uint64_t &physical) {
    const uint8_t privilege = access == Access::fetch ? privilege_ : data_privilege();
    physical = address;
    if (privilege != machine && satp_ >> 60 == satp_mode_sv39) {
        // Bits 63:39 all equal bit 38 (12.4.1).
        if (static_cast<uint64_t>(static_cast<int64_t>(address << 25) >> 25) != address) {
            return raise(page_cause(access), address);
        }
        if (!walk(address, access, privilege, physical)) return false;
    }
    if (physical >> physical_bits != 0 || !pmp_.allows(physical, access, privilege)) {
        return raise(access_cause(access), address);
    }
    return true;
}

// The algorithm of 12.3.2, with Svade.
bool Hart::walk(uint64_t address, Access access, uint8_t privilege, uint64_t &physical) {
    uint64_t table = satp_ & ppn_mask;
    for (int level = 2;; level--) {
        const uint64_t entry_address = table << 12 | (address >> (12 + 9 * level) & 0x1ff) << 3;
        if (!in_memory(entry_address) || !pmp_.allows(entry_address, Access::load, supervisor)) {
            return raise(access_cause(access), address);
        }
        const uint32_t frame = static_cast<uint32_t>((entry_address - place::memory_base) >> 12);
        if (!table_frame_[frame]) {
            for (auto &pages : fast_[static_cast<unsigned>(Access::store)]) {
                for (FastPage &entry : pages) entry.page = ~uint64_t{0};
            }
            table_frame_[frame] = 1;
            table_frames_.push_back(frame);
        }
        uint64_t pte;
        std::memcpy(&pte, host(entry_address), sizeof pte);
        const auto fault = [&] { return raise(page_cause(access), address); };
        if (!(pte & pte_valid) || (!(pte & pte_read) && (pte & pte_write)) || (pte & pte_reserved)) return fault();
        const uint64_t ppn = pte >> 10 & ppn_mask;
        if (!(pte & (pte_read | pte_execute))) {
            if (level == 0 || (pte & (pte_accessed | pte_dirty | pte_user))) return fault();
            table = ppn;
            continue;
        }
        const uint64_t low = (uint64_t{1} << (9 * level)) - 1;
        if (ppn & low) return fault();
        const bool for_user = pte & pte_user;
        if (privilege == user ? !for_user : for_user && (access == Access::fetch || !sum_)) return fault();
        if (access == Access::fetch && !(pte & pte_execute)) return fault();
        if (access == Access::load && !(pte & pte_read) && !(mxr_ && (pte & pte_execute))) return fault();
        if (access == Access::store && !((pte & pte_write) && (pte & pte_dirty))) return fault();
        if (!(pte & pte_accessed)) return fault();
        physical = (ppn | (address >> 12 & low)) << 12 | (address & 0xfff);
        return true;
    }
}

bool Hart::fetch_halfword(uint64_t address, uint16_t &value) {
    uint64_t physical;
    if (!translate(address, Access::fetch, physical)) return false;
    if (in_memory(physical)) {
        std::memcpy(&value, host(physical), sizeof value);
        fast(Access::fetch, privilege_, address) = {address >> 12, host(physical & ~uint64_t{0xfff})};
        return true;
    }
    // Instructions come from main memory and from the boot ROM only.
    uint64_t wide;
    if (!System::is_boot_rom(physical) || !system_.read(physical, 1, wide, nullptr)) {
        return raise(cause::fetch_access, address);
    }
    value = static_cast<uint16_t>(wide);
    return true;
}

bool Hart::load(uint64_t address, unsigned size, uint64_t &value, Access intent) {
    value = 0;
    commit.mem_address = address;
    commit.mem_size = static_cast<uint8_t>(size);
    const unsigned bytes = 1u << size;
    if (address & (bytes - 1)) return raise(cause::load_misaligned, address);
    FastPage &entry = fast(intent, data_privilege(), address);
    if (entry.page == address >> 12) [[likely]] {
        std::memcpy(&value, entry.memory + (address & 0xfff), bytes);
        commit.loads = true;
        return true;
    }
    uint64_t physical;
    if (!translate(address, intent, physical)) return false;
    if (in_memory(physical)) {
        std::memcpy(&value, host(physical), bytes);
        // Pages for stores are entered by stores, which look at what lies there.
        if (intent == Access::load) entry = {address >> 12, host(physical & ~uint64_t{0xfff})};
    } else {
        const uint64_t *actual = observed_ != nullptr && observed_->rd_written ? &observed_->rd_value : nullptr;
        if (!system_.read(physical, size, value, actual)) return raise(cause::load_access, address);
    }
    commit.loads = true;
    return true;
}

bool Hart::store(uint64_t address, unsigned size, uint64_t value) {
    const unsigned bytes = 1u << size;
    commit.mem_address = address;
    commit.mem_size = static_cast<uint8_t>(size);
    commit.mem_data = size == 3 ? value : value & ((uint64_t{1} << (8 * bytes)) - 1);
    if (address & (bytes - 1)) return raise(cause::store_misaligned, address);
    FastPage &entry = fast(Access::store, data_privilege(), address);
    if (entry.page == address >> 12) [[likely]] {
        std::memcpy(entry.memory + (address & 0xfff), &value, bytes);
        commit.stores = true;
        return true;
    }
    uint64_t physical;
    if (!translate(address, Access::store, physical)) return false;
    if (in_memory(physical)) {
        std::memcpy(host(physical), &value, bytes);
        system_.memory.stored(physical);
        const uint32_t frame = static_cast<uint32_t>((physical - place::memory_base) >> 12);
        if (table_frame_[frame]) {
            forget_translations();
        } else if (!system_.memory.watches(physical)) {
            entry = {address >> 12, host(physical & ~uint64_t{0xfff})};
        }
    } else if (!system_.write(physical, size, commit.mem_data)) {
        return raise(cause::store_access, address);
    }
    commit.stores = true;
    return true;
}

}  // namespace veridian::reference
