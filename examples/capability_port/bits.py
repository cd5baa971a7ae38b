"""A small unit for the capability port: it counts the ones of a word and keeps a CRC-32."""

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In

from hw.core.port import CapabilityPort

__all__ = ["CAUSE", "FUNCT7", "POLYNOMIAL", "BitUnit", "Operation"]

#: Which custom-0 instructions are ours; 0 and 1 are the capability unit's, 2 and 3 the mailbox's.
FUNCT7 = 4
#: What `add` of more than eight bytes traps with: one of the causes that are left to custom use (3.1.15).
CAUSE = 24
#: CRC-32 of Ethernet, ZIP and PNG, lowest bit first.
POLYNOMIAL = 0xEDB8_8320


class Operation(enum.Enum, shape=3):
    """What an instruction does, in its field funct3."""

    #: rd = number of ones in rs1.
    COUNT = 0
    #: rd = CRC; then CRC = rs1.
    SWAP = 1
    #: CRC = CRC over the lowest rs2 bytes of rs1 too, 0 to 8; rd stays as it is.
    ADD = 2


def ones(word):
    """Number of ones, as a tree of adders."""
    half = len(word) // 2
    return ones(word[:half]) + ones(word[half:]) if half else word


def add_byte(m, crc, byte):
    """CRC with one more byte; each of its eight steps has a signal, so that the formula stays short."""
    mixed = crc ^ byte
    for step in range(8):
        shifted = Signal(32, name=f"shifted{step}")
        m.d.comb += shifted.eq((mixed >> 1) ^ Mux(mixed[0], POLYNOMIAL, 0))
        mixed = shifted
    return mixed


class BitUnit(wiring.Component):
    """The unit. One instruction at a time.

    Attributes
    ----------
    port : In(CapabilityPort())
    """

    port: In(CapabilityPort())

    def elaborate(self, platform):
        m = Module()
        issue, commit, result = self.port.issue, self.port.commit, self.port.result

        # The instruction that is here, and whether it will happen for sure.
        valid = Signal()
        committed = Signal()
        operation = Signal(Operation)
        word = Signal(64)
        refused = Signal()
        bytes_left = Signal(4)
        # What stays from one instruction to the next.
        crc = Signal(32)

        # Issue.
        accepted = Signal()
        m.d.comb += [
            issue.ready.eq(~valid),
            issue.accept.eq((issue.insn[25:32] == FUNCT7) & (issue.insn[12:15] < len(Operation))),
            accepted.eq(issue.valid & issue.ready & issue.accept),
        ]
        with m.If(accepted):
            m.d.sync += [
                valid.eq(1),
                committed.eq(0),
                operation.eq(issue.insn[12:15]),
                word.eq(issue.rs1),
                refused.eq((issue.insn[12:15] == Operation.ADD.value) & (issue.rs2 > 8)),
                bytes_left.eq(issue.rs2),
            ]

        # Commit: it happens, or it never has.
        killed = Signal()
        m.d.comb += killed.eq(commit.valid & commit.kill)
        with m.If(commit.valid & ~commit.kill):
            m.d.sync += committed.eq(1)
        with m.If(killed):
            m.d.sync += valid.eq(0)

        # Work that changes something waits for the commit.
        working = Signal()
        m.d.comb += working.eq(valid & committed & (operation == Operation.ADD) & ~refused & (bytes_left != 0))
        with m.If(working):
            m.d.sync += [crc.eq(add_byte(m, crc, word[:8])), word.eq(word >> 8), bytes_left.eq(bytes_left - 1)]

        # Result.
        taken = Signal()
        m.d.comb += [
            result.valid.eq(valid & ((operation != Operation.ADD) | refused | (bytes_left == 0))),
            result.data.eq(Mux(operation == Operation.COUNT, ones(word), crc)),
            result.we.eq(operation != Operation.ADD),
            result.exception.eq(refused),
            result.cause.eq(CAUSE),
            taken.eq(result.valid & result.ready),
        ]
        with m.If(taken):
            m.d.sync += valid.eq(0)
            # The core takes a result with the commit or after it, so this too is after the commit.
            with m.If(operation == Operation.SWAP):
                m.d.sync += crc.eq(word)
        return m
