"""What travels between the stages of the pipeline.

Fetch (two cycles) - align - Decode - eXecute - coMmit - Writeback. An instruction has happened when it leaves the
commit stage without a trap; everything younger can still be cancelled.
"""

from amaranth import *
from amaranth.lib import data

from .branch_predictor import REGION_BITS
from .decoder import Control, Unit

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
    operand1: 64
    operand2: 64
    immediate: 64
    #: Target of a branch or direct jump.
    target: 64
    #: Fetch went on at a predicted target, and whether that is this instruction's target.
    predicted: 1
    predicted_right: 1
    predicted_target: REGION_BITS
    #: jalr that by convention calls or returns (unprivileged specification, 2.5.1), or jal that calls.
    call: 1
    returns: 1
    #: The predictor's entry, and whether one is allowed.
    known: 1
    counter: 2
    end: REGION_BITS
    predictable: 1
    #: The instruction will trap with `cause` when it reaches commit.
    exception: 1
    cause: 6
    fault_second: 1


class ExecutedInstruction(data.Struct):
    """From execute to commit."""

    control: Control
    pc: 64
    next_pc: 64
    raw: 32
    rd: 5
    #: Result of the ALU, link address of a jump, or address of a memory access.
    result: 64
    operand1: 64
    operand2: 64
    exception: 1
    cause: 6
    fault_second: 1
    #: A unit at the capability port has the instruction and waits for its commit.
    issued: 1
    #: It asked for the store buffer to be empty first.
    fence: 1


class Writeback(data.Struct):
    """From commit to writeback."""

    rd: 5
    write: 1
    context: 4
    #: The value is yet to be cut out of the 64-bit word `value`.
    load: 1
    offset: 3
    funct3: 3
    value: 64


def produces_late(unit):
    """The result does not exist before writeback."""
    return ((unit == Unit.LOAD) | (unit == Unit.ATOMIC) | (unit == Unit.MULTIPLY) | (unit == Unit.DIVIDE)
            | (unit == Unit.CSR) | (unit == Unit.CUSTOM))
