"""Alternative operations in place of multiplication and division, for proofs.

riscv-formal defines them ("Alternative arithmetic operations" in its RVFI chapter): a sum or a difference, XORed with a
constant that tells the operations apart. They keep everything around the arithmetic as it is, and a solver can
reason about them.
"""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .alu import sign_extend

__all__ = ["AlternativeEngine"]

#: By funct3: whether to subtract, and the constant.
OPERATIONS = (
    (False, 0x2CDF_52A5_5876_063E), (False, 0x15D0_1651_F658_3FB7),
    (True, 0xEA39_69ED_ECFB_E137), (False, 0xD13D_B50D_949C_E5E8),
    (True, 0x29BB_F66F_7F85_29EC), (True, 0x8C62_9ACB_10E8_FD70),
    (True, 0xF5B7_D853_8DA6_8FA5), (True, 0xBC44_0241_3138_D0E1),
)


class AlternativeEngine(wiring.Component):
    """Stands in for :class:`hw.core.multiplier.Multiplier` and :class:`hw.core.divider.Divider`.

    Members
    -------
    start, funct3, word, operand1, operand2 : begin, for one cycle.
    done, result : `done` for one cycle, `cycles` after `start`; `result` from the cycle after `start`.
    """

    start: In(1)
    funct3: In(3)
    word: In(1)
    operand1: In(64)
    operand2: In(64)
    done: Out(1)
    result: Out(64)

    def __init__(self, cycles):
        self._cycles = cycles
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        value = Signal(64)
        with m.Switch(self.funct3):
            for funct3, (subtract, constant) in enumerate(OPERATIONS):
                with m.Case(funct3):
                    total = self.operand1 - self.operand2 if subtract else self.operand1 + self.operand2
                    m.d.comb += value.eq(total ^ constant)
        stages = Signal(self._cycles)
        m.d.sync += stages.eq(Cat(self.start, stages[:-1]))
        with m.If(self.start):
            m.d.sync += self.result.eq(Mux(self.word, sign_extend(value[:32]), value))
        m.d.comb += self.done.eq(stages[-1])
        return m
