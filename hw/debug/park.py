"""What a halted hart executes: the park loop and the programs of abstract commands.

A hart in debug mode runs code from the debug module's memory, which begins at address 0, so that all of it is within
reach of a load, store or jump from x0. It asks for orders until there are some, carries them out, and comes back
by `ebreak`. x8 (s0) is its only working register; dscratch0 keeps the program's value meanwhile.
"""

from amaranth import *

from ..core.debug import DRET
from ..core.isa import CsrAddress, DebugCsr, Opcode

__all__ = ["ABSTRACT", "DATA", "EBREAK", "ENTRY", "EXCEPTION", "FLAGS", "FLAG_GO", "FLAG_RESUME",
           "GOING", "NOP", "PARKED", "PROGBUF", "S0", "park_program", "read_csr", "load", "store", "write_csr"]

#: Stores that tell how far the hart is: it waits for orders (its number is stored), it has seen the order to
#: execute, an exception ended what it executed.
PARKED = 0x100
GOING = 0x108
EXCEPTION = 0x110
#: One byte for each hart: its orders.
FLAGS = 0x200
FLAG_GO = 1
FLAG_RESUME = 2
#: Four instructions made from the abstract command; the program buffer follows, and behind it an ebreak.
ABSTRACT = 0x300
PROGBUF = 0x310
#: The data registers.
DATA = 0x380
#: Where debug mode is entered, and in the next word where exceptions in it go.
ENTRY = 0x400

S0 = 8
NOP = 0x0000_0013
EBREAK = 0x0010_0073
FENCE = 0x0ff0_000f
FENCE_I = 0x0000_100f


def _encode(*fields):
    """An instruction from (value, width) pairs, low bits first: a number, or a Value where one of them is one."""
    if all(isinstance(value, int) for value, _ in fields):
        word, shift = 0, 0
        for value, width in fields:
            word |= (value & (1 << width) - 1) << shift
            shift += width
        return word
    return Cat(C(value & (1 << width) - 1, width) if isinstance(value, int) else value[:width]
               for value, width in fields)


def load(rd, funct3, offset, base=0):
    """Load `rd` from base + offset; funct3 is 2 for 32 bits, 3 for 64, 4 for an unsigned byte."""
    return _encode((Opcode.LOAD.value, 7), (rd, 5), (funct3, 3), (base, 5), (offset, 12))


def store(rs2, funct3, offset):
    """Store `rs2` to an address near 0; funct3 as :func:`load`."""
    return _encode((Opcode.STORE.value, 7), (offset, 5), (funct3, 3), (0, 5), (rs2, 5), (offset >> 5, 7))


def read_csr(rd, csr):
    """csrr rd, csr."""
    return _encode((Opcode.SYSTEM.value, 7), (rd, 5), (2, 3), (0, 5), (csr, 12))


def write_csr(csr, rs1):
    """csrw csr, rs1."""
    return _encode((Opcode.SYSTEM.value, 7), (0, 5), (1, 3), (rs1, 5), (csr, 12))


def _jump(offset):
    return _encode((Opcode.JAL.value, 7), (0, 5), (offset >> 12, 8), (offset >> 11, 1), (offset >> 1, 10),
                   (offset >> 20, 1))


def _branch(funct3, rs1, offset):
    """beqz or bnez (funct3 0 or 1)."""
    return _encode((Opcode.BRANCH.value, 7), (offset >> 11, 1), (offset >> 1, 4), (funct3, 3), (rs1, 5), (0, 5),
                   (offset >> 5, 6), (offset >> 12, 1))


def _and_immediate(rd, value):
    return _encode((Opcode.OP_IMM.value, 7), (rd, 5), (7, 3), (rd, 5), (value, 12))


#: (label or "", instruction as a function of `to`, which gives the distance to a label).
_PARK = (
    ("", lambda to: _jump(to("enter"))),
    ("", lambda to: _jump(to("exception"))),
    ("enter", lambda to: FENCE),
    ("", lambda to: write_csr(DebugCsr.DSCRATCH0.value, S0)),
    ("", lambda to: read_csr(S0, CsrAddress.MHARTID.value)),
    ("", lambda to: store(S0, 2, PARKED)),
    ("wait", lambda to: read_csr(S0, CsrAddress.MHARTID.value)),
    ("", lambda to: load(S0, 4, FLAGS, S0)),
    ("", lambda to: _branch(0, S0, to("wait"))),
    ("", lambda to: _and_immediate(S0, FLAG_RESUME)),
    ("", lambda to: _branch(1, S0, to("resume"))),
    ("", lambda to: store(0, 2, GOING)),
    ("", lambda to: read_csr(S0, DebugCsr.DSCRATCH0.value)),
    # What stands at ABSTRACT has changed since it was last fetched.
    ("", lambda to: FENCE_I),
    ("", lambda to: _jump(to("abstract"))),
    ("resume", lambda to: read_csr(S0, DebugCsr.DSCRATCH0.value)),
    ("", lambda to: DRET),
    # The debug module replaces the first of these by a nop where s0 is the program buffer's business.
    ("exception", lambda to: read_csr(S0, DebugCsr.DSCRATCH0.value)),
    ("", lambda to: store(0, 2, EXCEPTION)),
    ("", lambda to: EBREAK),
)


def park_program():
    """Words of the park loop, from ENTRY on, and the address of the exception handler."""
    places = {label: ENTRY + 4 * index for index, (label, _) in enumerate(_PARK) if label}
    places["abstract"] = ABSTRACT
    words = [make(lambda label, here=ENTRY + 4 * index: places[label] - here)
             for index, (_, make) in enumerate(_PARK)]
    return words, places["exception"]
