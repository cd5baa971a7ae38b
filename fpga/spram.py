"""Wishbone memory in the single-port RAM of an iCE40 UltraPlus (Lattice FPGA-TN-02022)."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.bus import wishbone
from hw.bus.memory_map import MemoryBlock, MemoryMap

__all__ = ["SIZE", "Spram"]

#: Four blocks of 16,384 words of 16 bits, side by side: all that an iCE40UP5K has.
SIZE = 128 << 10
_BLOCK_BITS, _ADDRESS_BITS = 16, 14


class Spram(wiring.Component):
    """128 KiB of 64-bit words. A transfer takes two cycles; a burst is served as classic cycles.

    Attributes
    ----------
    bus : Interface, In
        Target port.
    """

    def __init__(self):
        super().__init__({"bus": In(wishbone.Signature(addr_width=_ADDRESS_BITS, data_width=64, granularity=8))})
        self.bus.memory_map = MemoryMap(addr_width=17)
        self.bus.memory_map.add_resource(MemoryBlock(SIZE), name="main", size=SIZE)

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        asked = Signal()
        m.d.comb += asked.eq(bus.cyc & bus.stb & ~bus.ack)
        m.d.sync += bus.ack.eq(asked)
        for number in range(64 // _BLOCK_BITS):
            select = bus.sel[2 * number:2 * number + 2]
            m.submodules[f"block{number}"] = Instance(
                "SB_SPRAM256KA", i_CLOCK=ClockSignal(), i_ADDRESS=bus.adr,
                i_DATAIN=bus.dat_w.word_select(number, _BLOCK_BITS),
                o_DATAOUT=bus.dat_r.word_select(number, _BLOCK_BITS),
                # A mask bit for each four bits.
                i_MASKWREN=Cat(select[0].replicate(2), select[1].replicate(2)), i_WREN=bus.we, i_CHIPSELECT=asked,
                i_STANDBY=0, i_SLEEP=0, i_POWEROFF=1)
        return m
