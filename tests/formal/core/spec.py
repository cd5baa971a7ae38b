"""What each instruction of RV64IMAC does to registers, pc and memory, written from the unprivileged specification.

Independent of the core: nothing of `hw` is imported. Multiplication and division stand here as riscv-formal's
alternative operations.
"""

from dataclasses import dataclass, field

from amaranth.hdl import C, Cat, Mux, Value

__all__ = ["Effect", "Operands", "Operation", "OPERATIONS", "GROUPS", "legal_encoding"]


def sign_extend(value, width=64):
    value = Value.cast(value)
    return Cat(value, value[-1].replicate(width - len(value)))


@dataclass
class Operands:
    """What an instruction sees: its bits, its address, the registers it reads and the memory it reads."""

    insn: Value
    pc: Value
    rs1: Value
    rs2: Value
    loaded: Value

    def number(self, low):
        return self.insn[low:low + 5]

    def short(self, low):
        """Register number of three bits: x8 to x15."""
        return Cat(self.insn[low:low + 3], C(1, 2))

    def bits(self, *places):
        """Immediate made of the named bits, lowest first; 0 stands for a zero bit unless it is bit 0 of `insn`."""
        return Cat(C(0, 1) if place is None else self.insn[place] for place in places)

    @property
    def imm_i(self):
        return sign_extend(self.insn[20:32])

    @property
    def imm_s(self):
        return sign_extend(Cat(self.insn[7:12], self.insn[25:32]))

    @property
    def imm_b(self):
        return sign_extend(self.bits(None, 8, 9, 10, 11, *range(25, 31), 7, 31))

    @property
    def imm_u(self):
        return sign_extend(Cat(C(0, 12), self.insn[12:32]))

    @property
    def imm_j(self):
        return sign_extend(self.bits(None, *range(21, 31), 20, *range(12, 20), 31))

    @property
    def imm_ci(self):
        return sign_extend(self.bits(*range(2, 7), 12))


@dataclass
class Effect:
    """What an instruction does if it does not trap.

    Parameters
    ----------
    rs1, rs2, rd : register numbers read and written; 0 for none.
    value : 64 bits for rd.
    next_pc : None for the instruction behind this one.
    address, size : memory access; `size` is the logarithm of the bytes, None for no access.
    load, store : read; write this value.
    written : whether an access that could write did; 1 but for sc.
    """

    rs1: Value = field(default_factory=lambda: C(0, 5))
    rs2: Value = field(default_factory=lambda: C(0, 5))
    rd: Value = field(default_factory=lambda: C(0, 5))
    value: Value = field(default_factory=lambda: C(0, 64))
    next_pc: Value | None = None
    address: Value | None = None
    size: int | None = None
    load: bool = False
    store: Value | None = None


@dataclass(frozen=True)
class Operation:
    """One mnemonic.

    Parameters
    ----------
    name, group : str
    pattern : str
        16 or 32 bits.
    effect : callable
        From :class:`Operands` to :class:`Effect`.
    condition : callable, optional
        From the instruction's bits to whether the encoding is this one in spite of the pattern.
    """

    name: str
    group: str
    pattern: str
    effect: object
    condition: object = None

    @property
    def length(self):
        return len(self.pattern) // 8

    def matches(self, insn):
        found = insn[:len(self.pattern)].matches(self.pattern)
        if self.length == 2:
            found = found & (insn[16:] == 0)
        if self.condition is not None:
            found = found & self.condition(insn)
        return found


OPERATIONS = []


def add(name, group, pattern, effect, condition=None):
    OPERATIONS.append(Operation(name, group, pattern.replace(" ", ""), effect, condition))


# ---- arithmetic (chapters 2 and 4)

def shift_left(a, amount, width=64):
    return (a << amount)[:width]


def shift_right(a, amount):
    return a >> amount


def shift_arithmetic(a, amount):
    return (a.as_signed() >> amount).as_unsigned()


def signed_less(a, b):
    return a.as_signed() < b.as_signed()


BINARY = {
    # funct3, alternate: name, 64-bit function
    (0, 0): ("add", lambda a, b: a + b), (0, 1): ("sub", lambda a, b: a - b),
    (1, 0): ("sll", lambda a, b: shift_left(a, b[:6])),
    (2, 0): ("slt", signed_less), (3, 0): ("sltu", lambda a, b: a < b),
    (4, 0): ("xor", lambda a, b: a ^ b),
    (5, 0): ("srl", lambda a, b: shift_right(a, b[:6])), (5, 1): ("sra", lambda a, b: shift_arithmetic(a, b[:6])),
    (6, 0): ("or", lambda a, b: a | b), (7, 0): ("and", lambda a, b: a & b),
}
WORD = {
    (0, 0): ("addw", lambda a, b: a + b), (0, 1): ("subw", lambda a, b: a - b),
    (1, 0): ("sllw", lambda a, b: shift_left(a, b[:5], 32)),
    (5, 0): ("srlw", lambda a, b: shift_right(a, b[:5])), (5, 1): ("sraw", lambda a, b: shift_arithmetic(a, b[:5])),
}


def register_form(function):
    return lambda s: Effect(rs1=s.number(15), rs2=s.number(20), rd=s.number(7), value=function(s.rs1, s.rs2))


def immediate_form(function):
    return lambda s: Effect(rs1=s.number(15), rd=s.number(7), value=function(s.rs1, s.imm_i))


def word_of(function):
    """The operation on low halves, its result sign-extended."""
    return lambda a, b: sign_extend(Value.cast(function(a[:32], b[:32]))[:32])


for (funct3, alternate), (name, function) in BINARY.items():
    add(name, "register", f"0{alternate}00000 ----- ----- {funct3:03b} ----- 0110011", register_form(function))
    if name == "sub":
        continue
    high = f"0{alternate}0000-" if funct3 in (1, 5) else "-------"
    immediate_name = "sltiu" if name == "sltu" else name + "i"
    add(immediate_name, "immediate", f"{high} ----- ----- {funct3:03b} ----- 0010011", immediate_form(function))
for (funct3, alternate), (name, function) in WORD.items():
    add(name, "word", f"0{alternate}00000 ----- ----- {funct3:03b} ----- 0111011", register_form(word_of(function)))
    if name == "subw":
        continue
    high = f"0{alternate}00000" if funct3 in (1, 5) else "-------"
    add(name[:-1] + "iw", "word", f"{high} ----- ----- {funct3:03b} ----- 0011011",
        immediate_form(word_of(function)))

add("lui", "upper", "-------------------- ----- 0110111", lambda s: Effect(rd=s.number(7), value=s.imm_u))
add("auipc", "upper", "-------------------- ----- 0010111", lambda s: Effect(rd=s.number(7), value=s.pc + s.imm_u))

# ---- jumps and branches (2.5)

add("jal", "jump", "-------------------- ----- 1101111",
    lambda s: Effect(rd=s.number(7), value=s.pc + 4, next_pc=s.pc + s.imm_j))
add("jalr", "jump", "------------ ----- 000 ----- 1100111",
    lambda s: Effect(rs1=s.number(15), rd=s.number(7), value=s.pc + 4,
                     next_pc=(s.rs1 + s.imm_i)[:64] & ~C(1, 64)))


def branch(condition):
    return lambda s: Effect(rs1=s.number(15), rs2=s.number(20),
                            next_pc=Mux(condition(s.rs1, s.rs2), s.pc + s.imm_b, s.pc + 4))


for name, funct3, condition in (
        ("beq", 0, lambda a, b: a == b), ("bne", 1, lambda a, b: a != b),
        ("blt", 4, signed_less), ("bge", 5, lambda a, b: ~signed_less(a, b)),
        ("bltu", 6, lambda a, b: a < b), ("bgeu", 7, lambda a, b: a >= b)):
    add(name, "branch", f"------- ----- ----- {funct3:03b} ----- 1100011", branch(condition))

# ---- loads and stores (2.6, 4.3)


def load(size, unsigned, base=None, rd=None, offset=None):
    def effect(s):
        part = s.loaded[:8 << size]
        return Effect(rs1=base(s) if base else s.number(15), rd=rd(s) if rd else s.number(7),
                      value=part if unsigned else sign_extend(part),
                      address=s.rs1 + (offset(s) if offset else s.imm_i), size=size, load=True)
    return effect


def store(size, base=None, source=None, offset=None):
    return lambda s: Effect(rs1=base(s) if base else s.number(15), rs2=source(s) if source else s.number(20),
                            address=s.rs1 + (offset(s) if offset else s.imm_s), size=size, store=s.rs2)


for size, letter in enumerate("bhwd"):
    add(f"l{letter}", "load", f"------------ ----- 0{size:02b} ----- 0000011", load(size, False))
    if size != 3:
        add(f"l{letter}u", "load", f"------------ ----- 1{size:02b} ----- 0000011", load(size, True))
    add(f"s{letter}", "store", f"------- ----- ----- 0{size:02b} ----- 0100011", store(size))

# ---- M extension by alternative operations

ALTERNATIVE = (
    ("mul", "+", 0x2CDF_52A5_5876_063E), ("mulh", "+", 0x15D0_1651_F658_3FB7),
    ("mulhsu", "-", 0xEA39_69ED_ECFB_E137), ("mulhu", "+", 0xD13D_B50D_949C_E5E8),
    ("div", "-", 0x29BB_F66F_7F85_29EC), ("divu", "-", 0x8C62_9ACB_10E8_FD70),
    ("rem", "-", 0xF5B7_D853_8DA6_8FA5), ("remu", "-", 0xBC44_0241_3138_D0E1),
)


def alternative(sign, constant):
    return lambda a, b: (a + b if sign == "+" else a - b)[:len(a)] ^ (constant & ((1 << len(a)) - 1))


for funct3, (name, sign, constant) in enumerate(ALTERNATIVE):
    function = alternative(sign, constant)
    add(name, "multiply", f"0000001 ----- ----- {funct3:03b} ----- 0110011", register_form(function))
    if name in ("mul", "div", "divu", "rem", "remu"):
        add(name + "w", "multiply", f"0000001 ----- ----- {funct3:03b} ----- 0111011",
            register_form(word_of(function)))

# ---- A extension (chapter 14)


def smaller(less):
    return lambda a, b: Mux(less(a, b), a, b)


ATOMIC = (
    ("amoadd", 0b00000, lambda a, b: a + b), ("amoswap", 0b00001, lambda a, b: b),
    ("amoxor", 0b00100, lambda a, b: a ^ b), ("amoor", 0b01000, lambda a, b: a | b),
    ("amoand", 0b01100, lambda a, b: a & b),
    ("amomin", 0b10000, smaller(signed_less)), ("amomax", 0b10100, smaller(lambda a, b: ~signed_less(a, b))),
    ("amominu", 0b11000, smaller(lambda a, b: a < b)), ("amomaxu", 0b11100, smaller(lambda a, b: a >= b)),
)


def atomic(function, size):
    bits = 8 << size

    def effect(s):
        return Effect(rs1=s.number(15), rs2=s.number(20), rd=s.number(7), value=sign_extend(s.loaded[:bits]),
                      address=s.rs1, size=size, load=True, store=function(s.loaded[:bits], s.rs2[:bits]))
    return effect


for size, letter in ((2, "w"), (3, "d")):
    for name, funct5, function in ATOMIC:
        add(f"{name}.{letter}", "atomic", f"{funct5:05b}-- ----- ----- {size:03b} ----- 0101111",
            atomic(function, size))
    add(f"lr.{letter}", "reserve", f"00010-- 00000 ----- {size:03b} ----- 0101111",
        lambda s, size=size: Effect(rs1=s.number(15), rd=s.number(7), value=sign_extend(s.loaded[:8 << size]),
                                    address=s.rs1, size=size, load=True))
    # rd and whether memory is written depend on the reservation: see the proof.
    add(f"sc.{letter}", "conditional", f"00011-- ----- ----- {size:03b} ----- 0101111",
        lambda s, size=size: Effect(rs1=s.number(15), rs2=s.number(20), rd=s.number(7), address=s.rs1, size=size,
                                    store=s.rs2))

# ---- C extension (chapter 27), RV64

SP, RA = C(2, 5), C(1, 5)


def short_load(size, offset):
    return load(size, False, base=lambda s: s.short(7), rd=lambda s: s.short(2), offset=offset)


def short_store(size, offset):
    return store(size, base=lambda s: s.short(7), source=lambda s: s.short(2), offset=offset)


def nonzero(low, high):
    return lambda insn: insn[low:high] != 0


def short_word(s):
    return s.bits(None, None, 6, 10, 11, 12, 5)


def short_double(s):
    return s.bits(None, None, None, 10, 11, 12, 5, 6)


add("c.addi4spn", "compressed0", "000 -------- --- 00", lambda s: Effect(
    rs1=SP, rd=s.short(2), value=s.rs1 + s.bits(None, None, 6, 5, 11, 12, 7, 8, 9, 10)), nonzero(5, 13))
add("c.lw", "compressed-memory", "010 --- --- -- --- 00", short_load(2, short_word))
add("c.ld", "compressed-memory", "011 --- --- -- --- 00", short_load(3, short_double))
add("c.sw", "compressed-memory", "110 --- --- -- --- 00", short_store(2, short_word))
add("c.sd", "compressed-memory", "111 --- --- -- --- 00", short_store(3, short_double))

add("c.addi", "compressed1", "000 - ----- ----- 01",
    lambda s: Effect(rs1=s.number(7), rd=s.number(7), value=s.rs1 + s.imm_ci))
add("c.addiw", "compressed1", "001 - ----- ----- 01", lambda s: Effect(
    rs1=s.number(7), rd=s.number(7), value=sign_extend((s.rs1 + s.imm_ci)[:32])), nonzero(7, 12))
add("c.li", "compressed1", "010 - ----- ----- 01", lambda s: Effect(rd=s.number(7), value=s.imm_ci))
add("c.addi16sp", "compressed1", "011 - 00010 ----- 01", lambda s: Effect(
    rs1=SP, rd=SP, value=s.rs1 + sign_extend(s.bits(None, None, None, None, 6, 2, 5, 3, 4, 12))),
    lambda insn: Cat(insn[2:7], insn[12]) != 0)
add("c.lui", "compressed1", "011 - ----- ----- 01", lambda s: Effect(
    rd=s.number(7), value=sign_extend(Cat(C(0, 12), s.insn[2:7], s.insn[12]))),
    lambda insn: (Cat(insn[2:7], insn[12]) != 0) & (insn[7:12] != 2))


def short_binary(function, immediate=None):
    def effect(s):
        return Effect(rs1=s.short(7), rs2=C(0, 5) if immediate else s.short(2), rd=s.short(7),
                      value=function(s.rs1, immediate(s) if immediate else s.rs2))
    return effect


def short_amount(s):
    return s.bits(*range(2, 7), 12)


add("c.srli", "compressed1", "100 - 00 --- ----- 01", short_binary(shift_right, short_amount))
add("c.srai", "compressed1", "100 - 01 --- ----- 01", short_binary(shift_arithmetic, short_amount))
add("c.andi", "compressed1", "100 - 10 --- ----- 01", short_binary(lambda a, b: a & b, lambda s: s.imm_ci))
for name, high, low in (("sub", 0, 0), ("xor", 0, 1), ("or", 0, 2), ("and", 0, 3)):
    add(f"c.{name}", "compressed1", f"100 {high} 11 --- {low:02b} --- 01",
        short_binary(dict(BINARY.values())[name]))
for name, low in (("subw", 0), ("addw", 1)):
    add(f"c.{name}", "compressed1", f"100 1 11 --- {low:02b} --- 01", short_binary(word_of(dict(WORD.values())[name])))


def short_jump(s):
    return sign_extend(s.bits(None, 3, 4, 5, 11, 2, 7, 6, 9, 10, 8, 12))


def short_branch(s):
    return sign_extend(s.bits(None, 3, 4, 10, 11, 2, 5, 6, 12))


add("c.j", "compressed-jump", "101 ----------- 01", lambda s: Effect(next_pc=s.pc + short_jump(s)))
add("c.beqz", "compressed-jump", "110 --- --- ----- 01", lambda s: Effect(
    rs1=s.short(7), next_pc=Mux(s.rs1 == 0, s.pc + short_branch(s), s.pc + 2)))
add("c.bnez", "compressed-jump", "111 --- --- ----- 01", lambda s: Effect(
    rs1=s.short(7), next_pc=Mux(s.rs1 != 0, s.pc + short_branch(s), s.pc + 2)))

add("c.slli", "compressed2", "000 - ----- ----- 10", lambda s: Effect(
    rs1=s.number(7), rd=s.number(7), value=shift_left(s.rs1, short_amount(s))))
add("c.lwsp", "compressed-memory", "010 - ----- ----- 10", load(
    2, False, base=lambda s: SP, offset=lambda s: s.bits(None, None, 4, 5, 6, 12, 2, 3)), nonzero(7, 12))
add("c.ldsp", "compressed-memory", "011 - ----- ----- 10", load(
    3, False, base=lambda s: SP, offset=lambda s: s.bits(None, None, None, 5, 6, 12, 2, 3, 4)), nonzero(7, 12))
add("c.jr", "compressed-jump", "100 0 ----- 00000 10", lambda s: Effect(
    rs1=s.number(7), next_pc=s.rs1 & ~C(1, 64)), nonzero(7, 12))
add("c.jalr", "compressed-jump", "100 1 ----- 00000 10", lambda s: Effect(
    rs1=s.number(7), rd=RA, value=s.pc + 2, next_pc=s.rs1 & ~C(1, 64)), nonzero(7, 12))
add("c.mv", "compressed2", "100 0 ----- ----- 10", lambda s: Effect(
    rs2=s.number(2), rd=s.number(7), value=s.rs2), nonzero(2, 7))
add("c.add", "compressed2", "100 1 ----- ----- 10", lambda s: Effect(
    rs1=s.number(7), rs2=s.number(2), rd=s.number(7), value=s.rs1 + s.rs2), nonzero(2, 7))
add("c.swsp", "compressed-memory", "110 ------ ----- 10", store(
    2, base=lambda s: SP, source=lambda s: s.number(2),
    offset=lambda s: s.bits(None, None, 9, 10, 11, 12, 7, 8)))
add("c.sdsp", "compressed-memory", "111 ------ ----- 10", store(
    3, base=lambda s: SP, source=lambda s: s.number(2),
    offset=lambda s: s.bits(None, None, None, 10, 11, 12, 7, 8, 9)))

# ---- ordering; they change no register

add("fence", "order", "------------ ----- 000 ----- 0001111", lambda s: Effect())
add("fence.i", "order", "------------ ----- 001 ----- 0001111", lambda s: Effect())

GROUPS = tuple(dict.fromkeys(operation.group for operation in OPERATIONS))

#: Instructions of the privileged specification and Zicsr, whose effect other proofs state.
SYSTEM = {
    "ecall": "0000000 00000 00000 000 00000 1110011",
    "ebreak": "0000000 00001 00000 000 00000 1110011",
    "c.ebreak": "100 1 00000 00000 10",
    "sret": "0001000 00010 00000 000 00000 1110011",
    "mret": "0011000 00010 00000 000 00000 1110011",
    "wfi": "0001000 00101 00000 000 00000 1110011",
    "sfence.vma": "0001001 ----- ----- 000 00000 1110011",
    "csrrw": "------- ----- ----- 001 ----- 1110011",
    "csrrs": "------- ----- ----- 010 ----- 1110011",
    "csrrc": "------- ----- ----- 011 ----- 1110011",
    "csrrwi": "------- ----- ----- 101 ----- 1110011",
    "csrrsi": "------- ----- ----- 110 ----- 1110011",
    "csrrci": "------- ----- ----- 111 ----- 1110011",
}
SYSTEM = {name: Operation(name, "system", pattern.replace(" ", ""), None) for name, pattern in SYSTEM.items()}


def legal_encoding(insn):
    """Whether the bits mean any instruction of RV64IMAC_Zicsr_Zifencei and the privileged specification."""
    found = C(0, 1)
    for operation in (*OPERATIONS, *SYSTEM.values()):
        found = found | operation.matches(insn)
    return found
