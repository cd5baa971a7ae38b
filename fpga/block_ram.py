"""Main memory in block RAM: as much as there is, with an end."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.utils import exact_log2

from hw.bus import wishbone
from hw.bus.sram import Sram
from soc.memory_map import region

__all__ = ["BlockRamMemory"]


class BlockRamMemory(wiring.Component):
    """Memory behind the system's port, smaller than its region.

    An access beyond the end is answered with `err`: there is nothing, and it must not be the beginning once more.

    Parameters
    ----------
    size : int
        Bytes, a power of two.

    Attributes
    ----------
    bus : In(wishbone.system_signature())
        Addresses as the system gives them.
    """

    bus: In(wishbone.system_signature())

    def __init__(self, size: int):
        if size > region("memory").size:
            raise ValueError(f"Size must be at most {region('memory').size} bytes, not {size}")
        self._ram = Sram(size)
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.ram = ram = self._ram
        bus, inner = self.bus, ram.bus
        beyond = Signal()
        m.d.comb += [
            beyond.eq(bus.adr[len(inner.adr):exact_log2(region("memory").size // 8)].any()),
            inner.adr.eq(bus.adr), inner.dat_w.eq(bus.dat_w), inner.we.eq(bus.we), inner.cyc.eq(bus.cyc),
            inner.stb.eq(bus.stb), inner.cti.eq(bus.cti), inner.bte.eq(bus.bte),
            inner.sel.eq(Mux(beyond, 0, bus.sel)),
            bus.dat_r.eq(inner.dat_r), bus.ack.eq(inner.ack & ~beyond), bus.err.eq(inner.err | (inner.ack & beyond)),
        ]
        return m
