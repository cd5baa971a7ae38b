// What each instruction does, but for CSR instructions.

#include <algorithm>

#include "hart.hpp"
#include "numbers.hpp"
#include "system.hpp"

namespace veridian::reference {

namespace {

uint64_t sign32(uint64_t value) { return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(value))); }

int64_t as_signed(uint64_t value) { return static_cast<int64_t>(value); }

uint64_t high_signed(int64_t a, int64_t b) { return static_cast<uint64_t>(static_cast<__int128>(a) * b >> 64); }

uint64_t high_unsigned(uint64_t a, uint64_t b) {
    return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b >> 64);
}

uint64_t high_mixed(int64_t a, uint64_t b) {
    return static_cast<uint64_t>(static_cast<__int128>(a) * static_cast<__int128>(static_cast<unsigned __int128>(b)) >> 64);
}

// Division by zero and overflow (unprivileged specification, table 11).
int64_t divide(int64_t a, int64_t b) { return b == 0 ? -1 : b == -1 ? static_cast<int64_t>(0 - static_cast<uint64_t>(a)) : a / b; }
int64_t remainder(int64_t a, int64_t b) { return b == 0 ? a : b == -1 ? 0 : a % b; }
uint64_t divide_unsigned(uint64_t a, uint64_t b) { return b == 0 ? ~uint64_t{0} : a / b; }
uint64_t remainder_unsigned(uint64_t a, uint64_t b) { return b == 0 ? a : a % b; }

}  // namespace

void Hart::execute(const Instruction &insn) {
    using enum Operation;
    const uint64_t a = x_[insn.rs1], b = x_[insn.rs2], pc = pc_;
    const uint64_t immediate = static_cast<uint64_t>(insn.immediate);
    const uint32_t a32 = static_cast<uint32_t>(a), b32 = static_cast<uint32_t>(b);
    const int32_t sa32 = static_cast<int32_t>(a), sb32 = static_cast<int32_t>(b);
    const unsigned rd = insn.rd;

    const auto branch = [&](bool taken) {
        if (taken) jump(pc + immediate);
    };
    const auto load_signed = [&](unsigned bits) {
        uint64_t value;
        if (load(a + immediate, insn.size, value)) set(rd, static_cast<uint64_t>(as_signed(value << (64 - bits)) >> (64 - bits)));
    };
    const auto load_unsigned = [&] {
        uint64_t value;
        if (load(a + immediate, insn.size, value)) set(rd, value);
    };

    switch (insn.operation) {
    case lui: return set(rd, immediate);
    case auipc: return set(rd, pc + immediate);
    case jal: set(rd, next_pc_); return jump(pc + immediate);
    case jalr: set(rd, next_pc_); return jump((a + immediate) & ~uint64_t{1});
    case beq: return branch(a == b);
    case bne: return branch(a != b);
    case blt: return branch(as_signed(a) < as_signed(b));
    case bge: return branch(as_signed(a) >= as_signed(b));
    case bltu: return branch(a < b);
    case bgeu: return branch(a >= b);

    case lb: return load_signed(8);
    case lh: return load_signed(16);
    case lw: return load_signed(32);
    case ld: case lbu: case lhu: case lwu: return load_unsigned();
    case sb: case sh: case sw: case sd: store(a + immediate, insn.size, b); return;

    case addi: return set(rd, a + immediate);
    case slti: return set(rd, as_signed(a) < insn.immediate);
    case sltiu: return set(rd, a < immediate);
    case xori: return set(rd, a ^ immediate);
    case ori: return set(rd, a | immediate);
    case andi: return set(rd, a & immediate);
    case slli: return set(rd, a << immediate);
    case srli: return set(rd, a >> immediate);
    case srai: return set(rd, static_cast<uint64_t>(as_signed(a) >> immediate));
    case addiw: return set(rd, sign32(a + immediate));
    case slliw: return set(rd, sign32(a32 << immediate));
    case srliw: return set(rd, sign32(a32 >> immediate));
    case sraiw: return set(rd, sign32(static_cast<uint32_t>(sa32 >> immediate)));

    case add: return set(rd, a + b);
    case sub: return set(rd, a - b);
    case sll: return set(rd, a << (b & 63));
    case slt: return set(rd, as_signed(a) < as_signed(b));
    case sltu: return set(rd, a < b);
    case xor_: return set(rd, a ^ b);
    case srl: return set(rd, a >> (b & 63));
    case sra: return set(rd, static_cast<uint64_t>(as_signed(a) >> (b & 63)));
    case or_: return set(rd, a | b);
    case and_: return set(rd, a & b);
    case addw: return set(rd, sign32(a + b));
    case subw: return set(rd, sign32(a - b));
    case sllw: return set(rd, sign32(a32 << (b & 31)));
    case srlw: return set(rd, sign32(a32 >> (b & 31)));
    case sraw: return set(rd, sign32(static_cast<uint32_t>(sa32 >> (b & 31))));

    case mul: return set(rd, a * b);
    case mulh: return set(rd, high_signed(as_signed(a), as_signed(b)));
    case mulhsu: return set(rd, high_mixed(as_signed(a), b));
    case mulhu: return set(rd, high_unsigned(a, b));
    case mulw: return set(rd, sign32(a * b));
    case div: return set(rd, static_cast<uint64_t>(divide(as_signed(a), as_signed(b))));
    case divu: return set(rd, divide_unsigned(a, b));
    case rem: return set(rd, static_cast<uint64_t>(remainder(as_signed(a), as_signed(b))));
    case remu: return set(rd, remainder_unsigned(a, b));
    case divw: return set(rd, sign32(static_cast<uint64_t>(divide(sa32, sb32))));
    case divuw: return set(rd, b32 == 0 ? ~uint64_t{0} : sign32(a32 / b32));
    case remw: return set(rd, sign32(static_cast<uint64_t>(remainder(sa32, sb32))));
    case remuw: return set(rd, sign32(b32 == 0 ? a32 : a32 % b32));

    case lr: case sc: case amoadd: case amoswap: case amoxor: case amoor: case amoand: case amomin: case amomax:
    case amominu: case amomaxu:
        return execute_atomic(insn);
    case csrrw: case csrrs: case csrrc: case csrrwi: case csrrsi: case csrrci: return execute_csr(insn);
    case fence: case fence_i: case ecall: case ebreak: case sret: case mret: case wfi: case sfence_vma:
        return execute_system(insn);
    case custom: return execute_custom(insn);
    case illegal: break;
    }
    refuse();
}

// Who may do what: privileged specification, 3.1.6.6 and 3.3.
void Hart::execute_system(const Instruction &insn) {
    const bool from_user = privilege_ == user, from_supervisor = privilege_ == supervisor;
    switch (insn.operation) {
    case Operation::ecall: raise(static_cast<uint8_t>(cause::ecall_user + privilege_), 0); return;
    case Operation::ebreak: raise(cause::breakpoint, pc_); return;
    case Operation::mret:
        if (privilege_ != machine) return refuse();
        return machine_return();
    case Operation::sret:
        if (from_user || (from_supervisor && tsr_)) return refuse();
        return supervisor_return();
    case Operation::wfi:
        if (from_user || (from_supervisor && tw_)) return refuse();
        waiting_ = true;
        return;
    case Operation::sfence_vma:
        if (from_user || (from_supervisor && tvm_)) return refuse();
        return;
    default: return;  // fences: nothing here is ever out of order
    }
}

void Hart::execute_atomic(const Instruction &insn) {
    using enum Operation;
    const uint64_t address = x_[insn.rs1], b = x_[insn.rs2];
    const bool word = insn.size == 2;
    const bool reads_only = insn.operation == lr;
    if (address & ((1u << insn.size) - 1)) {
        raise(reads_only ? cause::load_misaligned : cause::store_misaligned, address);
        return;
    }
    uint64_t physical;
    if (!translate(address, reads_only ? Access::load : Access::store, physical)) return;
    if (!in_memory(physical)) {
        raise(reads_only ? cause::load_access : cause::store_access, address);
        return;
    }
    if (insn.operation == sc) {
        const bool holds = reserved_ && reservation_ == (physical & ~uint64_t{7});
        reserved_ = false;
        if (holds) store(address, insn.size, b);
        return set(insn.rd, !holds);
    }
    uint64_t raw;
    if (!load(address, insn.size, raw, reads_only ? Access::load : Access::store)) return;
    const uint64_t old = word ? sign32(raw) : raw;
    if (reads_only) {
        reserved_ = true;
        reservation_ = physical & ~uint64_t{7};
        return set(insn.rd, old);
    }
    // Sign extension keeps the order of unsigned words too.
    const uint64_t c = word ? sign32(b) : b;
    uint64_t fresh = 0;
    switch (insn.operation) {
    case amoadd: fresh = old + c; break;
    case amoswap: fresh = c; break;
    case amoxor: fresh = old ^ c; break;
    case amoor: fresh = old | c; break;
    case amoand: fresh = old & c; break;
    case amomin: fresh = as_signed(old) < as_signed(c) ? old : c; break;
    case amomax: fresh = as_signed(old) < as_signed(c) ? c : old; break;
    case amominu: fresh = std::min(old, c); break;
    case amomaxu: fresh = std::max(old, c); break;
    default: break;
    }
    store(address, insn.size, fresh);
    set(insn.rd, old);
}

void Hart::execute_custom(const Instruction &insn) {
    if (privilege_ == user && !custom_user_) return refuse();
    uint64_t result;
    const uint32_t funct3 = insn.raw >> 12 & 7, funct7 = insn.raw >> 25;
    bool writes = true;
    if (configuration_.mailbox &&
        system_.mailbox.execute(context_, funct7, funct3, x_[insn.rs1], x_[insn.rs2], result, writes)) {
        // The RTL's unit may know what the tables said before, and its clock when a limit allows a message.
        if (writes) set(insn.rd, observed_ != nullptr && observed_->rd_written ? observed_->rd_value : result);
        return;
    }
    if (!configuration_.capability_unit ||
        !system_.capability_unit.execute(funct7, funct3, privilege_ == user, x_[insn.rs1], x_[insn.rs2], result)) {
        return refuse();
    }
    // The RTL's unit may still know what the tables said before, until it is told to forget.
    set(insn.rd, observed_ != nullptr && observed_->rd_written ? observed_->rd_value : result);
}

}  // namespace veridian::reference
