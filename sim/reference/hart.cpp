#include "hart.hpp"

#include "numbers.hpp"
#include "system.hpp"

namespace veridian::reference {

namespace {

// Highest first (privileged specification, 3.1.9).
constexpr uint8_t priority[] = {interrupt::machine_external,    interrupt::machine_software,
                                interrupt::machine_timer,       interrupt::supervisor_external,
                                interrupt::supervisor_software, interrupt::supervisor_timer};

constexpr uint64_t interrupt_bit = uint64_t{1} << 63;

}  // namespace

Hart::Hart(const Configuration &configuration, System &system)
    : configuration_(configuration), system_(system), banks_(configuration.contexts), x_(banks_[0].data()),
      pc_(place::reset_vector), pmp_(configuration.pmp_entries),
      table_frame_(configuration.memory_bytes >> 12), decoded_(decoded_entries) {}

void Hart::step(const Commit *observed) {
    observed_ = observed;
    commit = Commit{};
    commit.pc = pc_;
    commit.privilege = privilege_;
    trapped_ = waiting_ = false;
    uint32_t raw;
    if (!fetch(raw)) return;
    commit.insn = raw;
    // By the bits of the instruction, not by its place: modified code cannot be stale here.
    Instruction &insn = decoded_[(raw ^ raw >> 12 ^ raw >> 20) & (decoded_entries - 1)];
    if (insn.raw != raw) insn = decode(raw);
    next_pc_ = pc_ + insn.length;
    execute(insn);
    if (trapped_) return;
    pc_ = next_pc_;
    minstret_++;
    retired_++;
    if (commit.csr_written) commit.csr_value = read_csr(commit.csr).value;
}

bool Hart::fetch(uint32_t &raw) {
    const FastPage &entry = fast(Access::fetch, privilege_, pc_);
    if (entry.page == pc_ >> 12 && (pc_ & 0xfff) <= 0xffc) [[likely]] {
        __builtin_memcpy(&raw, entry.memory + (pc_ & 0xfff), 4);
        if (is_compressed(raw)) raw &= 0xffff;
        return true;
    }
    uint16_t low, high = 0;
    if (!fetch_halfword(pc_, low)) return false;
    if (!is_compressed(low) && !fetch_halfword(pc_ + 2, high)) return false;
    raw = low | static_cast<uint32_t>(high) << 16;
    return true;
}

bool Hart::raise(uint8_t cause, uint64_t value) {
    trap(false, cause, value);
    trapped_ = true;
    return false;
}

void Hart::refuse() { raise(cause::illegal_instruction, commit.insn); }

void Hart::take_interrupt(unsigned cause) {
    commit = Commit{};
    commit.pc = pc_;
    commit.privilege = privilege_;
    waiting_ = false;
    trap(true, static_cast<uint8_t>(cause), 0);
}

// Trap entry (privileged specification, 3.1.6.1 and 3.1.8).
void Hart::trap(bool interrupt, uint8_t cause, uint64_t value) {
    const uint64_t pc = commit.pc;
    const uint8_t from = privilege_;
    commit.rd_written = commit.loads = commit.stores = commit.csr_written = false;
    commit.trap = true;
    commit.interrupt = interrupt;
    commit.cause = cause;
    commit.tval = value;
    const uint64_t code = cause | (interrupt ? interrupt_bit : 0);
    const bool delegated = from != machine && ((interrupt ? mideleg_ : medeleg_) >> cause & 1);
    const uint64_t vector = delegated ? stvec_ : mtvec_;
    reserved_ = false;
    if (delegated) {
        sepc_ = pc;
        scause_ = code;
        stval_ = value;
        spie_ = sie_;
        sie_ = false;
        spp_ = from == supervisor;
        privilege_ = supervisor;
        context_trap_ = static_cast<uint8_t>(context_);
    } else {
        mepc_ = pc;
        mcause_ = code;
        mtval_ = value;
        mpie_ = mie_bit_;
        mie_bit_ = false;
        mpp_ = from;
        privilege_ = machine;
        context_machine_ = static_cast<uint8_t>(context_);
    }
    enter_context(0);
    pc_ = (vector & ~uint64_t{3}) + (interrupt && (vector & 1) ? 4 * uint64_t{cause} : 0);
}

// The returns (3.3.2). Only user mode runs in another context than 0.
void Hart::machine_return() {
    reserved_ = false;
    jump(mepc_);
    privilege_ = mpp_;
    mie_bit_ = mpie_;
    mpie_ = true;
    if (mpp_ != machine) mprv_ = false;
    enter_context(mpp_ == user ? context_machine_ : 0);
    mpp_ = user;
}

void Hart::supervisor_return() {
    reserved_ = false;
    jump(sepc_);
    privilege_ = spp_ ? supervisor : user;
    sie_ = spie_;
    spie_ = true;
    mprv_ = false;
    enter_context(spp_ ? 0 : context_return_);
    spp_ = false;
}

void Hart::enter_context(unsigned context) {
    context_ = context;
    x_ = banks_[context].data();
}

uint16_t Hart::possible() const {
    const Time &time = system_.time;
    constexpr uint16_t timer = 1 << interrupt::supervisor_timer;
    uint16_t result = software_pending_;
    if (time.recent(handed_over_)) {
        result |= stimecmp_.possible(time) ? timer : 0;
    } else if (stime_enable_) {
        result = (result & ~timer) | (stimecmp_.possible(time) ? timer : 0);
    }
    result |= system_.clint.software.possible(time) << interrupt::machine_software;
    result |= system_.clint.timer.possible(time) << interrupt::machine_timer;
    result |= system_.plic.possible(0) << interrupt::machine_external;
    result |= system_.plic.possible(1) << interrupt::supervisor_external;
    return result;
}

uint16_t Hart::certain() const {
    const Time &time = system_.time;
    constexpr uint16_t timer = 1 << interrupt::supervisor_timer;
    uint16_t result = software_pending_;
    if (time.recent(handed_over_)) {
        result &= stimecmp_.certain(time) ? ~0 : ~timer;
    } else if (stime_enable_) {
        result = (result & ~timer) | (stimecmp_.certain(time) ? timer : 0);
    }
    result |= system_.clint.software.certain(time) << interrupt::machine_software;
    result |= system_.clint.timer.certain(time) << interrupt::machine_timer;
    result |= system_.plic.certain(0) << interrupt::machine_external;
    result |= system_.plic.certain(1) << interrupt::supervisor_external;
    return result;
}

// An interrupt for M-mode goes first, whatever its number.
int Hart::deliverable(uint16_t pending) const {
    const uint16_t active = pending & mie_;
    if (active == 0) return -1;
    uint16_t chosen = privilege_ != machine || mie_bit_ ? active & ~mideleg_ : 0;
    if (chosen == 0 && (privilege_ == user || (privilege_ == supervisor && sie_))) chosen = active & mideleg_;
    for (const uint8_t cause : priority) {
        if (chosen >> cause & 1) return cause;
    }
    return -1;
}

}  // namespace veridian::reference
