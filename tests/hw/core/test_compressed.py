"""Every 16-bit encoding against a model written from the tables of the C chapter."""

import re

from amaranth.sim import Simulator

from hw.core.compressed import CompressedExpander
from hw.core.isa import Opcode

#: Rows of unprivileged specification, 27.8: encoding, then the instruction it stands for. Lower case letters in the
#: encoding name fields, whose bits are listed from the top in FIELDS; d', s' and t' are the short registers.
ROWS = [
    ("000 00000000 --- 00", None),
    ("000 uuuuuuuu ttt 00", "addi {t} x2 {addi4spn}"),
    ("010 uuu sss uu ttt 00", "lw {t} {s} {word}"),
    ("011 uuu sss uu ttt 00", "ld {t} {s} {double}"),
    ("110 uuu sss uu ttt 00", "sw {t} {s} {word}"),
    ("111 uuu sss uu ttt 00", "sd {t} {s} {double}"),
    ("000 - ddddd ----- 01", "addi {d} {d} {imm6}"),
    ("001 - 00000 ----- 01", None),
    ("001 - ddddd ----- 01", "addiw {d} {d} {imm6}"),
    ("010 - ddddd ----- 01", "addi {d} x0 {imm6}"),
    ("011 0 ----- 00000 01", None),
    ("011 - 00010 ----- 01", "addi x2 x2 {addi16sp}"),
    ("011 - ddddd ----- 01", "lui {d} {imm6}"),
    ("100 - 00 sss ----- 01", "srli {s} {s} {shamt}"),
    ("100 - 01 sss ----- 01", "srai {s} {s} {shamt}"),
    ("100 - 10 sss ----- 01", "andi {s} {s} {imm6}"),
    ("100 0 11 sss 00 ttt 01", "sub {s} {s} {t}"),
    ("100 0 11 sss 01 ttt 01", "xor {s} {s} {t}"),
    ("100 0 11 sss 10 ttt 01", "or {s} {s} {t}"),
    ("100 0 11 sss 11 ttt 01", "and {s} {s} {t}"),
    ("100 1 11 sss 00 ttt 01", "subw {s} {s} {t}"),
    ("100 1 11 sss 01 ttt 01", "addw {s} {s} {t}"),
    ("100 1 11 --- 1- --- 01", None),
    ("101 ----------- 01", "jal x0 {jump}"),
    ("110 --- sss ----- 01", "beq {s} x0 {branch}"),
    ("111 --- sss ----- 01", "bne {s} x0 {branch}"),
    ("000 - ddddd ----- 10", "slli {d} {d} {shamt}"),
    ("010 - 00000 ----- 10", None),
    ("010 - ddddd ----- 10", "lw {d} x2 {lwsp}"),
    ("011 - 00000 ----- 10", None),
    ("011 - ddddd ----- 10", "ld {d} x2 {ldsp}"),
    ("100 0 00000 00000 10", None),
    ("100 0 ddddd 00000 10", "jalr x0 {d} 0"),
    ("100 0 ddddd ----- 10", "add {d} x0 {r}"),
    ("100 1 00000 00000 10", "ebreak"),
    ("100 1 ddddd 00000 10", "jalr x1 {d} 0"),
    ("100 1 ddddd ----- 10", "add {d} {d} {r}"),
    ("110 ------ ----- 10", "sw {r} x2 {swsp}"),
    ("111 ------ ----- 10", "sd {r} x2 {sdsp}"),
]

#: Immediates: where bit n of the value stands in the encoding, as "value bit:encoding bit"; sign from bit 12.
FIELDS = {
    "addi4spn": ("5:12 4:11 9:10 8:9 7:8 6:7 2:6 3:5", False),
    "word": ("5:12 4:11 3:10 2:6 6:5", False),
    "double": ("5:12 4:11 3:10 7:6 6:5", False),
    "imm6": ("5:12 4:6 3:5 2:4 1:3 0:2", True),
    "shamt": ("5:12 4:6 3:5 2:4 1:3 0:2", False),
    "addi16sp": ("9:12 4:6 6:5 8:4 7:3 5:2", True),
    "jump": ("11:12 4:11 9:10 8:9 10:8 6:7 7:6 3:5 2:4 1:3 5:2", True),
    "branch": ("8:12 4:11 3:10 7:6 6:5 2:4 1:3 5:2", True),
    "lwsp": ("5:12 4:6 3:5 2:4 7:3 6:2", False),
    "ldsp": ("5:12 4:6 3:5 8:4 7:3 6:2", False),
    "swsp": ("5:12 4:11 3:10 2:9 7:8 6:7", False),
    "sdsp": ("5:12 4:11 3:10 8:9 7:8 6:7", False),
}
R_TYPE = {"add": (0x33, 0, 0), "sub": (0x33, 0, 0x20), "xor": (0x33, 4, 0), "or": (0x33, 6, 0), "and": (0x33, 7, 0),
          "subw": (0x3B, 0, 0x20), "addw": (0x3B, 0, 0)}
I_TYPE = {"addi": (0x13, 0, 0), "addiw": (0x1B, 0, 0), "andi": (0x13, 7, 0), "slli": (0x13, 1, 0),
          "srli": (0x13, 5, 0), "srai": (0x13, 5, 0x400), "lw": (0x03, 2, 0), "ld": (0x03, 3, 0), "jalr": (0x67, 0, 0)}


def encode(text):
    name, *arguments = text.split()
    numbers = [int(argument.lstrip("x")) for argument in arguments]
    if name == "ebreak":
        return 0x0010_0073
    if name in R_TYPE:
        opcode, funct3, funct7 = R_TYPE[name]
        return opcode | numbers[0] << 7 | funct3 << 12 | numbers[1] << 15 | numbers[2] << 20 | funct7 << 25
    if name in I_TYPE:
        opcode, funct3, high = I_TYPE[name]
        return opcode | numbers[0] << 7 | funct3 << 12 | numbers[1] << 15 | ((numbers[2] & 0xFFF) | high) << 20
    if name in ("sw", "sd"):
        source, base, offset = numbers
        return (0x23 | (offset & 31) << 7 | (2 if name == "sw" else 3) << 12 | base << 15 | source << 20
                | offset >> 5 << 25)
    if name == "lui":
        return 0x37 | numbers[0] << 7 | (numbers[1] & 0xFFFFF) << 12
    offset = numbers[-1]
    if name == "jal":
        return (0x6F | (offset >> 12 & 0xFF) << 12 | (offset >> 11 & 1) << 20 | (offset >> 1 & 0x3FF) << 21
                | (offset >> 20 & 1) << 31)
    return (0x63 | (offset >> 11 & 1) << 7 | (offset >> 1 & 15) << 8 | (name == "bne") << 12 | numbers[0] << 15
            | (offset >> 5 & 63) << 25 | (offset >> 12 & 1) << 31)


def model(value):
    """The 32-bit instruction, or None."""
    for pattern, text in ROWS:
        pattern = pattern.replace(" ", "")
        bits = f"{value:016b}"
        if all(bit == want or want not in "01" for bit, want in zip(bits, pattern, strict=True)):
            if text is None:
                return None
            names = dict(d=f"x{value >> 7 & 31}", r=f"x{value >> 2 & 31}", s=f"x{8 + (value >> 7 & 7)}",
                         t=f"x{8 + (value >> 2 & 7)}")
            for name, (places, is_signed) in FIELDS.items():
                number = 0
                for place in places.split():
                    to, source = map(int, place.split(":"))
                    number |= (value >> source & 1) << to
                    if is_signed and source == 12 and value >> 12 & 1:
                        number -= 2 << to
                names[name] = number
            assert not set(re.findall(r"{(\w+)}", text)) - set(names)
            return encode(text.format(**names))
    return None


#: Opcodes of instructions that read one register less, or one more, than most.
NO_RS1, WITH_RS2 = (Opcode.LUI, Opcode.JAL), (Opcode.OP, Opcode.OP_32, Opcode.STORE, Opcode.BRANCH)
EBREAK = 0x0010_0073


def test_every_encoding():
    dut = CompressedExpander()

    async def bench(ctx):
        for value in range(1 << 16):
            if value & 3 == 3:
                continue
            ctx.set(dut.compressed, value)
            expected = model(value)
            assert ctx.get(dut.illegal) == (expected is None), hex(value)
            if expected is not None:
                assert ctx.get(dut.expanded) == expected, (hex(value), hex(expected))
                if expected & 0x7F not in NO_RS1 and expected != EBREAK:
                    assert ctx.get(dut.rs1) == expected >> 15 & 0x1F, hex(value)
                if expected & 0x7F in WITH_RS2:
                    assert ctx.get(dut.rs2) == expected >> 20 & 0x1F, hex(value)

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
