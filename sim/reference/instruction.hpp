// Decoding: 32 or 16 bits to what the hart executes.
#pragma once

#include <cstdint>

namespace veridian::reference {

enum class Operation : uint8_t {
    illegal,
    lui, auipc, jal, jalr, beq, bne, blt, bge, bltu, bgeu,
    lb, lh, lw, ld, lbu, lhu, lwu, sb, sh, sw, sd,
    addi, slti, sltiu, xori, ori, andi, slli, srli, srai, addiw, slliw, srliw, sraiw,
    add, sub, sll, slt, sltu, xor_, srl, sra, or_, and_, addw, subw, sllw, srlw, sraw,
    mul, mulh, mulhsu, mulhu, div, divu, rem, remu, mulw, divw, divuw, remw, remuw,
    lr, sc, amoadd, amoswap, amoxor, amoor, amoand, amomin, amomax, amominu, amomaxu,
    fence, fence_i, ecall, ebreak, sret, mret, wfi, sfence_vma,
    csrrw, csrrs, csrrc, csrrwi, csrrsi, csrrci,
    custom,
};

struct Instruction {
    uint32_t raw = 0;  // as fetched; the upper half is zero for a compressed one
    Operation operation = Operation::illegal;
    uint8_t rd = 0, rs1 = 0, rs2 = 0;
    uint8_t size = 0;    // logarithm of the bytes of a memory access
    uint8_t length = 4;  // bytes
    int64_t immediate = 0;
};

// `raw` has its upper half zero if the low two bits are not 11.
Instruction decode(uint32_t raw);

// The 32-bit equivalent of a compressed instruction, 0 if there is none (0 is illegal itself).
uint32_t expand(uint16_t compressed);

inline bool is_compressed(uint32_t raw) { return (raw & 3) != 3; }

}  // namespace veridian::reference
