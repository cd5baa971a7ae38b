#include "plant.hpp"

#include <iterator>

#include "options.hpp"

namespace veridian {

namespace {

// In the order of Plant::Kind.
constexpr const char *names[] = {
    "", "pc", "insn", "privilege", "rd", "rd_value", "rd_missing", "load_address", "store_address", "store_data",
    "store_size", "csr", "csr_value", "exception_cause", "exception_tval", "exception_missing", "interrupt_cause",
    "interrupt_missing", "interrupt_due", "lost", "memory",
};

constexpr uint64_t first_report = 2000;

}  // namespace

Plant::Plant(const std::string &name) {
    for (size_t number = 0; number < std::size(names); number++) {
        if (name == names[number]) {
            kind_ = static_cast<Kind>(number);
            return;
        }
    }
    fail(exit_bad_input, "there is no fault '" + name + "' to plant");
}

bool Plant::pass(Commit &commit) {
    if (kind_ == Kind::none || done_ || reports_++ < first_report) return true;
    done_ = apply(commit);
    const bool lost = kind_ == Kind::lost || kind_ == Kind::exception_missing || kind_ == Kind::interrupt_missing;
    return !(done_ && lost);
}

// Whether this report can have the fault; it has it then.
bool Plant::apply(Commit &commit) const {
    const bool retires = !commit.trap, excepts = commit.trap && !commit.interrupt;
    switch (kind_) {
    case Kind::pc: return commit.pc ^= 4, true;
    case Kind::insn: return retires && (commit.insn ^= 0x100, true);
    case Kind::privilege: return commit.privilege ^= 1, true;
    case Kind::rd: return commit.rd_written && (commit.rd ^= 1, true);
    case Kind::rd_value: return commit.rd_written && (commit.rd_value ^= uint64_t{1} << 63, true);
    case Kind::rd_missing: return commit.rd_written && (commit.rd_written = false, true);
    case Kind::load_address: return commit.loads && (commit.mem_address ^= 8, true);
    case Kind::store_address: return commit.stores && (commit.mem_address ^= 8, true);
    case Kind::store_data: return commit.stores && (commit.mem_data ^= 1, true);
    case Kind::store_size: return commit.stores && (commit.mem_size ^= 1, true);
    case Kind::csr: return commit.csr_written && (commit.csr ^= 1, true);
    // mscratch: one of those whose value is always known.
    case Kind::csr_value: return commit.csr_written && commit.csr == 0x340 && (commit.csr_value ^= 1, true);
    case Kind::exception_cause: return excepts && (commit.cause ^= 1, true);
    case Kind::exception_tval: return excepts && (commit.tval ^= 4, true);
    case Kind::interrupt_cause: return commit.interrupt && (commit.cause ^= 2, true);
    case Kind::exception_missing: return excepts;
    case Kind::interrupt_missing: return commit.interrupt;
    case Kind::lost: return retires;
    case Kind::interrupt_due: return true;
    case Kind::none: case Kind::memory: break;
    }
    return false;
}

}  // namespace veridian
