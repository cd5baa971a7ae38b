// CSRs (privileged specification, chapters 2, 3 and 12; custom ones in hw/abi).

#include "hart.hpp"
#include "numbers.hpp"
#include "system.hpp"

namespace veridian::reference {

namespace {

constexpr uint64_t bit(unsigned number) { return uint64_t{1} << number; }

constexpr uint16_t supervisor_interrupts =
    bit(interrupt::supervisor_software) | bit(interrupt::supervisor_timer) | bit(interrupt::supervisor_external);
constexpr uint16_t all_interrupts = supervisor_interrupts | bit(interrupt::machine_software) |
                                    bit(interrupt::machine_timer) | bit(interrupt::machine_external);
// All exceptions but the call from M-mode, and the custom causes 24 to 31.
constexpr uint32_t delegable =
    bit(cause::fetch_access) | bit(cause::illegal_instruction) | bit(cause::breakpoint) | bit(cause::load_misaligned) |
    bit(cause::load_access) | bit(cause::store_misaligned) | bit(cause::store_access) | bit(cause::ecall_user) |
    bit(cause::ecall_supervisor) | bit(cause::fetch_page) | bit(cause::load_page) | bit(cause::store_page) | 0xff000000;
constexpr uint64_t cause_bits = bit(63) | 0x3f;
constexpr uint64_t vector_bits = ~uint64_t{2};

constexpr unsigned event_counters = 29, pmp_registers = 64, pmp_configurations = 8;
constexpr unsigned timer_bit = 1;  // of mcounteren

bool in_series(uint16_t address, uint16_t first, unsigned count) { return address - first < static_cast<int>(count) && address >= first; }

bool is_pmp_configuration(uint16_t address) {
    return in_series(address, csr::pmpcfg0, 2 * pmp_configurations) && (address & 1) == 0;
}

bool is_pmp_address(uint16_t address) { return in_series(address, csr::pmpaddr0, pmp_registers); }

bool reads_zero(uint16_t address) {
    switch (address) {
    case csr::mvendorid: case csr::marchid: case csr::mimpid: case csr::mconfigptr: case csr::mcountinhibit: return true;
    default:
        return in_series(address, csr::mhpmevent3, event_counters) ||
               in_series(address, csr::mhpmcounter3, event_counters) ||
               in_series(address, csr::hpmcounter3, event_counters);
    }
}

}  // namespace

bool Hart::csr_exists(uint16_t address) const {
    switch (address) {
    case csr::cycle: case csr::time: case csr::instret: case csr::sstatus: case csr::sie: case csr::stvec:
    case csr::scounteren: case csr::senvcfg: case csr::sscratch: case csr::sepc: case csr::scause: case csr::stval:
    case csr::sip: case csr::stimecmp: case csr::satp: case csr::mhartid: case csr::mstatus: case csr::misa:
    case csr::medeleg: case csr::mideleg: case csr::mie: case csr::mtvec: case csr::mcounteren: case csr::menvcfg:
    case csr::mscratch: case csr::mepc: case csr::mcause: case csr::mtval: case csr::mip: case csr::mcycle:
    case csr::minstret: case csr::scustom: case csr::sctxtrap: case csr::sctxret: case csr::sctxaddr:
    case csr::sctxdata: case csr::mctxtrap:
        return true;
    default: return reads_zero(address) || is_pmp_configuration(address) || is_pmp_address(address);
    }
}

bool Hart::csr_allowed(uint16_t address, bool writes) const {
    if (!csr_exists(address) || (address >> 8 & 3) > privilege_) return false;
    if (writes && address >> 10 == 3) return false;
    if (privilege_ == machine) return true;
    if (address >> 5 == csr::cycle >> 5) {
        const unsigned counter = address & 31;
        if (!(counter < 3 && mcounteren_ >> counter & 1)) return false;
        return privilege_ == supervisor || (scounteren_ >> counter & 1);
    }
    if (address == csr::stimecmp) return stime_enable_ && (mcounteren_ >> timer_bit & 1);
    if (address == csr::satp) return !tvm_;
    return true;
}

void Hart::execute_csr(const Instruction &insn) {
    using enum Operation;
    const Operation operation = insn.operation;
    const uint16_t address = static_cast<uint16_t>(insn.raw >> 20);
    const bool replaces = operation == csrrw || operation == csrrwi;
    const bool immediate = operation == csrrwi || operation == csrrsi || operation == csrrci;
    const bool writes = replaces || insn.rs1 != 0;
    if (!csr_allowed(address, writes)) return refuse();
    const uint64_t operand = immediate ? insn.rs1 : x_[insn.rs1];
    const Reading reading = read_csr(address);
    uint64_t old = reading.value;
    if (observed_ != nullptr && observed_->rd_written && reading.explains(observed_->rd_value)) {
        old = observed_->rd_value;
    }
    const uint64_t result = old;
    if (!writes) return set(insn.rd, result);
    // mip.SEIP reads as the OR with the line, but set and clear work on the bit that software wrote (3.1.9).
    if (address == csr::mip) {
        constexpr uint64_t external = bit(interrupt::supervisor_external);
        old = (old & ~external) | (software_pending_ & external);
    }
    commit.csr_written = true;
    commit.csr = address;
    write_csr(address, replaces ? operand
                       : operation == csrrs || operation == csrrsi ? old | operand : old & ~operand);
    // After the write: SCTXDATA may be rd itself.
    set(insn.rd, result);
}

Reading Hart::read_pending(uint16_t mask) const {
    const uint16_t least = certain();
    return {.value = static_cast<uint64_t>(least & mask), .uncertain = static_cast<uint64_t>((possible() ^ least) & mask)};
}

uint64_t Hart::status_word(bool machine_fields) const {
    uint64_t word = sie_ * bit(1) | spie_ * bit(5) | spp_ * bit(8) | sum_ * bit(18) | mxr_ * bit(19) | bit(33);
    if (machine_fields) {
        word |= mie_bit_ * bit(3) | mpie_ * bit(7) | mpp_ * bit(11) | mprv_ * bit(17) | tvm_ * bit(20) |
                tw_ * bit(21) | tsr_ * bit(22) | bit(35);
    }
    return word;
}

Reading Hart::read_csr(uint16_t address) const {
    const uint64_t slack = system_.time.settle;
    switch (address) {
    case csr::cycle: case csr::mcycle: return {.value = system_.time.cycles + cycle_offset_, .tolerance = slack};
    case csr::time: return {.value = system_.time.value(), .tolerance = system_.time.slack()};
    case csr::instret: case csr::minstret: return {.value = minstret_};
    case csr::mstatus: return {.value = status_word(true)};
    case csr::sstatus: return {.value = status_word(false)};
    case csr::misa: return {.value = misa_value};
    case csr::mhartid: return {.value = configuration_.hart_id};
    case csr::medeleg: return {.value = medeleg_};
    case csr::mideleg: return {.value = mideleg_};
    case csr::mie: return {.value = mie_};
    case csr::sie: return {.value = static_cast<uint64_t>(mie_ & mideleg_)};
    case csr::mip: return read_pending(all_interrupts);
    case csr::sip: return read_pending(mideleg_);
    case csr::mtvec: return {.value = mtvec_};
    case csr::stvec: return {.value = stvec_};
    case csr::mscratch: return {.value = mscratch_};
    case csr::sscratch: return {.value = sscratch_};
    case csr::mepc: return {.value = mepc_};
    case csr::sepc: return {.value = sepc_};
    case csr::mcause: return {.value = mcause_};
    case csr::scause: return {.value = scause_};
    case csr::mtval: return {.value = mtval_};
    case csr::stval: return {.value = stval_};
    case csr::mcounteren: return {.value = mcounteren_};
    case csr::scounteren: return {.value = scounteren_};
    case csr::menvcfg: return {.value = fiom_machine_ | stime_enable_ * bit(63)};
    case csr::senvcfg: return {.value = fiom_supervisor_};
    case csr::stimecmp: return {.value = stimecmp_.compare()};
    case csr::satp: return {.value = satp_};
    case csr::scustom: return {.value = custom_user_};
    case csr::sctxtrap: return {.value = context_trap_};
    case csr::sctxret: return {.value = context_return_};
    case csr::mctxtrap: return {.value = context_machine_};
    case csr::sctxaddr: return {.value = static_cast<uint64_t>(address_register_ | address_context_ << 8)};
    case csr::sctxdata: return {.value = banks_[address_context_][address_register_]};
    default: break;
    }
    uint64_t value = 0;
    if (is_pmp_address(address)) value = pmp_.read_address(address - csr::pmpaddr0);
    if (is_pmp_configuration(address)) {
        for (unsigned byte = 0; byte < 8; byte++) {
            value |= uint64_t{pmp_.read_configuration(4 * (address - csr::pmpcfg0) + byte)} << (8 * byte);
        }
    }
    return {.value = value};
}

void Hart::write_status(uint64_t value, bool machine_fields) {
    const auto is = [&](unsigned number) { return (value >> number & 1) != 0; };
    if (sum_ != is(18) || mxr_ != is(19)) forget_translations();
    sie_ = is(1), spie_ = is(5), spp_ = is(8), sum_ = is(18), mxr_ = is(19);
    if (!machine_fields) return;
    mie_bit_ = is(3), mpie_ = is(7), mprv_ = is(17), tvm_ = is(20), tw_ = is(21), tsr_ = is(22);
    // The level that does not exist becomes U.
    const uint8_t level = value >> 11 & 3;
    mpp_ = level == 2 ? static_cast<uint8_t>(user) : level;
}

void Hart::write_csr(uint16_t address, uint64_t value) {
    const auto merge = [&](auto &target, uint64_t mask) {
        target = static_cast<std::decay_t<decltype(target)>>((target & ~mask) | (value & mask));
    };
    // A context that does not exist becomes 0.
    const auto bank = [&](uint64_t number) { return static_cast<uint8_t>(number < configuration_.contexts ? number : 0); };
    switch (address) {
    case csr::mstatus: return write_status(value, true);
    case csr::sstatus: return write_status(value, false);
    case csr::medeleg: return merge(medeleg_, delegable);
    case csr::mideleg: return merge(mideleg_, supervisor_interrupts);
    case csr::mie: return merge(mie_, all_interrupts);
    case csr::sie: return merge(mie_, mideleg_ & all_interrupts);
    case csr::mip:
        // STIP is read-only while stimecmp drives it.
        return merge(software_pending_, supervisor_interrupts & ~(stime_enable_ ? bit(interrupt::supervisor_timer) : 0));
    case csr::sip: return merge(software_pending_, mideleg_ & bit(interrupt::supervisor_software));
    case csr::mtvec: mtvec_ = value & vector_bits; return;
    case csr::stvec: stvec_ = value & vector_bits; return;
    case csr::mscratch: mscratch_ = value; return;
    case csr::sscratch: sscratch_ = value; return;
    case csr::mepc: mepc_ = value & ~uint64_t{1}; return;
    case csr::sepc: sepc_ = value & ~uint64_t{1}; return;
    case csr::mcause: mcause_ = value & cause_bits; return;
    case csr::scause: scause_ = value & cause_bits; return;
    case csr::mtval: mtval_ = value; return;
    case csr::stval: stval_ = value; return;
    case csr::mcounteren: mcounteren_ = value & 7; return;
    case csr::scounteren: scounteren_ = value & 7; return;
    case csr::menvcfg:
        if (stime_enable_ != static_cast<bool>(value >> 63)) handed_over_ = system_.time.cycles;
        fiom_machine_ = value & 1, stime_enable_ = value >> 63;
        return;
    case csr::senvcfg: fiom_supervisor_ = value & 1; return;
    case csr::stimecmp: return stimecmp_.set(value, system_.time);
    case csr::satp: {
        const uint64_t mode = value >> 60;
        // A write of an unsupported mode has no effect at all (12.1.11).
        if (mode != 0 && mode != satp_mode_sv39) return;
        satp_ = value;
        return forget_translations();
    }
    case csr::mcycle: cycle_offset_ = value - system_.time.cycles; return;
    case csr::minstret: minstret_ = value - 1; return;  // this instruction does not count any more
    case csr::scustom: custom_user_ = value & 1; return;
    case csr::sctxtrap: context_trap_ = bank(value & 15); return;
    case csr::sctxret: context_return_ = bank(value & 15); return;
    case csr::mctxtrap: context_machine_ = bank(value & 15); return;
    case csr::sctxaddr: address_register_ = value & 31, address_context_ = bank(value >> 8 & 15); return;
    case csr::sctxdata:
        if (address_register_ != 0) banks_[address_context_][address_register_] = value;
        return;
    default: break;
    }
    if (is_pmp_address(address)) pmp_.write_address(address - csr::pmpaddr0, value);
    if (is_pmp_configuration(address)) {
        for (unsigned byte = 0; byte < 8; byte++) {
            pmp_.write_configuration(4 * (address - csr::pmpcfg0) + byte, static_cast<uint8_t>(value >> (8 * byte)));
        }
    }
    if (is_pmp_address(address) || is_pmp_configuration(address)) forget_translations();
}

}  // namespace veridian::reference
