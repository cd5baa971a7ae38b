// Planted faults: what the trace port reports, changed on purpose once, so that a test can see the oracle find it.
#pragma once

#include <cstdint>
#include <string>

#include "commit.hpp"

namespace veridian {

class Plant {
public:
    // Empty: none. Ends the process with one line when there is no such fault.
    explicit Plant(const std::string &name);

    // Changes the first report that can have the fault, from some distance into the run on. False: it is to be lost.
    bool pass(Commit &commit);
    // The fault is one of main memory, to be made by the host at the end.
    bool in_memory() const { return kind_ == Kind::memory; }
    // It is an interrupt that the RTL does not take: the host is to raise one in the model alone, as soon as it can be.
    bool raises_interrupt(const Commit &commit) const {
        return kind_ == Kind::interrupt_due && done_ && !commit.interrupt;
    }

private:
    enum class Kind {
        none, pc, insn, privilege, rd, rd_value, rd_missing, load_address, store_address, store_data, store_size, csr,
        csr_value, exception_cause, exception_tval, exception_missing, interrupt_cause, interrupt_missing, interrupt_due, lost, memory,
    };
    bool apply(Commit &commit) const;

    Kind kind_ = Kind::none;
    uint64_t reports_ = 0;
    bool done_ = false;
};

}  // namespace veridian
