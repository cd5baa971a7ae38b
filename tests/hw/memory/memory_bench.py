"""A main memory as a process of Amaranth's simulator."""

from hw.bus.wishbone import CycleType

__all__ = ["MemoryProcess"]


class MemoryProcess:
    """Behind a Wishbone port of 64 bits.

    Attributes
    ----------
    words : dict of int to int
        Contents by word address; absent words hold their own byte address.
    latency : int
        Wait cycles before the first word of a transfer; `gap` before each further one.
    bad_reads, bad_writes : set of int
        Word addresses answered with `err`.
    reads, writes : list of int
        Word addresses in the order of their answers, errors included.
    """

    def __init__(self, bus, *, latency=3, gap=0):
        self.bus = bus
        self.words = {}
        self.latency, self.gap = latency, gap
        self.bad_reads, self.bad_writes = set(), set()
        self.reads, self.writes = [], []

    def word(self, address):
        return self.words.get(address, address << 3)

    async def serve(self, ctx):
        bus = self.bus
        wait = self.latency
        answering = False
        async for clk, rst, cyc, stb, we, adr, sel, data, cti in ctx.tick().sample(
                bus.cyc, bus.stb, bus.we, bus.adr, bus.sel, bus.dat_w, bus.cti):
            assert clk
            if rst:
                wait, answering = self.latency, False
            elif answering:
                # The edge that ended this cycle took the answer.
                answering = False
                if we and adr not in self.bad_writes:
                    lanes = sum(0xff << 8 * lane for lane in range(8) if sel >> lane & 1)
                    self.words[adr] = self.word(adr) & ~lanes | data & lanes
                (self.writes if we else self.reads).append(adr)
                wait = self.gap if cti == CycleType.INCR_BURST else self.latency
            # What the next cycle asks for is combinational of what the edge has set.
            cyc, stb, we, adr = (ctx.get(value) for value in (bus.cyc, bus.stb, bus.we, bus.adr))
            if cyc and stb:
                answering = wait == 0
                wait = max(0, wait - 1)
            else:
                wait = self.latency if not cyc else wait
            bad = answering and adr in (self.bad_writes if we else self.bad_reads)
            ctx.set(bus.ack, answering and not bad)
            ctx.set(bus.err, bad)
            ctx.set(bus.dat_r, self.word(adr) if answering and not we else 0xdead)
