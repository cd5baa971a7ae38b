"""Arbiter of the core's data bus: store buffer, load/store unit and page-table walker."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone

__all__ = ["DataBus"]


class DataBus(wiring.Component):
    """Fixed priority: stores that wait go first, so that whoever reads behind them sees them.

    A grant lasts until its owner lowers `cyc`; ownership is registered, and a new owner may follow in the next cycle.

    Members
    -------
    stores, unit, walker : the three initiators.
    bus : the port of the core.
    """

    stores: In(wishbone.system_signature())
    unit: In(wishbone.system_signature())
    walker: In(wishbone.system_signature())
    bus: Out(wishbone.system_signature())

    def elaborate(self, platform):
        m = Module()
        sources = (self.stores, self.unit, self.walker)
        owner = Signal(range(len(sources)))
        chosen = Signal(range(len(sources)))
        held = Signal()

        m.d.comb += chosen.eq(owner)
        with m.If(~held):
            for i, source in reversed(list(enumerate(sources))):
                with m.If(source.cyc):
                    m.d.comb += chosen.eq(i)
        m.d.sync += owner.eq(chosen)

        with m.Switch(chosen):
            for i, source in enumerate(sources):
                with m.Case(i):
                    m.d.comb += [
                        getattr(self.bus, name).eq(getattr(source, name))
                        for name in ("adr", "dat_w", "sel", "cyc", "stb", "we", "lock", "cti", "bte")
                    ]
                    m.d.comb += [source.ack.eq(self.bus.ack), source.err.eq(self.bus.err)]
                    # Held while a cycle goes on; a store buffer that has more to write keeps cyc up all the same.
                    finished = (self.bus.ack | self.bus.err) & ~source.lock & (
                        (source.cti == wishbone.CycleType.CLASSIC) | (source.cti == wishbone.CycleType.END_OF_BURST))
                    m.d.sync += held.eq(source.cyc & ~finished)
        for source in sources:
            m.d.comb += source.dat_r.eq(self.bus.dat_r)
        return m
