"""Store buffer: stores to main memory that have committed and wait for the bus."""

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..bus import wishbone

__all__ = ["PendingStore", "StoreBuffer"]


class PendingStore(data.Struct):
    """A store as the bus wants it."""

    adr: 29
    data: 64
    sel: 8


#: Stores written before the bus is let go for a cycle.
RUN = 8


class StoreBuffer(wiring.Component):
    """First in, first out, in LUT RAM. After a few stores in a row the bus is free for a cycle, so that a loop of
    stores starves nobody.

    Main memory answers no store with an error, so `err` counts as done.

    Parameters
    ----------
    depth : int
        Power of two.

    Members
    -------
    push, store : append; allowed in the cycle after `room`.
    room : there is place for a store besides one that may be pushed in this very cycle.
    empty : nothing waits and nothing is on the bus.
    bus : writes.
    """

    def __init__(self, depth=8):
        self._depth = depth
        super().__init__({
            "push": In(1),
            "store": In(PendingStore),
            "room": Out(1),
            "empty": Out(1),
            "bus": Out(wishbone.system_signature()),
        })

    def elaborate(self, platform):
        m = Module()
        bits = exact_log2(self._depth)
        m.submodules.queue = queue = memory.Memory(shape=PendingStore, depth=self._depth, init=[])
        write, read = queue.write_port(), queue.read_port(domain="comb")
        head = Signal(bits)
        tail = Signal(bits)
        level = Signal(range(self._depth + 1))
        waiting, asks = Signal(), Signal()
        pop = Signal()
        run = Signal(range(RUN))
        # The answer of the bus is late: what follows is found out for either case.
        pushed, popped = Signal(range(self._depth + 1)), Signal(range(self._depth + 1))
        m.d.comb += [
            pushed.eq(level + self.push), popped.eq(level + self.push - 1),
            pop.eq(asks & (self.bus.ack | self.bus.err)),
            self.room.eq(level < self._depth - 1),
            self.empty.eq(~waiting & ~self.push),
            write.en.eq(self.push), write.addr.eq(tail), write.data.eq(self.store),
            read.addr.eq(head),
            self.bus.cyc.eq(asks), self.bus.stb.eq(asks), self.bus.we.eq(1),
            self.bus.adr.eq(read.data.adr), self.bus.dat_w.eq(read.data.data), self.bus.sel.eq(read.data.sel),
        ]
        with m.If(pop):
            m.d.sync += run.eq(Mux(run == RUN - 1, 0, run + 1))
        m.d.sync += [
            level.eq(Mux(pop, popped, pushed)), tail.eq(tail + self.push), head.eq(head + pop),
            waiting.eq(Mux(pop, popped != 0, pushed != 0)),
            asks.eq(Mux(pop, (popped != 0) & (run != RUN - 1), pushed != 0)),
        ]
        return m
