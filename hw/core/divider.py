"""Divider: restoring, four bits a cycle in two steps of radix 4; leading zeros of the dividend are skipped."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .alu import sign_extend

__all__ = ["Divider"]

#: Bits of the quotient that one cycle finds, and that one cycle of leading zeros skips.
STEP_BITS = 4
SKIP_BITS = 16


class Divider(wiring.Component):
    """div, divu, rem, remu and their word forms.

    Division by zero and overflow give what the unprivileged specification, table 13, asks for: the algorithm does so
    by itself, but for the sign of the quotient of a division by zero.

    Members
    -------
    start, funct3, word, operand1, operand2 : begin, for one cycle. A division under way is forgotten.
    done, result : for one cycle, 5 to 18 cycles after `start`.
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
        dividend = Signal(64)
        divisor = Signal(64)
        unsigned_ = self.funct3[0]
        for value, operand in ((dividend, self.operand1), (divisor, self.operand2)):
            m.d.comb += value.eq(Mux(
                self.word, Cat(operand[:32], (operand[31] & ~unsigned_).replicate(32)), operand))
        dividend_negative = ~unsigned_ & dividend[63]
        divisor_negative = ~unsigned_ & divisor[63]

        remaining = Signal(range(64 // STEP_BITS + 1))
        quotient = Signal(64)  # The dividend's bits leave at the top, the quotient's enter at the bottom.
        remainder = Signal(64)
        magnitude = Signal(64)
        triple = Signal(66)
        begun = Signal()
        leading = Signal()
        busy = Signal()
        finish = Signal()
        negate_quotient = Signal()
        negate_remainder = Signal()
        want_remainder = Signal()
        word = Signal()

        # ---- two steps of radix 4
        partial = remainder
        digits = []
        for step in range(STEP_BITS // 2):
            high = 64 - 2 * step
            shifted = Signal(66, name=f"shifted{step}")
            after = Signal(64, name=f"after{step}")
            digit = Signal(2, name=f"digit{step}")
            less = [Signal(67, name=f"less{step}_{multiple}") for multiple in (1, 2, 3)]
            m.d.comb += shifted.eq(Cat(quotient[high - 2:high], partial))
            for difference, multiple in zip(less, (magnitude, magnitude << 1, triple), strict=True):
                m.d.comb += difference.eq(shifted - multiple)
            fits = [~difference[66] for difference in less]
            m.d.comb += [
                digit.eq(Cat(fits[2] | (fits[0] & ~fits[1]), fits[1])),
                after.eq(Mux(fits[1], Mux(fits[2], less[2], less[1]), Mux(fits[0], less[0], shifted))),
            ]
            partial = after
            digits.insert(0, digit)

        with m.If(self.start):
            m.d.sync += [
                begun.eq(1), leading.eq(1), busy.eq(0),
                remaining.eq(64 // STEP_BITS),
                quotient.eq(Mux(dividend_negative, -dividend, dividend)),
                magnitude.eq(Mux(divisor_negative, -divisor, divisor)),
                remainder.eq(0),
                negate_quotient.eq((dividend_negative ^ divisor_negative) & (self.operand2 != 0)),
                negate_remainder.eq(dividend_negative),
                want_remainder.eq(self.funct3[1]),
                word.eq(self.word),
            ]
            # The lower half alone decides for a word.
            with m.If(self.word & (self.operand2[:32] == 0)):
                m.d.sync += negate_quotient.eq(0)
        with m.Elif(begun):
            m.d.sync += [begun.eq(0), busy.eq(1), triple.eq(magnitude + (magnitude << 1))]
        with m.Elif(leading & busy & (quotient[64 - SKIP_BITS:] == 0) & (magnitude != 0)
                    & (remaining > SKIP_BITS // STEP_BITS)):
            m.d.sync += [quotient.eq(quotient << SKIP_BITS), remaining.eq(remaining - SKIP_BITS // STEP_BITS)]
        with m.Elif(busy):
            m.d.sync += [
                leading.eq(0),
                remainder.eq(partial),
                quotient.eq(Cat(*digits, quotient)),
                remaining.eq(remaining - 1),
                busy.eq(remaining != 1),
            ]
        m.d.sync += finish.eq(busy & (remaining == 1) & ~self.start)

        wanted = Signal(64)
        value = Signal(64)
        negate = Mux(want_remainder, negate_remainder, negate_quotient)
        m.d.comb += [
            wanted.eq(Mux(want_remainder, remainder, quotient)),
            value.eq((wanted ^ negate.replicate(64)) + negate),
            self.done.eq(finish),
            self.result.eq(Mux(word, sign_extend(value[:32]), value)),
        ]
        return m
