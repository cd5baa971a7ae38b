"""Instruction decoder: a table of encodings and what each needs from the pipeline."""

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Unit", "System", "Immediate", "Control", "Decoder"]


class Unit(enum.Enum, shape=4):
    """What produces the instruction's result or effect."""

    ALU = 0
    BRANCH = 1
    #: jal and jalr: the result is the address of the next instruction.
    JUMP = 2
    LOAD = 3
    STORE = 4
    #: lr, sc and amo: funct5 tells which.
    ATOMIC = 5
    MULTIPLY = 6
    DIVIDE = 7
    CSR = 8
    SYSTEM = 9
    CUSTOM = 10


class System(enum.Enum, shape=4):
    """Instructions without a result."""

    FENCE = 0
    FENCE_I = 1
    ECALL = 2
    EBREAK = 3
    SRET = 4
    MRET = 5
    WFI = 6
    SFENCE_VMA = 7


class Immediate(enum.Enum, shape=3):
    """Immediate formats (unprivileged specification, 2.3)."""

    NONE = 0
    I = 1  # noqa: E741
    S = 2
    B = 3
    U = 4
    J = 5


class Control(data.Struct):
    """Decoded instruction, as it travels down the pipeline."""

    unit: Unit
    system: System
    #: ALU operands: the first is pc instead of rs1, the second the immediate instead of rs2.
    use_pc: 1
    use_immediate: 1
    #: Operate on the low 32 bits and sign-extend the result.
    word: 1
    #: Subtract instead of add, shift arithmetically instead of logically.
    alternate: 1
    funct3: 3
    #: The jump's target is rs1 + immediate instead of pc + immediate.
    indirect: 1
    reads_rs1: 1
    reads_rs2: 1
    writes_rd: 1


_R = dict(reads_rs1=1, reads_rs2=1, writes_rd=1)
_I = dict(reads_rs1=1, writes_rd=1, use_immediate=1, immediate=Immediate.I)
_ADD = dict(funct3=0)

#: (mnemonic, bits 31:0 with spaces ignored, what to set). `immediate` chooses the format, the others are fields of
#: :class:`Control`; funct3 is that of the instruction unless stated.
ENCODINGS = (
    ("lui", "------- ----- ----- --- ----- 0110111", dict(
        _ADD, unit=Unit.ALU, writes_rd=1, use_immediate=1, immediate=Immediate.U, zero_rs1=1)),
    ("auipc", "------- ----- ----- --- ----- 0010111", dict(
        _ADD, unit=Unit.ALU, writes_rd=1, use_pc=1, use_immediate=1, immediate=Immediate.U)),
    ("jal", "------- ----- ----- --- ----- 1101111", dict(unit=Unit.JUMP, writes_rd=1, immediate=Immediate.J)),
    ("jalr", "------- ----- ----- 000 ----- 1100111", dict(_I, unit=Unit.JUMP, indirect=1)),
    *((name, f"------- ----- ----- {funct3} ----- 1100011", dict(
        unit=Unit.BRANCH, reads_rs1=1, reads_rs2=1, immediate=Immediate.B))
      for name, funct3 in (("beq/bne", "00-"), ("blt/bge", "10-"), ("bltu/bgeu", "11-"))),
    *((name, f"------- ----- ----- {funct3} ----- 0000011", dict(_I, unit=Unit.LOAD))
      for name, funct3 in (("lb/lh/lw/ld", "0--"), ("lbu/lhu", "10-"), ("lwu", "110"))),
    ("sb/sh/sw/sd", "------- ----- ----- 0-- ----- 0100011", dict(
        unit=Unit.STORE, reads_rs1=1, reads_rs2=1, immediate=Immediate.S)),
    *((name, f"------- ----- ----- {funct3} ----- 0010011", dict(_I, unit=Unit.ALU))
      for name, funct3 in (("addi", "000"), ("slti/sltiu", "01-"), ("xori", "100"), ("ori/andi", "11-"))),
    ("slli/srli", "000000- ----- ----- -01 ----- 0010011", dict(_I, unit=Unit.ALU)),
    ("srai", "010000- ----- ----- 101 ----- 0010011", dict(_I, unit=Unit.ALU, alternate=1)),
    ("addiw", "------- ----- ----- 000 ----- 0011011", dict(_I, unit=Unit.ALU, word=1)),
    ("slliw/srliw", "0000000 ----- ----- -01 ----- 0011011", dict(_I, unit=Unit.ALU, word=1)),
    ("sraiw", "0100000 ----- ----- 101 ----- 0011011", dict(_I, unit=Unit.ALU, word=1, alternate=1)),
    ("op", "0000000 ----- ----- --- ----- 0110011", dict(_R, unit=Unit.ALU)),
    ("sub", "0100000 ----- ----- 000 ----- 0110011", dict(_R, unit=Unit.ALU, alternate=1)),
    ("sra", "0100000 ----- ----- 101 ----- 0110011", dict(_R, unit=Unit.ALU, alternate=1)),
    ("mul", "0000001 ----- ----- 0-- ----- 0110011", dict(_R, unit=Unit.MULTIPLY)),
    ("div/rem", "0000001 ----- ----- 1-- ----- 0110011", dict(_R, unit=Unit.DIVIDE)),
    ("addw", "0000000 ----- ----- 000 ----- 0111011", dict(_R, unit=Unit.ALU, word=1)),
    ("sllw/srlw", "0000000 ----- ----- -01 ----- 0111011", dict(_R, unit=Unit.ALU, word=1)),
    ("subw", "0100000 ----- ----- 000 ----- 0111011", dict(_R, unit=Unit.ALU, word=1, alternate=1)),
    ("sraw", "0100000 ----- ----- 101 ----- 0111011", dict(_R, unit=Unit.ALU, word=1, alternate=1)),
    ("mulw", "0000001 ----- ----- 000 ----- 0111011", dict(_R, unit=Unit.MULTIPLY, word=1)),
    ("divw/remw", "0000001 ----- ----- 1-- ----- 0111011", dict(_R, unit=Unit.DIVIDE, word=1)),
    *((name, f"{funct5}-- ----- ----- 01- ----- 0101111", dict(_R, unit=Unit.ATOMIC))
      for name, funct5 in (("amoadd", "00000"), ("amoswap", "00001"), ("sc", "00011"), ("amoxor", "00100"),
                           ("amoor", "01000"), ("amoand", "01100"), ("amomin", "10000"), ("amomax", "10100"),
                           ("amominu", "11000"), ("amomaxu", "11100"))),
    ("lr", "00010-- 00000 ----- 01- ----- 0101111", dict(unit=Unit.ATOMIC, reads_rs1=1, writes_rd=1)),
    ("fence", "------- ----- ----- 000 ----- 0001111", dict(unit=Unit.SYSTEM, system=System.FENCE)),
    ("fence.i", "------- ----- ----- 001 ----- 0001111", dict(unit=Unit.SYSTEM, system=System.FENCE_I)),
    *((name, f"------- ----- ----- {funct3} ----- 1110011", dict(
        unit=Unit.CSR, writes_rd=1, reads_rs1=int(funct3[0] == "0")))
      for name, funct3 in (("csrrw", "001"), ("csrrs/csrrc", "01-"), ("csrrwi", "101"), ("csrrsi/csrrci", "11-"))),
    ("ecall", "0000000 00000 00000 000 00000 1110011", dict(unit=Unit.SYSTEM, system=System.ECALL)),
    ("ebreak", "0000000 00001 00000 000 00000 1110011", dict(unit=Unit.SYSTEM, system=System.EBREAK)),
    ("sret", "0001000 00010 00000 000 00000 1110011", dict(unit=Unit.SYSTEM, system=System.SRET)),
    ("mret", "0011000 00010 00000 000 00000 1110011", dict(unit=Unit.SYSTEM, system=System.MRET)),
    ("wfi", "0001000 00101 00000 000 00000 1110011", dict(unit=Unit.SYSTEM, system=System.WFI)),
    ("sfence.vma", "0001001 ----- ----- 000 00000 1110011", dict(
        unit=Unit.SYSTEM, system=System.SFENCE_VMA, reads_rs1=1, reads_rs2=1)),
    ("custom-0", "------- ----- ----- --- ----- 0001011", dict(_R, unit=Unit.CUSTOM)),
)


class Decoder(wiring.Component):
    """Combinational decoder of 32-bit instructions.

    Whether the current privilege allows the instruction is not its business.

    Members
    -------
    insn : the (expanded) instruction.
    control, immediate, rd, rs1, rs2 : what it means; registers that it does not use are 0.
    illegal : no such instruction.
    """

    insn: In(32)
    control: Out(Control)
    immediate: Out(64)
    rd: Out(5)
    rs1: Out(5)
    rs2: Out(5)
    illegal: Out(1)

    def elaborate(self, platform):
        m = Module()
        insn = self.insn
        kind = Signal(Immediate)
        zero_rs1 = Signal()

        m.d.comb += self.control.funct3.eq(insn[12:15])
        with m.Switch(insn):
            for _name, pattern, fields in ENCODINGS:
                with m.Case(pattern):
                    for field, value in fields.items():
                        if field == "immediate":
                            m.d.comb += kind.eq(value)
                        elif field == "zero_rs1":
                            m.d.comb += zero_rs1.eq(value)
                        else:
                            m.d.comb += getattr(self.control, field).eq(value)
            with m.Default():
                m.d.comb += self.illegal.eq(1)

        # x0 is never written, so that forwarding needs no test for it.
        with m.If(insn[7:12] == 0):
            m.d.comb += self.control.writes_rd.eq(0)
        m.d.comb += [
            self.rd.eq(insn[7:12]),
            self.rs1.eq(Mux(zero_rs1, 0, insn[15:20])),
            self.rs2.eq(insn[20:25]),
        ]

        sign = insn[31]
        with m.Switch(kind):
            with m.Case(Immediate.I):
                m.d.comb += self.immediate.eq(Cat(insn[20:31], sign.replicate(53)))
            with m.Case(Immediate.S):
                m.d.comb += self.immediate.eq(Cat(insn[7:12], insn[25:31], sign.replicate(53)))
            with m.Case(Immediate.B):
                m.d.comb += self.immediate.eq(Cat(C(0, 1), insn[8:12], insn[25:31], insn[7], sign.replicate(52)))
            with m.Case(Immediate.U):
                m.d.comb += self.immediate.eq(Cat(C(0, 12), insn[12:31], sign.replicate(33)))
            with m.Case(Immediate.J):
                m.d.comb += self.immediate.eq(
                    Cat(C(0, 1), insn[21:31], insn[20], insn[12:20], sign.replicate(44)))
        return m
