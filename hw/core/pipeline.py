"""What travels between the stages of the pipeline.

Fetch (two cycles) - align - Decode - eXecute - Memory - Writeback. Memory takes one cycle. What needs more is done in
writeback, where every trap is taken too: an instruction there is older than all others, so nothing younger has
happened. """

from amaranth import *
from amaranth.lib import data

from .decoder import Control, Unit
from .prediction import REGION_BITS, BranchKind
from .stored_csr import StoredCsr

__all__ = ["DecodedInstruction", "ExecutedInstruction", "Writeback", "produces_late"]


class DecodedInstruction(data.Struct):
    """From decode to execute."""

    control: Control
    pc: 64
    next_pc: 64
    raw: 32
    rd: 5
    rs1: 5
    rs2: 5
    #: pc and immediate where the instruction takes those in place of registers.
    operand1: 64
    operand2: 64
    #: What an address or the target of an indirect jump adds to rs1.
    offset: signed(12)
    #: Target of a branch or direct jump.
    target: 64
    #: Fetch went on at a predicted target; it agrees with `target`.
    predicted: 1
    predicted_target: REGION_BITS
    agrees: 1
    #: For the predictor; whether it has an entry, and whether one is allowed: what it says of others is wrong.
    kind: BranchKind
    known: 1
    end: REGION_BITS
    predictable: 1
    #: The instruction will trap with `cause`.
    exception: 1
    cause: 6
    fault_second: 1


class ExecutedInstruction(data.Struct):
    """From execute to the memory stage."""

    control: Control
    pc: 64
    raw: 32
    rd: 5
    #: Registers read, and where the program goes on, for the RVFI port.
    rs1: 5
    rs2: 5
    follow_pc: 64
    #: Result of the ALU, link address of a jump, or address of a memory access.
    result: 64
    #: ~result[:6], for the shifter alone: `result` has too many readers to be quick. Inverted, or synthesis would merge
    #: them.
    distance: 6
    operand1: 64
    operand2: 64
    #: Where fetch must go on, if it must: a jump that it did not foresee, or a return from a trap.
    target: 64
    redirect: 1
    exception: 1
    cause: 6
    fault_second: 1
    #: It accesses a CSR in LUT RAM; SCTXDATA.
    csr_stored: 1
    csr_place: StoredCsr
    context_data: 1
    #: A unit at the capability port has the instruction and waits for its commit.
    issued: 1
    #: It asked for the store buffer to be empty first.
    fence: 1


class Writeback(data.Struct):
    """Register write in the writeback stage."""

    rd: 5
    write: 1
    context: 4
    value: 64


def produces_late(unit):
    """The result does not exist before writeback."""
    return ((unit == Unit.LOAD) | (unit == Unit.ATOMIC) | (unit == Unit.MULTIPLY) | (unit == Unit.DIVIDE)
            | (unit == Unit.CSR) | (unit == Unit.CUSTOM))
