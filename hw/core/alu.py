"""Arithmetic and logic unit, and the branch comparator."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ArithmeticLogicUnit", "BranchComparator"]


def sign_extend(value, width=64):
    """`value` with its top bit repeated up to `width` bits."""
    value = Value.cast(value)
    return Cat(value, value[-1].replicate(width - len(value)))


class ArithmeticLogicUnit(wiring.Component):
    """Combinational; `funct3`, `alternate` and `word` as in :class:`hw.core.decoder.Control`."""

    operand1: In(64)
    operand2: In(64)
    funct3: In(3)
    alternate: In(1)
    word: In(1)
    result: Out(64)

    def elaborate(self, platform):
        m = Module()
        a, b = self.operand1, self.operand2

        total = Signal(64)
        m.d.comb += total.eq(Mux(self.alternate, a - b, a + b))

        # One right shifter serves the left shifts too, with the bits turned round before and after.
        right = self.funct3[2]
        amount = Signal(6)
        source = Signal(64)
        fill = Signal()
        shifted = Signal(64)
        m.d.comb += amount.eq(b[:6])
        m.d.comb += source.eq(a)
        with m.If(self.word):
            m.d.comb += amount[5].eq(0)
            m.d.comb += source[32:].eq(Mux(self.alternate, a[31].replicate(32), 0))
        m.d.comb += fill.eq(self.alternate & source[63])
        turned = Signal(64)
        m.d.comb += turned.eq(Mux(right, source, source[::-1]))
        m.d.comb += shifted.eq(Cat(turned, (fill & right)).as_signed() >> amount)

        less_signed = Signal()
        less_unsigned = Signal()
        m.d.comb += [
            less_unsigned.eq(a < b),
            less_signed.eq(Mux(a[63] == b[63], less_unsigned, a[63])),
        ]

        full = Signal(64)
        with m.Switch(self.funct3):
            with m.Case(0):
                m.d.comb += full.eq(total)
            with m.Case(1):
                m.d.comb += full.eq(shifted[::-1])
            with m.Case(2):
                m.d.comb += full.eq(less_signed)
            with m.Case(3):
                m.d.comb += full.eq(less_unsigned)
            with m.Case(4):
                m.d.comb += full.eq(a ^ b)
            with m.Case(5):
                m.d.comb += full.eq(shifted)
            with m.Case(6):
                m.d.comb += full.eq(a | b)
            with m.Case(7):
                m.d.comb += full.eq(a & b)
        m.d.comb += self.result.eq(Mux(self.word, sign_extend(full[:32]), full))
        return m


class BranchComparator(wiring.Component):
    """Combinational: does the conditional branch `funct3` take its jump?"""

    operand1: In(64)
    operand2: In(64)
    funct3: In(3)
    taken: Out(1)

    def elaborate(self, platform):
        m = Module()
        a, b = self.operand1, self.operand2
        unsigned_less = Signal()
        condition = Signal()
        m.d.comb += unsigned_less.eq(a < b)
        with m.Switch(self.funct3[1:]):
            with m.Case(0):
                m.d.comb += condition.eq(a == b)
            with m.Case(2):
                m.d.comb += condition.eq(Mux(a[63] == b[63], unsigned_less, a[63]))
            with m.Default():
                m.d.comb += condition.eq(unsigned_less)
        m.d.comb += self.taken.eq(condition ^ self.funct3[0])
        return m
