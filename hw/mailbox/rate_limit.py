"""Token bucket of each queue, kept as a debt in cycles that falls by one each cycle."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from .registers import RATE_BITS, QueueRate

__all__ = ["RateLimiter"]


class RateLimiter(wiring.Component):
    """A message costs `period` cycles of debt and is allowed while the debt stays within `window`.

    So a queue takes `window // period` messages in a row and then one in each `period` cycles.

    Parameters
    ----------
    queues : int

    Attributes
    ----------
    select : In(range(queues))
        Queue that everything below is about.
    rate : Out(QueueRate)
        Its setting.
    allowed : Out(1)
        It takes a message now.
    charge : In(1)
        It takes a message.
    write, new_rate : In(1), In(QueueRate)
        It gets a new setting, and its debt is forgiven.
    clear, clear_index : In(1), In(range(queues))
        Set a queue's setting to 0 (no limit).
    """

    def __init__(self, queues):
        self._queues = queues
        super().__init__({
            "select": In(range(queues)),
            "rate": Out(QueueRate),
            "allowed": Out(1),
            "charge": In(1),
            "write": In(1),
            "new_rate": In(QueueRate),
            "clear": In(1),
            "clear_index": In(range(queues)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.settings = settings = memory.Memory(shape=QueueRate, depth=self._queues, init=[])
        read = settings.read_port(domain="comb")
        write = settings.write_port()
        debts = Array(Signal(RATE_BITS, name=f"debt{number}") for number in range(self._queues))
        after = Signal(RATE_BITS + 1)
        m.d.comb += [
            read.addr.eq(self.select),
            self.rate.eq(read.data),
            write.addr.eq(Mux(self.clear, self.clear_index, self.select)),
            write.data.eq(self.new_rate),
            write.en.eq(self.write | self.clear),
            after.eq(debts[self.select] + self.rate.period),
            self.allowed.eq((self.rate.period == 0) | (after <= self.rate.window)),
        ]
        with m.If(self.clear):
            m.d.comb += write.data.eq(0)
        for number in range(self._queues):
            debt = debts[number]
            with m.If((self.select == number) & self.write):
                m.d.sync += debt.eq(0)
            with m.Elif((self.select == number) & self.charge & (self.rate.period != 0)):
                # The window bounds the sum, so it fits; this cycle's own step is paid at once.
                m.d.sync += debt.eq(after - 1)
            with m.Elif(debt != 0):
                m.d.sync += debt.eq(debt - 1)
        return m
