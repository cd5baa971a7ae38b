"""Multiplier: the four 33 x 33 bit signed products of a 64 x 64 bit product."""

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
    funct3, word, operand1, operand2 : what to multiply.
    result : a cycle later.
    """

    funct3: In(3)
    word: In(1)
    operand1: In(64)
    operand2: In(64)
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

        low_low = Signal(signed(66))
        low_high = Signal(signed(66))
        high_low = Signal(signed(66))
        high_high = Signal(signed(66))
        m.d.sync += [
            low_low.eq(a_low * b_low), low_high.eq(a_low * b_high),
            high_low.eq(a_high * b_low), high_high.eq(a_high * b_high),
            high.eq(self.funct3[:2] != 0), word.eq(self.word),
        ]
        upper = Signal(signed(98))  # Everything above bit 31. The outer products do not overlap there.
        m.d.comb += [
            upper.eq(Cat(low_low[32:64], high_high).as_signed() + low_high + high_low),
            self.result.eq(Mux(high, upper[32:], Cat(low_low[:32], upper[:32]))),
        ]
        with m.If(word):
            m.d.comb += self.result.eq(sign_extend(low_low[:32]))
        return m
