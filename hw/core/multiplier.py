"""Multiplier: three 33 x 33 bit signed products a cycle, of which a 64 x 64 bit product has four."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .alu import sign_extend

__all__ = ["Multiplier"]


class Multiplier(wiring.Component):
    """mul, mulh, mulhsu, mulhu and mulw.

    The products' registers lie between multiplication and addition, where a DSP block has one.

    Members
    -------
    start, funct3, word, operand1, operand2 : begin, for one cycle.
    done, result : for one cycle; one cycle after `start` for the low half, and two for a high half.
    """

    start: In(1)
    funct3: In(3)
    word: In(1)
    operand1: In(64)
    operand2: In(64)
    done: Out(1)
    result: Out(64)

    def elaborate(self, platform):
        m = Module()
        a, b = self.operand1, self.operand2
        a_signed = self.funct3[:2] != 3
        b_signed = ~self.funct3[1]
        high = Signal()
        word = Signal()

        a_low = Signal(signed(33))
        a_high = Signal(signed(33))
        b_low = Signal(signed(33))
        b_high = Signal(signed(33))
        m.d.comb += [
            a_low.eq(a[:32]), a_high.eq(Cat(a[32:], a[63] & a_signed)),
            b_low.eq(b[:32]), b_high.eq(Cat(b[32:], b[63] & b_signed)),
        ]

        high_a = Signal(signed(33))
        high_b = Signal(signed(33))
        with m.If(self.start):
            m.d.sync += [high.eq(self.funct3[:2] != 0), word.eq(self.word), high_a.eq(a_high), high_b.eq(b_high)]

        # First step: low by low and the two mixed products. Second step, for high halves: high by high.
        second = Signal()
        straight = Signal(signed(66))
        cross1 = Signal(signed(66))
        cross2 = Signal(signed(66))
        m.d.sync += [
            straight.eq(Mux(second, high_a, a_low) * Mux(second, high_b, b_low)),
            cross1.eq(a_low * b_high),
            cross2.eq(a_high * b_low),
        ]
        valid = Signal()
        last = Signal()
        m.d.comb += second.eq(valid & ~last)
        m.d.sync += [
            valid.eq(self.start | second),
            last.eq((self.start & (self.funct3[:2] == 0)) | second),
        ]

        upper = Signal(signed(68))  # Everything above bit 31 of the first step.
        carried = Signal(signed(66))
        m.d.comb += upper.eq(straight[32:64] + cross1 + cross2)
        m.d.sync += carried.eq(upper >> 32)
        m.d.comb += [
            self.done.eq(valid & last),
            self.result.eq(Mux(high, straight + carried, Cat(straight[:32], upper[:32]))),
        ]
        with m.If(word):
            m.d.comb += self.result.eq(sign_extend(straight[:32]))
        return m
