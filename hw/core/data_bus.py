"""Arbiter of the core's data bus: store buffer, load/store unit and page-table walker."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone

__all__ = ["DataBus"]


class DataBus(wiring.Component):
    """Stores that wait go first, so that whoever reads behind them sees them. The load/store unit wants the bus only
    while none wait, so these two never meet; each has the bus when it asks, unless the walker has.

    That is a register: the walker says a cycle before a read that it comes, and has the bus for this one transfer.

    Members
    -------
    stores, unit, walker : the three initiators.
    walker_comes : the walker will raise `cyc` in the next cycle, at the latest when it has the bus.
    bus : the port of the core.
    """

    stores: In(wishbone.system_signature())
    unit: In(wishbone.system_signature())
    walker: In(wishbone.system_signature())
    walker_comes: In(1)
    bus: Out(wishbone.system_signature())

    def elaborate(self, platform):
        m = Module()
        stores, unit, walker, bus = self.stores, self.unit, self.walker, self.bus
        walks = Signal()
        answered = bus.ack | bus.err
        m.d.sync += walks.eq(Mux(walks, walker.cyc & ~answered,
                                 (self.walker_comes | walker.cyc) & ~stores.cyc & ~unit.cyc))
        for name in ("adr", "dat_w", "sel", "cyc", "stb", "we", "lock", "cti", "bte"):
            of_stores, of_unit, of_walker = (Value.cast(getattr(source, name)) for source in (stores, unit, walker))
            m.d.comb += Value.cast(getattr(bus, name)).eq(Mux(walks, of_walker, Mux(stores.cyc, of_stores, of_unit)))
        for source, owns in ((stores, ~walks & stores.cyc), (unit, ~walks & ~stores.cyc & unit.cyc), (walker, walks)):
            m.d.comb += [source.dat_r.eq(bus.dat_r), source.ack.eq(bus.ack & owns), source.err.eq(bus.err & owns)]
        return m
