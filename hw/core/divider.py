"""Divider: restoring, one bit a cycle, leading zeros of the dividend skipped a byte at a time."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .alu import sign_extend

__all__ = ["Divider"]


class Divider(wiring.Component):
    """div, divu, rem, remu and their word forms.

    The operands must stay put from `start` until `done`. Division by zero and overflow give what the
    unprivileged specification, table 13, asks for: the algorithm does so by itself, but for the sign of the
    quotient of a division by zero.

    Members
    -------
    start : for one cycle; `done` answers with `result` for one cycle, at most 70 cycles later.
    funct3, word : as in the instruction.
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
        unsigned_ = self.funct3[0]
        want_remainder = self.funct3[1]

        dividend = Signal(64)
        divisor = Signal(64)
        with m.If(self.word):
            m.d.comb += dividend.eq(Mux(unsigned_, self.operand1[:32], sign_extend(self.operand1[:32])))
            m.d.comb += divisor.eq(Mux(unsigned_, self.operand2[:32], sign_extend(self.operand2[:32])))
        with m.Else():
            m.d.comb += [dividend.eq(self.operand1), divisor.eq(self.operand2)]
        dividend_negative = ~unsigned_ & dividend[63]
        divisor_negative = ~unsigned_ & divisor[63]

        remaining = Signal(7)
        quotient = Signal(64)  # The dividend's bits leave at the top, the quotient's enter at the bottom.
        remainder = Signal(64)
        magnitude = Signal(64)
        negate_quotient = Signal()
        negate_remainder = Signal()
        finish = Signal()

        shifted = Signal(65)
        difference = Signal(65)
        m.d.comb += [
            shifted.eq(Cat(quotient[63], remainder)),
            difference.eq(shifted - magnitude),
        ]
        with m.If(self.start):
            m.d.sync += [
                remaining.eq(64),
                quotient.eq(Mux(dividend_negative, -dividend, dividend)),
                magnitude.eq(Mux(divisor_negative, -divisor, divisor)),
                remainder.eq(0),
                negate_quotient.eq((dividend_negative ^ divisor_negative) & (divisor != 0)),
                negate_remainder.eq(dividend_negative),
            ]
        with m.Elif((remaining > 8) & (remainder == 0) & (quotient[56:] == 0) & (magnitude != 0)):
            m.d.sync += quotient.eq(quotient << 8)
            m.d.sync += remaining.eq(remaining - 8)
        with m.Elif(remaining != 0):
            borrow = difference[64]
            m.d.sync += [
                remainder.eq(Mux(borrow, shifted[:64], difference[:64])),
                quotient.eq(Cat(~borrow, quotient[:63])),
                remaining.eq(remaining - 1),
            ]
        m.d.sync += finish.eq(~self.start & (remaining == 1))

        value = Signal(64)
        m.d.comb += value.eq(Mux(
            want_remainder, Mux(negate_remainder, -remainder, remainder), Mux(negate_quotient, -quotient, quotient)))
        m.d.comb += self.done.eq(finish)
        m.d.comb += self.result.eq(Mux(self.word, sign_extend(value[:32]), value))
        return m
