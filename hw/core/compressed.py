"""Expander of compressed instructions to their 32-bit equivalents (unprivileged specification, chapter 27)."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .isa import Opcode

__all__ = ["CompressedExpander"]


def _r_type(opcode, funct3, rd, rs1, rs2, funct7=0):
    return Cat(C(opcode, 7), rd, C(funct3, 3), rs1, rs2, C(funct7, 7))


def _i_type(opcode, funct3, rd, rs1, immediate):
    """`immediate` has 12 bits."""
    return Cat(C(opcode, 7), rd, C(funct3, 3), rs1, immediate)


def _s_type(funct3, rs1, rs2, immediate):
    """A store; `immediate` has 12 bits."""
    return Cat(C(Opcode.STORE, 7), immediate[0:5], C(funct3, 3), rs1, rs2, immediate[5:12])


def _b_type(funct3, rs1, offset):
    """A branch against x0; `offset` has 13 bits."""
    return Cat(C(Opcode.BRANCH, 7), offset[11], offset[1:5], C(funct3, 3), rs1, C(0, 5), offset[5:11], offset[12])


class CompressedExpander(wiring.Component):
    """Combinational expander.

    Members
    -------
    compressed : 16 bits with the low two bits not 11.
    expanded, illegal : the 32-bit instruction, or that there is none.
    rs1, rs2 : the registers that it reads, if it reads them: as in `expanded`, but there sooner.
    """

    compressed: In(16)
    expanded: Out(32)
    illegal: Out(1)
    rs1: Out(5)
    rs2: Out(5)

    def elaborate(self, platform):
        m = Module()
        c = self.compressed
        x0, ra, sp = C(0, 5), C(1, 5), C(2, 5)
        rd = c[7:12]
        rs2 = c[2:7]
        short1 = Cat(c[7:10], C(1, 2))
        short2 = Cat(c[2:5], C(1, 2))
        imm6 = Cat(c[2:7], c[12].replicate(7))
        shamt = Cat(c[2:7], c[12])

        def out(value):
            return self.expanded.eq(value)

        illegal = self.illegal.eq(1)
        with m.Switch(Cat(c[0:2], c[13:16])):
            with m.Case("000" "00"):  # c.addi4spn
                m.d.comb += out(_i_type(Opcode.OP_IMM, 0, short2, sp, Cat(
                    C(0, 2), c[6], c[5], c[11:13], c[7:11], C(0, 2))))
                with m.If(c[5:13] == 0):
                    m.d.comb += illegal
            with m.Case("010" "00"):  # c.lw
                m.d.comb += out(_i_type(Opcode.LOAD, 2, short2, short1, Cat(C(0, 2), c[6], c[10:13], c[5], C(0, 5))))
            with m.Case("011" "00"):  # c.ld
                m.d.comb += out(_i_type(Opcode.LOAD, 3, short2, short1, Cat(C(0, 3), c[10:13], c[5:7], C(0, 4))))
            with m.Case("110" "00"):  # c.sw
                m.d.comb += out(_s_type(2, short1, short2, Cat(C(0, 2), c[6], c[10:13], c[5], C(0, 5))))
            with m.Case("111" "00"):  # c.sd
                m.d.comb += out(_s_type(3, short1, short2, Cat(C(0, 3), c[10:13], c[5:7], C(0, 4))))

            with m.Case("000" "01"):  # c.addi, c.nop
                m.d.comb += out(_i_type(Opcode.OP_IMM, 0, rd, rd, imm6))
            with m.Case("001" "01"):  # c.addiw
                m.d.comb += out(_i_type(Opcode.OP_IMM_32, 0, rd, rd, imm6))
                with m.If(rd == 0):
                    m.d.comb += illegal
            with m.Case("010" "01"):  # c.li
                m.d.comb += out(_i_type(Opcode.OP_IMM, 0, rd, x0, imm6))
            with m.Case("011" "01"):  # c.lui, c.addi16sp
                with m.If(rd == 2):
                    m.d.comb += out(_i_type(Opcode.OP_IMM, 0, sp, sp, Cat(
                        C(0, 4), c[6], c[2], c[5], c[3:5], c[12].replicate(3))))
                with m.Else():
                    m.d.comb += out(Cat(C(Opcode.LUI, 7), rd, c[2:7], c[12].replicate(15)))
                with m.If((c[2:7] == 0) & ~c[12]):
                    m.d.comb += illegal
            with m.Case("100" "01"):
                with m.Switch(c[10:12]):
                    with m.Case(0, 1):  # c.srli, c.srai
                        m.d.comb += out(_i_type(Opcode.OP_IMM, 5, short1, short1,
                                                Cat(shamt, C(0, 4), c[10], C(0, 1))))
                    with m.Case(2):  # c.andi
                        m.d.comb += out(_i_type(Opcode.OP_IMM, 7, short1, short1, imm6))
                    with m.Case(3):
                        with m.Switch(Cat(c[5:7], c[12])):
                            with m.Case(0b000):  # c.sub
                                m.d.comb += out(_r_type(Opcode.OP, 0, short1, short1, short2, 0x20))
                            with m.Case(0b001):  # c.xor
                                m.d.comb += out(_r_type(Opcode.OP, 4, short1, short1, short2))
                            with m.Case(0b010):  # c.or
                                m.d.comb += out(_r_type(Opcode.OP, 6, short1, short1, short2))
                            with m.Case(0b011):  # c.and
                                m.d.comb += out(_r_type(Opcode.OP, 7, short1, short1, short2))
                            with m.Case(0b100):  # c.subw
                                m.d.comb += out(_r_type(Opcode.OP_32, 0, short1, short1, short2, 0x20))
                            with m.Case(0b101):  # c.addw
                                m.d.comb += out(_r_type(Opcode.OP_32, 0, short1, short1, short2))
                            with m.Default():
                                m.d.comb += illegal
            with m.Case("101" "01"):  # c.j
                offset = Cat(C(0, 1), c[3:6], c[11], c[2], c[7], c[6], c[9:11], c[8], c[12].replicate(10))
                m.d.comb += out(Cat(C(Opcode.JAL, 7), x0, offset[12:20], offset[11], offset[1:11], offset[20]))
            with m.Case("11-" "01"):  # c.beqz, c.bnez
                offset = Cat(C(0, 1), c[3:5], c[10:12], c[2], c[5:7], c[12].replicate(5))
                m.d.comb += out(Mux(c[13], _b_type(1, short1, offset), _b_type(0, short1, offset)))

            with m.Case("000" "10"):  # c.slli
                m.d.comb += out(_i_type(Opcode.OP_IMM, 1, rd, rd, Cat(shamt, C(0, 6))))
            with m.Case("010" "10"):  # c.lwsp
                m.d.comb += out(_i_type(Opcode.LOAD, 2, rd, sp, Cat(C(0, 2), c[4:7], c[12], c[2:4], C(0, 4))))
                with m.If(rd == 0):
                    m.d.comb += illegal
            with m.Case("011" "10"):  # c.ldsp
                m.d.comb += out(_i_type(Opcode.LOAD, 3, rd, sp, Cat(C(0, 3), c[5:7], c[12], c[2:5], C(0, 3))))
                with m.If(rd == 0):
                    m.d.comb += illegal
            with m.Case("100" "10"):
                with m.If(rs2 != 0):  # c.mv, c.add
                    m.d.comb += out(_r_type(Opcode.OP, 0, rd, Mux(c[12], rd, 0), rs2))
                with m.Elif(rd != 0):  # c.jr, c.jalr
                    m.d.comb += out(_i_type(Opcode.JALR, 0, Mux(c[12], ra, x0), rd, C(0, 12)))
                with m.Elif(c[12]):  # c.ebreak
                    m.d.comb += out(C(0x0010_0073, 32))
                with m.Else():
                    m.d.comb += illegal
            with m.Case("110" "10"):  # c.swsp
                m.d.comb += out(_s_type(2, sp, rs2, Cat(C(0, 2), c[9:13], c[7:9], C(0, 4))))
            with m.Case("111" "10"):  # c.sdsp
                m.d.comb += out(_s_type(3, sp, rs2, Cat(C(0, 3), c[10:13], c[7:10], C(0, 3))))
            with m.Default():  # Floating point, reserved, or not compressed at all.
                m.d.comb += illegal
        self._add_registers(m, c)
        return m

    def _add_registers(self, m, c):
        """The register numbers by themselves: a choice of few, where `expanded` is one of all instructions."""
        funct3 = c[13:16]
        at_rd, short, at_sp = Signal(), Signal(), Signal()
        with m.Switch(c[0:2]):
            with m.Case(0):
                m.d.comb += [short.eq(funct3 != 0), at_sp.eq(funct3 == 0), self.rs2.eq(Cat(c[2:5], C(1, 2)))]
            with m.Case(1):
                m.d.comb += [
                    at_rd.eq(~funct3[2] & (funct3 != 2)), short.eq(funct3[2]),
                    # Branches compare with x0.
                    self.rs2.eq(Mux(funct3[1], 0, Cat(c[2:5], C(1, 2)))),
                ]
            with m.Case(2):
                m.d.comb += [
                    # c.mv reads x0, its neighbours rd.
                    at_rd.eq((funct3 == 0) | ((funct3 == 4) & (c[12] | (c[2:7] == 0)))),
                    at_sp.eq(funct3[1]), self.rs2.eq(c[2:7]),
                ]
        m.d.comb += self.rs1.eq((c[7:12] & at_rd.replicate(5)) | (Cat(c[7:10], C(1, 2)) & short.replicate(5))
                                | (C(2, 5) & at_sp.replicate(5)))
