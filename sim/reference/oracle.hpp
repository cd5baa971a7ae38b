// Checks a run of the RTL as it happens: the model does what the trace port reports, and must find it right.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "../host/commit.hpp"
#include "../host/memory.hpp"
#include "system.hpp"

namespace veridian::reference {

class Oracle {
public:
    // `memory` holds what the RTL's memory holds after reset, and becomes the model's own.
    Oracle(const Configuration &configuration, Memory &memory);

    // One report of the trace port, with the clock cycle since reset that it came in. False at the first difference.
    bool check(const Commit &actual, uint64_t cycle);
    // The UART took a character in this cycle.
    void received(uint8_t byte, uint64_t cycle);
    // For tests of the oracle: if a machine software interrupt would be taken now, it is as if one had been pending for
    // long, of which the RTL knows nothing.
    void raise_software_interrupt();
    // After the last store has left the hart: the first difference of main memory, if any.
    bool check_memory(const Memory &actual);

    uint64_t checked() const { return checked_; }
    uint64_t interrupts() const { return interrupts_; }
    uint64_t exceptions() const { return exceptions_; }
    // What was wrong: the rule, what the model did, what the RTL did, and what came before.
    const std::string &rule() const { return rule_; }
    const std::string &expected() const { return expected_; }
    const std::string &actual() const { return actual_; }
    const std::deque<std::string> &recent() const { return recent_; }

private:
    bool differs(const std::string &rule, const Commit &actual);
    bool compare(const Commit &actual);
    void remember(const Commit &commit);

    System system_;
    // The interrupt that the next report must be, or one of higher priority; -1: none must.
    int due_ = -1;
    uint64_t checked_ = 0, interrupts_ = 0, exceptions_ = 0;
    std::string rule_, expected_, actual_;
    // A few commits, kept as they are until somebody wants to read them.
    static constexpr unsigned kept = 12;
    std::array<Commit, kept> history_;
    uint64_t remembered_ = 0;
    std::deque<std::string> recent_;
};

}  // namespace veridian::reference
