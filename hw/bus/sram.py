"""Wishbone memory: RAM or ROM in block RAM."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In
from amaranth.utils import exact_log2

from . import wishbone
from .memory_map import MemoryBlock, MemoryMap

__all__ = ["Sram"]


class Sram(wiring.Component):
    """Memory of 64-bit words: the first beat takes one wait cycle, each further beat of a burst none.

    Linear, wrapping and constant-address bursts are understood, with wait cycles of the initiator (`stb` low)
    between beats. A write to a ROM is answered with `err`.

    Parameters
    ----------
    size : int
        Bytes, a power of two and at least 16.
    init : bytes or iterable of int
        First contents: bytes from address 0 on, or words. The rest is zero.
    writable : bool
        False for a ROM.
    name : str
        Name of the memory in the memory map.

    Attributes
    ----------
    bus : Interface, In
        Target port with `err`, `cti` and `bte`.
    """

    def __init__(self, size, *, init=(), writable=True, name="memory"):
        if not isinstance(size, int) or size < 16 or size & (size - 1):
            raise ValueError(f"Size must be a power of two of at least 16 bytes, not {size!r}")
        words = words_of(init) if isinstance(init, bytes | bytearray) else list(init)
        if len(words) > size // 8:
            raise ValueError(f"Contents of {len(words) * 8} bytes do not fit {size} bytes")
        self.size = size
        self.writable = bool(writable)
        self._memory = memory.Memory(shape=64, depth=size // 8, init=words)
        features = {wishbone.Feature.ERR, wishbone.Feature.CTI, wishbone.Feature.BTE}
        super().__init__({"bus": In(wishbone.Signature(addr_width=exact_log2(size // 8), data_width=64,
                                                       granularity=8, features=features))})
        memory_map = MemoryMap(addr_width=exact_log2(size))
        memory_map.add_resource(MemoryBlock(size, self.writable), name=name, size=size)
        self.bus.memory_map = memory_map

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self._memory
        # What a read gives in the cycle of a write is never used; transparent is what block RAM does by itself.
        write = self._memory.write_port(granularity=8) if self.writable else None
        read = self._memory.read_port(transparent_for=(write,) if self.writable else ())
        #: The word at this beat's address is on the read port.
        ready = Signal()
        beat = Signal()
        more = Signal()
        m.d.comb += [
            beat.eq(self.bus.cyc & self.bus.stb & ready),
            more.eq((self.bus.cti == wishbone.CycleType.INCR_BURST)
                    | (self.bus.cti == wishbone.CycleType.CONST_BURST)),
            read.addr.eq(Mux(beat, wishbone.next_burst_address(self.bus.adr, self.bus.cti, self.bus.bte),
                             self.bus.adr)),
            # While the initiator waits inside a burst, the word stays on the port.
            read.en.eq(beat | ~ready),
            self.bus.dat_r.eq(read.data),
        ]
        with m.If(~self.bus.cyc):
            m.d.sync += ready.eq(0)
        with m.Elif(beat):
            m.d.sync += ready.eq(more)
        with m.Elif(self.bus.stb):
            m.d.sync += ready.eq(1)

        if self.writable:
            m.d.comb += [
                write.addr.eq(self.bus.adr),
                write.data.eq(self.bus.dat_w),
                write.en.eq(Mux(beat & self.bus.we, self.bus.sel, 0)),
                self.bus.ack.eq(beat),
            ]
        else:
            m.d.comb += [
                self.bus.ack.eq(beat & ~self.bus.we),
                self.bus.err.eq(beat & self.bus.we),
            ]
        return m


def words_of(contents):
    """Little-endian 64-bit words of a byte string, the last one filled with zeros."""
    padded = bytes(contents) + bytes(-len(contents) % 8)
    return [int.from_bytes(padded[start:start + 8], "little") for start in range(0, len(padded), 8)]
