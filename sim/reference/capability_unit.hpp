// Capability unit (datasheet: capability-unit.md): verdicts straight from the kernel's tables, nothing is ever cached.
#pragma once

#include <array>

#include "../host/memory.hpp"
#include "configuration.hpp"
#include "device.hpp"
#include "numbers.hpp"
#include "revocation.hpp"

namespace veridian::reference {

class CapabilityUnit : public Device {
public:
    struct Outcome {
        uint8_t verdict;
        uint32_t object_id = 0, badge = 0;
    };

    CapabilityUnit(Memory &memory, const Time &time, const Configuration &configuration)
        : memory_(memory), time_(time), revokes_(configuration.revocation), counts_(configuration.counters),
          revocation_(memory) {}

    // Whether there is a register at this offset in the window, among those that some unit has.
    bool has(uint64_t word) const;

    // One instruction, by the funct fields of its encoding. False: there is no such instruction for that privilege.
    bool execute(uint32_t funct7, uint32_t funct3, bool from_user, uint64_t rs1, uint64_t rs2, uint64_t &result);
    // A check by another master, counted as all others.
    Outcome check(uint64_t space, uint64_t query);
    // How often something was forgotten.
    uint32_t invalidations() const { return invalidations_; }

    Reading read(uint64_t word, uint8_t lanes) override;
    void write(uint64_t word, uint8_t lanes, uint64_t value) override;

private:
    uint64_t command(uint32_t command, uint64_t operand1, uint64_t operand2);
    Outcome decide(uint64_t space, uint64_t query) const;
    bool known(uint32_t command) const;
    bool read_word(uint64_t address, uint64_t &word) const;
    uint64_t *plain(uint64_t word, uint64_t &mask);

    const Memory &memory_;
    const Time &time_;
    const bool revokes_, counts_;
    Revocation revocation_;
    uint64_t enable_ = 0, space_base_ = 0, space_count_ = 0, slot_base_ = 0, slot_count_ = 0, object_base_ = 0,
             object_count_ = 0;
    uint64_t operand1_ = 0, operand2_ = 0, result_ = 0, answered_ = 0;
    uint32_t selected_ = 0;
    bool dropped_ = false;
    std::array<uint32_t, 8> verdicts_{};
    uint32_t invalidations_ = 0;
};

}  // namespace veridian::reference
