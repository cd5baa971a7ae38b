"""Token bucket of each sender: a space whose messages count, and the time at which its debt is paid.

A bucket is kept as a moment and not as a counter, so it costs memory and no adder of its own: a message moves the
moment by `period` cycles, from now on if it has passed, and is allowed while it then lies at most `window` cycles
ahead. Clock and moments wrap. A moment that has passed is therefore forgotten by a sweep, long before it seems to lie
ahead again.
"""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from .registers import RATE_BITS, SenderBinding, SenderRate

__all__ = ["RateLimiter"]

#: Moments at most 2**RATE_BITS ahead, and at least as far behind, differ from each other.
_TIME_BITS = RATE_BITS + 2


class RateLimiter(wiring.Component):
    """A message costs its sender `period` cycles of debt and is allowed while the debt stays within `window`.

    So a sender posts `window // period` messages in a row and then one in each `period` cycles, to whatever queues and
    from whatever pages and contexts. A space without a bucket is not limited. The lowest bucket of a space counts.

    Parameters
    ----------
    senders : int
        Buckets.

    Attributes
    ----------
    space : In(32)
        Who sends.
    allowed : Out(1)
        It may send a message now; known two cycles after `space`.
    charge : In(1)
        It sends a message. `space` is what it was two cycles ago.
    sweep : In(1)
        Nobody needs `allowed` in the next cycle. High in one of any 2**RATE_BITS / `senders` cycles at least.
    row : In(range(senders))
        Bucket that the following are about.
    binding, rate : Out(SenderBinding), Out(SenderRate)
    bind, new_binding, write, new_rate : In
        It gets another space, or another rate; in both cases its debt is forgiven.
    clear, clear_index : In(1), In(range(senders))
        Set a bucket's rate to 0 (no limit).
    """

    def __init__(self, senders):
        self._senders = senders
        super().__init__({
            "space": In(32),
            "allowed": Out(1),
            "charge": In(1),
            "sweep": In(1),
            "row": In(range(senders)),
            "binding": Out(SenderBinding),
            "rate": Out(SenderRate),
            "bind": In(1),
            "new_binding": In(SenderBinding),
            "write": In(1),
            "new_rate": In(SenderRate),
            "clear": In(1),
            "clear_index": In(range(senders)),
        })

    def elaborate(self, platform):
        m = Module()
        senders = range(self._senders)
        m.submodules.settings = settings = memory.Memory(shape=SenderRate, depth=self._senders, init=[])
        m.submodules.moments = moments = memory.Memory(shape=_TIME_BITS, depth=self._senders, init=[])
        setting, shown = settings.read_port(domain="comb"), settings.read_port(domain="comb")
        set_rate = settings.write_port()
        moment, move = moments.read_port(domain="comb"), moments.write_port()
        bindings = Array(Signal(SenderBinding, name=f"binding{number}") for number in senders)
        #: The moment lies ahead, as far as is known.
        owes = Signal(self._senders)
        now = Signal(_TIME_BITS)
        m.d.sync += now.eq(now + 1)

        # First cycle: whose bucket.
        found, bucket = Signal(), Signal(range(self._senders))
        m.d.sync += found.eq(0)
        for number in reversed(senders):
            with m.If(bindings[number].enabled & (bindings[number].space == self.space)):
                m.d.sync += [found.eq(1), bucket.eq(number)]

        # Second cycle: what will be owed in the next one, with this message. What was charged in this cycle is not
        # in the memory yet; whoever charges asks nothing in the next two.
        swept = Signal.like(bucket)
        ahead, debt, after = Signal(_TIME_BITS), Signal(_TIME_BITS), Signal(_TIME_BITS)
        at = Mux(self.sweep, swept, bucket)
        m.d.comb += [
            setting.addr.eq(bucket),
            moment.addr.eq(at),
            ahead.eq(moment.data - now - 1),
            debt.eq(Mux(owes.bit_select(at, 1) & ~ahead[-1], ahead, 0)),
            after.eq(debt + setting.data.period),
        ]
        limited, owed, charged = Signal(), Signal(_TIME_BITS), Signal.like(bucket)
        m.d.sync += [
            limited.eq(found & (setting.data.period != 0)),
            self.allowed.eq(~found | (setting.data.period == 0) | (after <= setting.data.window)),
            owed.eq(after),
            charged.eq(bucket),
        ]

        # Third cycle.
        m.d.comb += [
            move.addr.eq(charged),
            move.data.eq(now + owed),
            move.en.eq(self.charge & limited),
            shown.addr.eq(self.row),
            self.rate.eq(shown.data),
            self.binding.eq(bindings[self.row]),
            set_rate.addr.eq(Mux(self.clear, self.clear_index, self.row)),
            set_rate.data.eq(Mux(self.clear, 0, self.new_rate.as_value())),
            set_rate.en.eq(self.write | self.clear),
        ]
        with m.If(self.sweep):
            m.d.sync += swept.eq(Mux(swept == self._senders - 1, 0, swept + 1))
            with m.If(ahead[-1]):
                m.d.sync += owes.bit_select(swept, 1).eq(0)
        with m.If(self.charge & limited):
            m.d.sync += owes.bit_select(charged, 1).eq(1)
        for number in senders:
            with m.If((self.row == number) & (self.bind | self.write)):
                m.d.sync += owes[number].eq(0)
            with m.If((self.row == number) & self.bind):
                m.d.sync += bindings[number].eq(self.new_binding)
        return m
