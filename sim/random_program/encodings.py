"""Encodings that mean nothing, next to those that do: whatever is undefined must trap and do nothing else."""

from hw.core.isa import Opcode

from .emitter import Emitter

__all__ = ["undefined_encoding"]

#: Major opcodes of extensions that are not there, and reserved ones.
_NO_OPCODES = (0x07, 0x1f, 0x27, 0x2b, 0x43, 0x53, 0x57, 0x5b, 0x6b, 0x77, 0x7b)


def _word(emitter: Emitter, opcode: int, funct3: int, funct7: int | None = None) -> int:
    """A word with random operands. Its rd is a register that random code may write."""
    rd = int(emitter.register()[1:])
    upper = emitter.random.getrandbits(17) if funct7 is None else funct7 << 10 | emitter.random.getrandbits(10)
    return upper << 15 | funct3 << 12 | rd << 7 | opcode


def undefined_encoding(emitter: Emitter) -> str:
    """A directive for an undefined instruction of 16 or 32 bits."""
    choose = emitter.random.choice
    high = emitter.random.randrange(2, 128) & ~0x20 | 2  # neither 0, 1 nor 0x20
    register = choose((
        _word(emitter, Opcode.LOAD, 7), _word(emitter, Opcode.STORE, choose((4, 5, 6, 7))),
        _word(emitter, Opcode.BRANCH, choose((2, 3))), _word(emitter, Opcode.JALR, choose(range(1, 8))),
        _word(emitter, Opcode.OP, emitter.random.randrange(8), high),
        _word(emitter, Opcode.OP, choose((1, 2, 3, 4, 6, 7)), 0x20),
        _word(emitter, Opcode.OP_32, choose((2, 3, 4, 6, 7)), choose((0, 0x20))),
        _word(emitter, Opcode.OP_32, choose((1, 2, 3)), 1),
        _word(emitter, Opcode.OP_IMM, 1, choose((2, 0x10, 0x20, 0x40))),
        _word(emitter, Opcode.OP_IMM, 5, choose((2, 0x10, 0x40, 0x60))),
        _word(emitter, Opcode.OP_IMM_32, choose((1, 5)), choose((1, 0x10, 0x21))),
        _word(emitter, Opcode.OP_IMM_32, choose((2, 3, 4, 6, 7))),
        _word(emitter, Opcode.MISC_MEM, choose(range(2, 8))), _word(emitter, Opcode.AMO, choose((0, 1, 4, 5, 6, 7))),
        _word(emitter, Opcode.AMO, 3, choose((0x14, 0x1c, 0x24, 0x2c, 0x34))),
        _word(emitter, Opcode.AMO, 2, 8) | 1 << 20,  # lr with rs2
        _word(emitter, Opcode.SYSTEM, 4), _word(emitter, Opcode.SYSTEM, 0, choose((1, 2, 0x0b, 0x11, 0x31, 0x7f))),
        _word(emitter, Opcode.CUSTOM_0, choose((3, 7)), 0x7f),
        emitter.random.getrandbits(25) << 7 | choose(_NO_OPCODES),
    ))
    short = choose((
        0, emitter.random.getrandbits(11) << 2 | 0x2000, emitter.random.getrandbits(11) << 2 | 0x8000,
        emitter.random.getrandbits(11) << 2 | 0xa000,  # c.fld, reserved, c.fsd
        0x2001 | emitter.random.getrandbits(5) << 2,   # c.addiw x0
        0x6001 | choose((2, 7)) << 7,                  # c.lui, c.addi16sp of zero
        0x9c41 | emitter.random.getrandbits(5) << 7 & 0x380,
        0x4002 | emitter.random.getrandbits(5) << 2, 0x6002 | emitter.random.getrandbits(5) << 2,  # c.lwsp, c.ldsp x0
        0x8002, emitter.random.getrandbits(11) << 2 | 0x2002, emitter.random.getrandbits(11) << 2 | 0xa002,
    ))
    return f".4byte {register:#010x}" if emitter.chance(0.6) else f".2byte {short:#06x}"
