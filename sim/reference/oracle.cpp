#include "oracle.hpp"

#include <cstring>

#include "../host/commit_log.hpp"
#include "numbers.hpp"

namespace veridian::reference {

namespace {

// The trace port of these instructions does not say what was written: time goes on, and SCTXDATA answers late.
bool reads_back(uint16_t address) {
    switch (address) {
    case csr::mcycle: case csr::mip: case csr::sip: case csr::sctxdata: return false;
    default: return true;
    }
}

std::string hexadecimal(uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%016llx", static_cast<unsigned long long>(value));
    return text;
}

}  // namespace

Oracle::Oracle(const Configuration &configuration, Memory &memory)
    : system_(configuration, memory, [](uint8_t) {}) {}

void Oracle::received(uint8_t byte, uint64_t cycle) {
    system_.time.cycles = cycle;
    system_.receive(byte);
}

bool Oracle::check(const Commit &actual, uint64_t cycle) {
    Hart &hart = system_.hart;
    system_.time.cycles = cycle;
    if (actual.trap && actual.interrupt) {
        // Allowed: it may be pending, it would be taken now, and nothing that must be pending goes before it.
        const uint16_t bit = static_cast<uint16_t>(1u << (actual.cause & 15));
        hart.commit = Commit{.pc = hart.pc(), .privilege = hart.privilege()};
        if (!(hart.possible() & bit)) return differs("this interrupt is not pending", actual);
        if (hart.deliverable(bit) != actual.cause) return differs("this interrupt is not enabled", actual);
        if (hart.deliverable(hart.certain() | bit) != actual.cause) {
            return differs("another interrupt has a higher priority", actual);
        }
        hart.take_interrupt(actual.cause);
        interrupts_++;
    } else {
        if (due_ >= 0) return differs("interrupt " + std::to_string(due_) + " is pending and must be taken here", actual);
        hart.step(&actual);
        if (hart.waiting() && hart.nothing_can_wake()) return differs("wfi ended with nothing pending", actual);
        exceptions_ += actual.trap;
    }
    if (!compare(actual)) return differs("the two differ", actual);
    remember(actual);
    checked_++;
    due_ = hart.deliverable(hart.certain());
    return true;
}

void Oracle::raise_software_interrupt() {
    constexpr uint16_t bit = 1 << interrupt::machine_software;
    if (system_.hart.deliverable(bit | system_.hart.certain()) == interrupt::machine_software) {
        due_ = interrupt::machine_software;
    }
}

bool Oracle::compare(const Commit &actual) {
    const Commit &model = system_.hart.commit;
    if (model.pc != actual.pc || model.privilege != actual.privilege || model.trap != actual.trap) return false;
    if (model.trap) {
        return model.interrupt == actual.interrupt && model.cause == actual.cause && model.tval == actual.tval;
    }
    if (model.insn != actual.insn || model.rd_written != actual.rd_written || model.csr_written != actual.csr_written ||
        model.loads != actual.loads || model.stores != actual.stores) {
        return false;
    }
    if (model.rd_written && (model.rd != actual.rd || model.rd_value != actual.rd_value)) return false;
    if (model.csr_written && (model.csr != actual.csr ||
                              (reads_back(model.csr) && model.csr_value != actual.csr_value))) {
        return false;
    }
    if ((model.loads || model.stores) &&
        (model.mem_address != actual.mem_address || model.mem_size != actual.mem_size)) {
        return false;
    }
    return !model.stores || model.mem_data == actual.mem_data;
}

void Oracle::remember(const Commit &commit) { history_[remembered_++ % kept] = commit; }

bool Oracle::differs(const std::string &rule, const Commit &actual) {
    rule_ = rule;
    expected_ = describe(system_.hart.commit);
    actual_ = describe(actual);
    for (uint64_t n = remembered_ > kept ? remembered_ - kept : 0; n < remembered_; n++) {
        recent_.push_back(describe(history_[n % kept]));
    }
    return false;
}

bool Oracle::check_memory(const Memory &actual) {
    for (uint64_t page = 0; page < actual.size(); page += 4096) {
        const uint8_t *ours = system_.memory.data() + page, *theirs = actual.data() + page;
        if (std::memcmp(ours, theirs, 4096) == 0) continue;
        for (uint64_t at = 0; at < 4096; at += 8) {
            uint64_t a, b;
            std::memcpy(&a, ours + at, 8);
            std::memcpy(&b, theirs + at, 8);
            if (a == b) continue;
            rule_ = "main memory differs at the end";
            const std::string address = hexadecimal(place::memory_base + page + at) + ": ";
            expected_ = address + hexadecimal(a);
            actual_ = address + hexadecimal(b);
            return false;
        }
    }
    return true;
}

}  // namespace veridian::reference
