"""Arithmetic and logic unit."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..mapping import SEPARATE, equal

__all__ = ["ArithmeticLogicUnit", "sign_extend"]


def sign_extend(value, width=64):
    """`value` with its top bit repeated up to `width` bits."""
    value = Value.cast(value)
    return Cat(value, value[-1].replicate(width - len(value)))


class ArithmeticLogicUnit(wiring.Component):
    """Combinational; `funct3`, `alternate` and `word` as in :class:`hw.core.decoder.Control`.

    The shifter is the longest way through the stage. So everything else joins behind it in one OR, and what selects
    is known from the instruction alone.

    Members
    -------
    operand1, operand2, funct3, alternate, word : what to do.
    distance : low bits of `operand2`, for shifts. It comes on a way of its own, for `operand2` has many other readers.
    active : the result is wanted; otherwise it is `beside`, which is 0 if `active`.
    result : of an arithmetic instruction.
    taken : whether the conditional branch `funct3` takes its jump.
    """

    operand1: In(64)
    operand2: In(64)
    distance: In(6)
    funct3: In(3)
    alternate: In(1)
    word: In(1)
    active: In(1)
    beside: In(64)
    result: Out(64)
    taken: Out(1)

    def elaborate(self, platform):
        m = Module()
        a, b = self.operand1, self.operand2
        adds = Signal()
        shifts_left = Signal()
        shifts_right = Signal()
        compares = Signal()
        combines = Signal()
        for code, selects in (((0,), adds), ((1,), shifts_left), ((5,), shifts_right), ((2, 3), compares),
                              ((4, 6, 7), combines)):
            m.d.comb += selects.eq(self.active & self.funct3.matches(*code))

        # The carry enters below bit 0, so that one adder subtracts too.
        total = Signal(64)
        addend = b ^ self.alternate.replicate(64)
        m.d.comb += total.eq((Cat(self.alternate, a) + Cat(self.alternate, addend))[1:])

        # ---- comparison, for branches and for slt; without the adder, which would make it later
        # Turning the sign bits round makes a signed comparison of an unsigned one.
        less = Signal()
        unsigned_ = Mux(self.funct3[2], self.funct3[1], self.funct3[0])
        m.d.comb += [
            less.eq(Cat(a[:63], a[63] ^ ~unsigned_) < Cat(b[:63], b[63] ^ ~unsigned_)),
            self.taken.eq(Mux(self.funct3[2], less, equal(a, b)) ^ self.funct3[0]),
        ]

        # ---- shifts. One right shifter serves the left shifts too, with the bits turned round before and after. The
        # step by 32 also puts the sign, or 0, in place of what lies above a word.
        distance = Signal(6, attrs=SEPARATE)
        turned = Signal(64)
        fill = Signal()
        by_32 = Signal()
        above = Signal()
        halved = Signal(64)
        shifted = Signal(64)
        m.d.comb += [
            turned.eq(Mux(self.funct3[2], a, a[::-1])),
            fill.eq(self.alternate & self.funct3[2] & Mux(self.word, a[31], a[63])),
            distance.eq(self.distance & (shifts_left | shifts_right).replicate(6)),
            by_32.eq(distance[5] & ~self.word),
            above.eq(by_32 | (self.word & self.funct3[2])),
            halved.eq(Cat(Mux(by_32, turned[32:], turned[:32]), Mux(above, fill.replicate(32), turned[32:]))),
            shifted.eq(Cat(halved, fill).as_signed() >> distance[:5]),
        ]

        # A word's sign fills the upper half: found beside the shifter, for it would come late out of it.
        word_sign = Signal()
        m.d.comb += word_sign.eq(self.word & (
            (shifts_left & a[:32][::-1].bit_select(distance[:5], 1))
            | (shifts_right & a[31] & (self.alternate | ~distance[:5].any()))))

        # ---- the result
        logic = Signal(64)
        with m.Switch(self.funct3[:2]):
            with m.Case(0):
                m.d.comb += logic.eq(a ^ b)
            with m.Case(2):
                m.d.comb += logic.eq(a | b)
            with m.Default():
                m.d.comb += logic.eq(a & b)

        def low_and_high(selects):
            """A selection for the low half of the result, and for the high half, if a word's sign does not fill it."""
            return Cat(selects.replicate(32), (selects & ~self.word).replicate(32))
        shift = Signal(64)
        others = Signal(64)
        m.d.comb += [
            shift.eq((shifted[::-1] & low_and_high(shifts_left)) | (shifted & low_and_high(shifts_right))),
            others.eq((total & low_and_high(adds)) | (logic & combines.replicate(64)) | self.beside | (less & compares)
                      | Cat(C(0, 32), ((total[31] & adds & self.word) | word_sign).replicate(32))),
            self.result.eq(shift | others),
        ]
        return m
