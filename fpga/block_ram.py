"""Main memory in block RAM."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.bus import wishbone
from hw.bus.sram import Sram

__all__ = ["BlockRamMemory"]


class BlockRamMemory(wiring.Component):
    """Memory behind the system's port, which leads here for the addresses of main memory alone.

    Parameters
    ----------
    size : int
        Bytes, a power of two: the configuration's `memory_bytes`.

    Attributes
    ----------
    bus : In(wishbone.system_signature())
        Addresses as the system gives them; the low part counts.
    """

    bus: In(wishbone.system_signature())

    def __init__(self, size: int):
        self._ram = Sram(size)
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.ram = ram = self._ram
        bus, inner = self.bus, ram.bus
        m.d.comb += [
            inner.adr.eq(bus.adr), inner.dat_w.eq(bus.dat_w), inner.we.eq(bus.we), inner.cyc.eq(bus.cyc),
            inner.stb.eq(bus.stb), inner.cti.eq(bus.cti), inner.bte.eq(bus.bte), inner.sel.eq(bus.sel),
            bus.dat_r.eq(inner.dat_r), bus.ack.eq(inner.ack), bus.err.eq(inner.err),
        ]
        return m
