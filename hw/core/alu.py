"""Arithmetic and logic unit."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..mapping import equal

__all__ = ["ArithmeticLogicUnit", "sign_extend"]


def sign_extend(value, width=64):
    """`value` with its top bit repeated up to `width` bits."""
    value = Value.cast(value)
    return Cat(value, value[-1].replicate(width - len(value)))


class ArithmeticLogicUnit(wiring.Component):
    """Combinational; `funct3`, `alternate` and `word` as in :class:`hw.core.decoder.Control`.

    Members
    -------
    operand1, operand2, funct3, alternate, word : what to do.
    result : of an arithmetic instruction.
    taken : whether the conditional branch `funct3` takes its jump.
    """

    operand1: In(64)
    operand2: In(64)
    funct3: In(3)
    alternate: In(1)
    word: In(1)
    result: Out(64)
    taken: Out(1)

    def elaborate(self, platform):
        m = Module()
        a, b = self.operand1, self.operand2

        # The carry enters below bit 0, so that one adder subtracts too.
        total = Signal(64)
        addend = b ^ self.alternate.replicate(64)
        m.d.comb += total.eq((Cat(self.alternate, a) + Cat(self.alternate, addend))[1:])

        # ---- comparison, for branches and for slt
        # Turning the sign bits round makes a signed comparison of an unsigned one.
        less = Signal()
        unsigned_ = Mux(self.funct3[2], self.funct3[1], self.funct3[0])
        m.d.comb += [
            less.eq(Cat(a[:63], a[63] ^ ~unsigned_) < Cat(b[:63], b[63] ^ ~unsigned_)),
            self.taken.eq(Mux(self.funct3[2], less, equal(a, b)) ^ self.funct3[0]),
        ]

        # ---- shifts. One right shifter serves the left shifts too, with the bits turned round before and after.
        right = self.funct3[2]
        amount = Signal(6)
        source = Signal(64)
        turned = Signal(64)
        shifted = Signal(64)
        m.d.comb += [amount.eq(b[:6]), source.eq(a)]
        with m.If(self.word):
            m.d.comb += [amount[5].eq(0), source[32:].eq((a[31] & self.alternate).replicate(32))]
        fill = self.alternate & source[63] & right
        m.d.comb += [
            turned.eq(Mux(right, source, source[::-1])),
            shifted.eq(Cat(turned, fill).as_signed() >> amount),
        ]

        full = Signal(64)
        with m.Switch(self.funct3):
            with m.Case(0):
                m.d.comb += full.eq(total)
            with m.Case(1):
                m.d.comb += full.eq(shifted[::-1])
            with m.Case(2, 3):
                m.d.comb += full.eq(less)
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
