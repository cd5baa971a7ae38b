#include "instruction.hpp"

#include "numbers.hpp"

namespace veridian::reference {

namespace {

constexpr uint32_t field(uint32_t word, int low, int bits) { return word >> low & ((1u << bits) - 1); }

constexpr int64_t signed_field(uint32_t word, int low, int bits) {
    return static_cast<int64_t>(static_cast<uint64_t>(word) << (64 - low - bits)) >> (64 - bits);
}

// Immediates (unprivileged specification, 2.3).
int64_t immediate_i(uint32_t raw) { return signed_field(raw, 20, 12); }
int64_t immediate_s(uint32_t raw) { return signed_field(raw, 25, 7) << 5 | field(raw, 7, 5); }
int64_t immediate_b(uint32_t raw) {
    return signed_field(raw, 31, 1) << 12 | field(raw, 7, 1) << 11 | field(raw, 25, 6) << 5 | field(raw, 8, 4) << 1;
}
int64_t immediate_u(uint32_t raw) { return static_cast<int32_t>(raw & 0xfffff000); }
int64_t immediate_j(uint32_t raw) {
    return signed_field(raw, 31, 1) << 20 | field(raw, 12, 8) << 12 | field(raw, 20, 1) << 11 |
           field(raw, 21, 10) << 1;
}

using enum Operation;

Operation decode_register(uint32_t funct7, uint32_t funct3) {
    constexpr Operation base[] = {add, sll, slt, sltu, xor_, srl, or_, and_};
    constexpr Operation muldiv[] = {mul, mulh, mulhsu, mulhu, div, divu, rem, remu};
    switch (funct7) {
    case 0x00: return base[funct3];
    case 0x01: return muldiv[funct3];
    case 0x20: return funct3 == 0 ? sub : funct3 == 5 ? sra : illegal;
    default: return illegal;
    }
}

Operation decode_register_word(uint32_t funct7, uint32_t funct3) {
    switch (funct7 << 3 | funct3) {
    case 0x00 << 3 | 0: return addw;
    case 0x00 << 3 | 1: return sllw;
    case 0x00 << 3 | 5: return srlw;
    case 0x20 << 3 | 0: return subw;
    case 0x20 << 3 | 5: return sraw;
    case 0x01 << 3 | 0: return mulw;
    case 0x01 << 3 | 4: return divw;
    case 0x01 << 3 | 5: return divuw;
    case 0x01 << 3 | 6: return remw;
    case 0x01 << 3 | 7: return remuw;
    default: return illegal;
    }
}

Operation decode_immediate(Instruction &out, uint32_t funct3) {
    constexpr Operation plain[] = {addi, illegal, slti, sltiu, xori, illegal, ori, andi};
    if (funct3 != 1 && funct3 != 5) return plain[funct3];
    const uint32_t funct6 = static_cast<uint32_t>(out.immediate) >> 6 & 0x3f;
    out.immediate &= 63;
    if (funct3 == 1) return funct6 == 0 ? slli : illegal;
    return funct6 == 0 ? srli : funct6 == 0x10 ? srai : illegal;
}

Operation decode_immediate_word(Instruction &out, uint32_t funct3) {
    if (funct3 == 0) return addiw;
    const uint32_t funct7 = static_cast<uint32_t>(out.immediate) >> 5 & 0x7f;
    out.immediate &= 31;
    if (funct3 == 1) return funct7 == 0 ? slliw : illegal;
    if (funct3 == 5) return funct7 == 0 ? srliw : funct7 == 0x20 ? sraiw : illegal;
    return illegal;
}

Operation decode_atomic(const Instruction &out, uint32_t funct5, uint32_t funct3) {
    if (funct3 != 2 && funct3 != 3) return illegal;
    switch (funct5) {
    case 0x00: return amoadd;
    case 0x01: return amoswap;
    case 0x02: return out.rs2 == 0 ? lr : illegal;
    case 0x03: return sc;
    case 0x04: return amoxor;
    case 0x08: return amoor;
    case 0x0c: return amoand;
    case 0x10: return amomin;
    case 0x14: return amomax;
    case 0x18: return amominu;
    case 0x1c: return amomaxu;
    default: return illegal;
    }
}

Operation decode_system(uint32_t raw, uint32_t funct3) {
    constexpr Operation csrs[] = {illegal, csrrw, csrrs, csrrc, illegal, csrrwi, csrrsi, csrrci};
    if (funct3 != 0) return csrs[funct3];
    switch (raw) {
    case 0x00000073: return ecall;
    case 0x00100073: return ebreak;
    case 0x10200073: return sret;
    case 0x30200073: return mret;
    case 0x10500073: return wfi;
    default: break;
    }
    return field(raw, 25, 7) == 0x09 && field(raw, 7, 5) == 0 ? sfence_vma : illegal;
}

}  // namespace

Instruction decode(uint32_t raw) {
    Instruction out;
    out.raw = raw;
    uint32_t word = raw;
    if (is_compressed(raw)) {
        out.length = 2;
        word = expand(static_cast<uint16_t>(raw));
    }
    out.rd = field(word, 7, 5);
    out.rs1 = field(word, 15, 5);
    out.rs2 = field(word, 20, 5);
    out.immediate = immediate_i(word);
    const uint32_t funct3 = field(word, 12, 3), funct7 = field(word, 25, 7);
    out.size = funct3 & 3;
    constexpr Operation branches[] = {beq, bne, illegal, illegal, blt, bge, bltu, bgeu};
    constexpr Operation loads[] = {lb, lh, lw, ld, lbu, lhu, lwu, illegal};
    constexpr Operation stores[] = {sb, sh, sw, sd, illegal, illegal, illegal, illegal};
    switch (word & 0x7f) {
    case opcode::lui: out.operation = lui; out.immediate = immediate_u(word); break;
    case opcode::auipc: out.operation = auipc; out.immediate = immediate_u(word); break;
    case opcode::jal: out.operation = jal; out.immediate = immediate_j(word); break;
    case opcode::jalr: out.operation = funct3 == 0 ? jalr : illegal; break;
    case opcode::branch: out.operation = branches[funct3]; out.immediate = immediate_b(word); break;
    case opcode::load: out.operation = loads[funct3]; break;
    case opcode::store: out.operation = stores[funct3]; out.immediate = immediate_s(word); break;
    case opcode::op_imm: out.operation = decode_immediate(out, funct3); break;
    case opcode::op_imm_32: out.operation = decode_immediate_word(out, funct3); break;
    case opcode::op: out.operation = decode_register(funct7, funct3); break;
    case opcode::op_32: out.operation = decode_register_word(funct7, funct3); break;
    case opcode::amo: out.operation = decode_atomic(out, funct7 >> 2, funct3); break;
    case opcode::misc_mem: out.operation = funct3 == 0 ? fence : funct3 == 1 ? fence_i : illegal; break;
    case opcode::system: out.operation = decode_system(word, funct3); break;
    case opcode::custom_0: out.operation = custom; break;
    default: break;
    }
    return out;
}

}  // namespace veridian::reference
