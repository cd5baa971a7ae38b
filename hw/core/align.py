"""Aligner: cuts the stream of fetched words into instructions and expands the compressed ones."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..mapping import SEPARATE
from .compressed import CompressedExpander
from .fetch import FetchedWord
from .prediction import REGION_BITS, Prediction

__all__ = ["FetchedInstruction", "Aligner"]


class FetchedInstruction(data.Struct):
    """An instruction on its way to the decoder."""

    pc: 64
    next_pc: 64
    #: The queue goes on at {pc, target} instead of next_pc.
    predicted: 1
    #: The predictor has an entry for this instruction.
    known: 1
    target: REGION_BITS
    #: As fetched; the upper half is zero for a compressed one.
    raw: 32
    #: As the decoder wants it.
    insn: 32
    #: Not an instruction: fetching it failed, with `fault_second` in its second half (which began a new word).
    page_fault: 1
    access_fault: 1
    fault_second: 1
    #: Compressed encoding that means nothing.
    illegal: 1


class Aligner(wiring.Component):
    """Combinational but for its program counter. Handles instructions that straddle words, lines and pages.

    A predicted branch that turns out to end in the middle of an instruction (the predictor's tags are partial) makes
    the aligner ask for that instruction again.

    A failed fetch is offered as an instruction, again and again until the redirect that its trap brings.

    Parameters
    ----------
    reset_vector : int

    Members
    -------
    redirect, target : go on at `target`.
    first, first_valid, second, second_valid, pop : queue of :class:`hw.core.fetch.FetchUnit`.
    valid, instruction, ready : result stream.
    rs1, rs2 : the registers that the instruction reads, if it reads them.
    refetch, refetch_pc : fetch must go on at `refetch_pc`, and the predictor forget the branch there.
    """

    def __init__(self, reset_vector):
        self._reset_vector = reset_vector
        super().__init__({
            "redirect": In(1),
            "target": In(64),
            "first": In(FetchedWord),
            "first_valid": In(1),
            "second": In(FetchedWord),
            "second_valid": In(1),
            "pop": Out(1),
            "valid": Out(1),
            "instruction": Out(FetchedInstruction),
            "rs1": Out(5),
            "rs2": Out(5),
            "ready": In(1),
            "refetch": Out(1),
            "refetch_pc": Out(64),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.expander = expander = CompressedExpander()
        pc = Signal(64, init=self._reset_vector)
        offset = pc[1:3]
        out = self.instruction

        low = Signal(16)
        high = Signal(16)
        m.d.comb += [
            low.eq(self.first.bits.word_select(offset, 16)),
            high.eq(Cat(self.first.bits[16:], self.second.bits[:16]).word_select(offset, 16)),
        ]
        compressed = low[:2] != 3
        first_fault = self.first.page_fault | self.first.access_fault
        straddles = (offset == 3) & ~compressed & ~first_fault
        word_prediction, next_prediction = self.first.prediction, self.second.prediction

        # Where the instruction ends decides which prediction is its own.
        end = Signal(2)
        m.d.comb += end.eq(Mux(compressed, offset, offset + 1))
        own = Prediction(Mux(straddles, next_prediction.as_value(), word_prediction.as_value()))
        confused = Signal()
        discard = Signal()
        m.d.comb += confused.eq(
            self.first_valid & ~first_fault & ~discard
            & ~compressed & word_prediction.taken & (word_prediction.position == offset))
        m.d.sync += self.refetch.eq(confused & ~self.refetch & ~self.redirect)
        m.d.comb += self.refetch_pc.eq(pc)
        m.d.comb += [
            out.known.eq(own.known.bit_select(end, 1)),
            out.target.eq(own.target),
            out.predicted.eq(own.taken & (own.position == end)),
        ]

        # On the way to the register file's address: not to be made out of the whole instruction.
        rs1, rs2 = (Signal(5, name=name, attrs=SEPARATE) for name in ("early_rs1", "early_rs2"))
        faulting = Mux(straddles, self.second.as_value(), self.first.as_value())
        faulting = FetchedWord(faulting)
        m.d.comb += [
            expander.compressed.eq(low),
            self.valid.eq(
                self.first_valid & (~straddles | self.second_valid) & ~confused & ~discard & ~self.redirect),
            out.pc.eq(pc),
            out.next_pc.eq(Cat(pc[0], pc[1:] + Mux(compressed, 1, 2))),
            out.raw.eq(Mux(compressed, low, Cat(low, high))),
            out.insn.eq(Mux(compressed, expander.expanded, Cat(low, high))),
            out.illegal.eq(compressed & expander.illegal),
            rs1.eq(Mux(compressed, expander.rs1, Cat(low[15], high[:4]))), self.rs1.eq(rs1),
            rs2.eq(Mux(compressed, expander.rs2, high[4:9])), self.rs2.eq(rs2),
            out.page_fault.eq(faulting.page_fault),
            out.access_fault.eq(faulting.access_fault),
            out.fault_second.eq(straddles),
        ]
        with m.If(self.redirect):
            m.d.sync += [pc.eq(self.target), discard.eq(0)]
        with m.Elif(discard):
            # The second half of a straddling branch stood alone in its word.
            m.d.comb += self.pop.eq(self.first_valid)
            m.d.sync += discard.eq(~self.first_valid)
        with m.Elif(self.valid & self.ready & ~(out.page_fault | out.access_fault)):
            m.d.sync += pc.eq(Mux(out.predicted, Cat(out.target, pc[REGION_BITS:]), out.next_pc))
            m.d.comb += self.pop.eq(out.predicted | (pc[3] != out.next_pc[3]))
            m.d.sync += discard.eq(out.predicted & straddles)
        return m
