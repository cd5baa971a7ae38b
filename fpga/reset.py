"""Reset of a board's system."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RESET_CYCLES", "ResetHold"]

#: The system stays in reset for so many cycles after its clock is there: longer than a button bounces.
RESET_CYCLES = 1 << 16


class ResetHold(wiring.Component):
    """Holds a reset until nothing has asked for one for some time.

    It runs in the domain `start`, which has the system's clock and no reset: its own first values come with the
    bitstream.

    Parameters
    ----------
    cycles : int

    Attributes
    ----------
    ask : In(1)
        Synchronous to the clock.
    held : Out(1)
        From a register; high from the first cycle on.
    """

    ask: In(1)
    held: Out(1, init=1)

    def __init__(self, cycles: int = RESET_CYCLES):
        super().__init__()
        self._cycles = cycles

    def elaborate(self, platform):
        m = Module()
        left = Signal(range(self._cycles), init=self._cycles - 1)
        with m.If(self.ask):
            m.d.start += left.eq(self._cycles - 1)
        with m.Elif(left != 0):
            m.d.start += left.eq(left - 1)
        m.d.start += self.held.eq(self.ask | (left != 0))
        return m
