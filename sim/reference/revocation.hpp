// Revocation engine of the capability unit (datasheet: capability-unit.md): a run takes no time.
#pragma once

#include <cstdint>

#include "../host/memory.hpp"
#include "numbers.hpp"

namespace veridian::reference {

class Revocation {
public:
    struct Table {
        bool enabled;
        uint64_t slot_base, slot_count;
    };

    explicit Revocation(Memory &memory) : memory_(memory) {}

    // cap.revoke, or the command of the window, with these operands; what rd receives.
    uint64_t command(const Table &table, uint64_t root, uint64_t limit);

    uint64_t progress() const;
    uint64_t at() const { return at_; }
    uint64_t dead() const { return dead_; }
    void take_back(uint64_t dead) { dead_ = dead; }
    uint32_t killed() const { return killed_; }

private:
    static constexpr unsigned slot_words = abi::slot_bytes / 8;

    uint8_t run(const Table &table, uint64_t limit);
    bool in_table(const Table &table, uint64_t number) const;
    // One field of a slot in the table.
    uint64_t get(const Table &table, uint64_t number, Field field) const;
    void set(const Table &table, uint64_t number, Field field, uint64_t value);

    Memory &memory_;
    uint8_t state_ = revoke_state::idle;
    uint64_t at_ = 0, dead_ = 0;
    uint32_t revoked_ = 0, killed_ = 0;
};

}  // namespace veridian::reference
