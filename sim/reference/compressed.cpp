// Compressed instructions (unprivileged specification, chapter 27, tables 38 to 40).

#include "instruction.hpp"
#include "numbers.hpp"

namespace veridian::reference {

namespace {

constexpr uint32_t x0 = 0, ra = 1, sp = 2;

class Bits {
public:
    explicit Bits(uint16_t word) : word_(word) {}

    // Bits high..low, moved to bit `to`.
    uint32_t at(int high, int low, int to) const {
        return (word_ >> low & ((1u << (high - low + 1)) - 1)) << to;
    }
    uint32_t rd() const { return at(11, 7, 0); }
    uint32_t rs2() const { return at(6, 2, 0); }
    uint32_t rd_short() const { return 8 + at(9, 7, 0); }
    uint32_t rs2_short() const { return 8 + at(4, 2, 0); }
    uint32_t shift() const { return at(12, 12, 5) | at(6, 2, 0); }
    // Six bits, sign-extended.
    int32_t signed6() const { return static_cast<int32_t>(shift() << 26) >> 26; }
    bool set(int bit) const { return word_ >> bit & 1; }

private:
    uint32_t word_;
};

int32_t sign_extend(uint32_t value, int bits) { return static_cast<int32_t>(value << (32 - bits)) >> (32 - bits); }

uint32_t r_type(uint32_t code, uint32_t funct3, uint32_t rd, uint32_t rs1, uint32_t rs2, uint32_t funct7 = 0) {
    return code | rd << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | funct7 << 25;
}

uint32_t i_type(uint32_t code, uint32_t funct3, uint32_t rd, uint32_t rs1, int32_t immediate) {
    return code | rd << 7 | funct3 << 12 | rs1 << 15 | static_cast<uint32_t>(immediate) << 20;
}

uint32_t store(uint32_t funct3, uint32_t rs1, uint32_t rs2, uint32_t offset) {
    return opcode::store | (offset & 31) << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | offset >> 5 << 25;
}

uint32_t branch(uint32_t funct3, uint32_t rs1, uint32_t offset) {
    return opcode::branch | (offset >> 11 & 1) << 7 | (offset >> 1 & 15) << 8 | funct3 << 12 | rs1 << 15 |
           (offset >> 5 & 63) << 25 | (offset >> 12 & 1) << 31;
}

uint32_t jump(uint32_t offset) {
    return opcode::jal | (offset >> 12 & 0xff) << 12 | (offset >> 11 & 1) << 20 | (offset >> 1 & 0x3ff) << 21 |
           (offset >> 20 & 1) << 31;
}

uint32_t quadrant0(const Bits &c, uint32_t funct3) {
    const uint32_t word_offset = c.at(5, 5, 6) | c.at(12, 10, 3) | c.at(6, 6, 2);
    const uint32_t double_offset = c.at(6, 5, 6) | c.at(12, 10, 3);
    switch (funct3) {
    case 0: {
        const uint32_t offset = c.at(10, 7, 6) | c.at(12, 11, 4) | c.at(5, 5, 3) | c.at(6, 6, 2);
        return offset == 0 ? 0 : i_type(opcode::op_imm, 0, c.rs2_short(), sp, static_cast<int32_t>(offset));
    }
    case 2: return i_type(opcode::load, 2, c.rs2_short(), c.rd_short(), static_cast<int32_t>(word_offset));
    case 3: return i_type(opcode::load, 3, c.rs2_short(), c.rd_short(), static_cast<int32_t>(double_offset));
    case 6: return store(2, c.rd_short(), c.rs2_short(), word_offset);
    case 7: return store(3, c.rd_short(), c.rs2_short(), double_offset);
    default: return 0;
    }
}

uint32_t arithmetic(const Bits &c) {
    const uint32_t rd = c.rd_short(), rs2 = c.rs2_short();
    switch (c.at(11, 10, 0)) {
    case 0: return i_type(opcode::op_imm, 5, rd, rd, static_cast<int32_t>(c.shift()));
    case 1: return i_type(opcode::op_imm, 5, rd, rd, static_cast<int32_t>(c.shift() | 0x400));
    case 2: return i_type(opcode::op_imm, 7, rd, rd, c.signed6());
    default: break;
    }
    switch (c.at(12, 12, 2) | c.at(6, 5, 0)) {
    case 0: return r_type(opcode::op, 0, rd, rd, rs2, 0x20);
    case 1: return r_type(opcode::op, 4, rd, rd, rs2);
    case 2: return r_type(opcode::op, 6, rd, rd, rs2);
    case 3: return r_type(opcode::op, 7, rd, rd, rs2);
    case 4: return r_type(opcode::op_32, 0, rd, rd, rs2, 0x20);
    case 5: return r_type(opcode::op_32, 0, rd, rd, rs2);
    default: return 0;
    }
}

uint32_t quadrant1(const Bits &c, uint32_t funct3) {
    const uint32_t rd = c.rd();
    const int32_t branch_offset =
        sign_extend(c.at(12, 12, 8) | c.at(6, 5, 6) | c.at(2, 2, 5) | c.at(11, 10, 3) | c.at(4, 3, 1), 9);
    switch (funct3) {
    case 0: return i_type(opcode::op_imm, 0, rd, rd, c.signed6());
    case 1: return rd == 0 ? 0 : i_type(opcode::op_imm_32, 0, rd, rd, c.signed6());
    case 2: return i_type(opcode::op_imm, 0, rd, x0, c.signed6());
    case 3: {
        if (c.signed6() == 0) return 0;
        if (rd != sp) return opcode::lui | rd << 7 | static_cast<uint32_t>(c.signed6()) << 12;
        const uint32_t offset = c.at(12, 12, 9) | c.at(4, 3, 7) | c.at(5, 5, 6) | c.at(2, 2, 5) | c.at(6, 6, 4);
        return i_type(opcode::op_imm, 0, sp, sp, sign_extend(offset, 10));
    }
    case 4: return arithmetic(c);
    case 5: {
        const uint32_t offset = c.at(12, 12, 11) | c.at(8, 8, 10) | c.at(10, 9, 8) | c.at(6, 6, 7) | c.at(7, 7, 6) |
                                c.at(2, 2, 5) | c.at(11, 11, 4) | c.at(5, 3, 1);
        return jump(static_cast<uint32_t>(sign_extend(offset, 12)));
    }
    default: return branch(funct3 & 1, c.rd_short(), static_cast<uint32_t>(branch_offset));
    }
}

uint32_t quadrant2(const Bits &c, uint32_t funct3) {
    const uint32_t rd = c.rd(), rs2 = c.rs2();
    switch (funct3) {
    case 0: return i_type(opcode::op_imm, 1, rd, rd, static_cast<int32_t>(c.shift()));
    case 2: {
        const uint32_t offset = c.at(3, 2, 6) | c.at(12, 12, 5) | c.at(6, 4, 2);
        return rd == 0 ? 0 : i_type(opcode::load, 2, rd, sp, static_cast<int32_t>(offset));
    }
    case 3: {
        const uint32_t offset = c.at(4, 2, 6) | c.at(12, 12, 5) | c.at(6, 5, 3);
        return rd == 0 ? 0 : i_type(opcode::load, 3, rd, sp, static_cast<int32_t>(offset));
    }
    case 4:
        if (rs2 != 0) return r_type(opcode::op, 0, rd, c.set(12) ? rd : x0, rs2);
        if (rd != 0) return i_type(opcode::jalr, 0, c.set(12) ? ra : x0, rd, 0);
        return c.set(12) ? 0x00100073 : 0;  // c.ebreak
    case 6: return store(2, sp, rs2, c.at(8, 7, 6) | c.at(12, 9, 2));
    case 7: return store(3, sp, rs2, c.at(9, 7, 6) | c.at(12, 10, 3));
    default: return 0;
    }
}

}  // namespace

uint32_t expand(uint16_t compressed) {
    const Bits bits(compressed);
    const uint32_t funct3 = bits.at(15, 13, 0);
    switch (compressed & 3) {
    case 0: return quadrant0(bits, funct3);
    case 1: return quadrant1(bits, funct3);
    default: return quadrant2(bits, funct3);
    }
}

}  // namespace veridian::reference
