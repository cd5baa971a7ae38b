"""Multiplier: one 33 x 33 bit signed product a cycle, of which a 64 x 64 bit product needs four."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .alu import sign_extend

__all__ = ["Multiplier"]


class Multiplier(wiring.Component):
    """mul, mulh, mulhsu, mulhu and mulw.

    The operands must stay put from `start` until `done`. A word product takes 2 cycles after `start`, mul 4, the
    high halves 5. The product's register lies between multiplication and addition, where a DSP block has one.

    Members
    -------
    start : for one cycle; `done` answers with `result` for one cycle.
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
        a, b = self.operand1, self.operand2
        a_signed = self.funct3 != 3
        b_signed = ~self.funct3[1]
        high = self.funct3[:2] != 0

        # Which halves are multiplied in this step, and which product the register holds.
        step = Signal(2)
        running = Signal()
        product = Signal(signed(66))
        product_step = Signal(2)
        product_valid = Signal()
        last = Mux(self.word, 0, Mux(high, 3, 2))

        a_half = Signal(signed(33))
        b_half = Signal(signed(33))
        m.d.comb += [
            a_half.eq(Mux(step[0], Cat(a[32:], a[63] & a_signed), a[:32])),
            b_half.eq(Mux(step[1], Cat(b[32:], b[63] & b_signed), b[:32])),
        ]
        m.d.sync += product_valid.eq(self.start | running)
        m.d.sync += product_step.eq(step)
        with m.If(self.start | running):
            m.d.sync += product.eq(a_half * b_half)
            m.d.sync += step.eq(step + 1)
            m.d.sync += running.eq(1)
            with m.If(step == last):
                m.d.sync += running.eq(0)
                m.d.sync += step.eq(0)

        total = Signal(128)
        following = Signal(128)
        addend = Signal(128)
        with m.Switch(product_step):
            with m.Case(0):
                m.d.comb += addend.eq(product)
            with m.Case(1, 2):
                m.d.comb += addend.eq(product << 32)
            with m.Case(3):
                m.d.comb += addend.eq(product << 64)
        m.d.comb += following.eq(Mux(product_step == 0, 0, total) + addend)
        with m.If(product_valid):
            m.d.sync += total.eq(following)

        m.d.comb += self.done.eq(product_valid & (product_step == last))
        m.d.comb += self.result.eq(
            Mux(self.word, sign_extend(following[:32]), Mux(high, following[64:], following[:64])))
        return m
