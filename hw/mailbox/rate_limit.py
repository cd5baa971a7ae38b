"""Token buckets: the time at which a sender's debt is paid, against rate and burst.

A bucket is kept as a moment and not as a counter, so it costs memory and no adder of its own: a message moves the
moment by `period` cycles, from now on if it has passed, and is allowed while it then lies at most `window` cycles
ahead. Clock and moments wrap. A moment is therefore forgotten once it has passed for certain, long before it seems to
lie ahead again: time is divided into epochs longer than any window, and who has sent nothing for a whole one owes
nothing.
"""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from .registers import RATE_BITS, SenderRate

__all__ = ["RateLimiter"]

#: Moments less than an epoch of 2**RATE_BITS cycles ahead, and up to two behind, differ from each other.
_TIME_BITS = RATE_BITS + 2


class RateLimiter(wiring.Component):
    """A message costs its sender `period` cycles of debt and is allowed while the debt stays within `window`.

    So a sender posts `window // period` messages in a row and then one in each `period` cycles.

    Parameters
    ----------
    senders : int
        Buckets.

    Attributes
    ----------
    found, bucket : In(1), In(range(senders))
        Who sends has that bucket; without one it is not limited.
    allowed : Out(1)
        It may send a message now; known two cycles after `found` and `bucket`.
    charge : In(1)
        It sends a message. `found` and `bucket` are what they were two cycles ago, and stay in the next one.
    row : In(range(senders))
        Bucket that the following are about.
    forgive : In(1)
        It owes nothing.
    write, new_rate : In
        It gets another rate, and owes nothing.
    clear, clear_index : In(1), In(range(senders))
        Set a bucket's rate to 0 (no limit).
    """

    def __init__(self, senders):
        self._senders = senders
        super().__init__({
            "found": In(1),
            "bucket": In(range(senders)),
            "allowed": Out(1),
            "charge": In(1),
            "row": In(range(senders)),
            "forgive": In(1),
            "write": In(1),
            "new_rate": In(SenderRate),
            "clear": In(1),
            "clear_index": In(range(senders)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.settings = settings = memory.Memory(shape=SenderRate, depth=self._senders, init=[])
        m.submodules.moments = moments = memory.Memory(shape=_TIME_BITS, depth=self._senders, init=[])
        setting, set_rate = settings.read_port(domain="comb"), settings.write_port()
        moment, move = moments.read_port(domain="comb"), moments.write_port()
        now, epoch_ends = Signal(_TIME_BITS), Signal()
        m.d.sync += now.eq(now + 1)
        m.d.comb += epoch_ends.eq(now[:_TIME_BITS - 2].all())
        #: The bucket was charged in this epoch; in the one before.
        recent, older = Signal(self._senders), Signal(self._senders)
        # Whoever was charged when an epoch began is forgotten in the last two cycles of the next one: his moment, at
        # least a cycle behind the charge, would soon seem to lie ahead.
        forgotten = now[1:_TIME_BITS - 2].all()
        owes = (recent | Mux(forgotten, 0, older)).bit_select(self.bucket, 1)
        forgives = self.forgive | self.write

        # First cycle: what will be owed two cycles later. What is charged in the cycle before is not in the memory
        # yet; whoever charges asks nothing in the next two.
        ahead, debt = Signal(_TIME_BITS), Signal(_TIME_BITS)
        m.d.comb += [moment.addr.eq(self.bucket), ahead.eq(moment.data - now - 2)]
        m.d.sync += debt.eq(Mux(owes & ~ahead[-1] & ~(forgives & (self.row == self.bucket)), ahead, 0))

        # Second cycle: what will be owed with this message.
        after, owed, limits, limited = Signal(_TIME_BITS), Signal(_TIME_BITS), Signal(), Signal()
        m.d.comb += [
            setting.addr.eq(self.bucket),
            after.eq(debt + setting.data.period),
            limits.eq(self.found & (setting.data.period != 0)),
        ]
        m.d.sync += [
            limited.eq(limits),
            self.allowed.eq(~limits | (after <= setting.data.window)),
            owed.eq(after),
        ]

        # Third cycle. Whether it is charged is known late, so the moment moves in the next one.
        charges, due = Signal(), Signal(_TIME_BITS)
        m.d.sync += [charges.eq(self.charge & limited), due.eq(now + owed)]
        m.d.comb += [
            move.addr.eq(self.bucket),
            move.data.eq(due),
            move.en.eq(charges),
            set_rate.addr.eq(Mux(self.clear, self.clear_index, self.row)),
            set_rate.data.period.eq(Mux(self.clear, 0, self.new_rate.period)),
            set_rate.data.window.eq(self.new_rate.window),
            set_rate.en.eq(self.write | self.clear),
        ]
        with m.If(epoch_ends):
            m.d.sync += [older.eq(recent), recent.eq(0)]
        with m.If(charges):
            m.d.sync += recent.bit_select(self.bucket, 1).eq(1)
        with m.If(forgives):
            m.d.sync += [recent.bit_select(self.row, 1).eq(0), older.bit_select(self.row, 1).eq(0)]
        return m
