"""Store buffer: stores to main memory that have committed and wait for the bus."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone

__all__ = ["PendingStore", "StoreBuffer"]


class PendingStore(data.Struct):
    """A store as the bus wants it."""

    adr: 29
    data: 64
    sel: 8


class StoreBuffer(wiring.Component):
    """First in, first out; a store to the word that was pushed last, and is not on the bus yet, joins it.

    Main memory answers no store with an error, so `err` counts as done.

    Parameters
    ----------
    depth : int

    Members
    -------
    push, store : append; allowed while `ready`.
    empty : nothing waits and nothing is on the bus.
    bus : writes.
    """

    def __init__(self, depth=4):
        self._depth = depth
        super().__init__({
            "push": In(1),
            "store": In(PendingStore),
            "ready": Out(1),
            "empty": Out(1),
            "bus": Out(wishbone.system_signature()),
        })

    def elaborate(self, platform):
        m = Module()
        entries = Array(Signal(PendingStore, name=f"entry{i}") for i in range(self._depth))
        head = Signal(range(self._depth))
        tail = Signal(range(self._depth))
        level = Signal(range(self._depth + 1))

        def after(index):
            return Mux(index == self._depth - 1, 0, index + 1)

        first = Signal(PendingStore)
        m.d.comb += [
            first.eq(entries[head]),
            self.ready.eq(level != self._depth),
            self.empty.eq(level == 0),
            self.bus.cyc.eq(level != 0),
            self.bus.stb.eq(level != 0),
            self.bus.we.eq(1),
            self.bus.adr.eq(first.adr),
            self.bus.dat_w.eq(first.data),
            self.bus.sel.eq(first.sel),
        ]
        newest = Signal(range(self._depth))
        merge = Signal()
        m.d.comb += merge.eq((level > 1) & (entries[newest].adr == self.store.adr))
        pop = Signal()
        added = Signal()
        m.d.comb += pop.eq((level != 0) & (self.bus.ack | self.bus.err))
        with m.If(pop):
            m.d.sync += head.eq(after(head))
        with m.If(self.push & self.ready):
            with m.If(merge):
                m.d.sync += entries[newest].sel.eq(entries[newest].sel | self.store.sel)
                for byte in range(8):
                    with m.If(self.store.sel[byte]):
                        m.d.sync += entries[newest].data.word_select(byte, 8).eq(self.store.data.word_select(byte, 8))
            with m.Else():
                m.d.comb += added.eq(1)
                m.d.sync += [entries[tail].eq(self.store), newest.eq(tail), tail.eq(after(tail))]
        m.d.sync += level.eq(level + added - pop)
        return m
