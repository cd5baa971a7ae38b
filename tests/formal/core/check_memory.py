"""Loads, stores, atomics and fetches against what is on the buses. Translation is off: `satp` stays Bare."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, C, Cat, Mux, Signal

from tests.formal.bus.rules import initiator_rules
from tests.formal.core.bench import in_regions
from tests.formal.core.privileged import one_of
from tests.formal.core.spec import OPERATIONS

__all__ = ["bus_rules", "input_output", "reservations", "data_coherence", "fetch_coherence", "progress"]


def bare(m, bench):
    """Translation stays off."""
    m.d.comb += Assume(bench.core._inside.commit.csr.satp.mode == 0)


def merged(word, data, mask):
    return Cat(Mux(mask[lane], data.word_select(lane, 8), word.word_select(lane, 8)) for lane in range(8))


class WatchedWord:
    """One aligned 64-bit word of main memory, any one, as the memory has it and as the program must see it."""

    def __init__(self, m, rvfi, bench):
        self.adr = AnyConst(29)
        start = AnyConst(64)
        self.memory, self.program = Signal(64), Signal(64)
        m.d.comb += Assume(in_regions(Cat(C(0, 3), self.adr), bench.config.cached))
        with m.If(bench.first):
            m.d.comb += [Assume(self.memory == start), Assume(self.program == start)]
        dbus = bench.core.dbus
        here = dbus.cyc & dbus.stb & (dbus.adr == self.adr)
        with m.If(here & dbus.ack & ~dbus.we):
            m.d.comb += Assume(dbus.dat_r == self.memory)
        with m.If(here & dbus.we):
            # Main memory takes every store.
            m.d.comb += Assume(~dbus.err)
            with m.If(dbus.ack):
                m.d.sync += self.memory.eq(merged(self.memory, dbus.dat_w, dbus.sel))

        self.offset = rvfi.mem_addr[:3]
        self.touched = rvfi.valid & (rvfi.mem_addr[3:] == self.adr)
        mask, data = Signal(8), Signal(64)
        m.d.comb += [mask.eq(rvfi.mem_wmask << self.offset), data.eq(rvfi.mem_wdata << (self.offset << 3))]
        with m.If(self.touched):
            m.d.sync += self.program.eq(merged(self.program, data, mask))


def data_coherence(m, rvfi, bench):
    """A load, and the read of an AMO, see what the program stored last, whatever is in cache and store buffer."""
    bare(m, bench)
    word = WatchedWord(m, rvfi, bench)
    seen = Signal(64)
    m.d.comb += seen.eq(word.program >> (word.offset << 3))
    with m.If(word.touched):
        for lane in range(8):
            part = slice(8 * lane, 8 * lane + 8)
            m.d.comb += Assert(~rvfi.mem_rmask[lane] | (rvfi.mem_rdata[part] == seen[part]))


def fetch_coherence(m, rvfi, bench):
    """What is executed is what stands in memory, unless a store to it was not followed by fence.i yet."""
    bare(m, bench)
    word = WatchedWord(m, rvfi, bench)
    ibus = bench.core.ibus
    with m.If(ibus.cyc & ibus.stb & ibus.ack & (ibus.adr == word.adr)):
        m.d.comb += Assume(ibus.dat_r == word.memory)
    stale = Signal()
    with m.If(word.touched & rvfi.mem_wmask.any()):
        m.d.sync += stale.eq(1)
    with m.Elif(rvfi.valid & ~rvfi.trap & (rvfi.insn[:7] == 0b0001111) & (rvfi.insn[12:15] == 1)):
        m.d.sync += stale.eq(0)
    compressed = rvfi.insn[:2] != 3
    fetched = rvfi.valid & ~stale & (rvfi.insn != 0)
    for half in range(2):
        address = Signal(64, name=f"half{half}")
        m.d.comb += address.eq(rvfi.pc_rdata + 2 * half)
        with m.If(fetched & (address[3:] == word.adr) & (~compressed if half else 1)):
            m.d.comb += Assert(rvfi.insn[16 * half:16 * half + 16] == word.program.word_select(address[1:3], 16))


def bus_rules(m, rvfi, bench):
    """Both ports keep the rules of the bus; an atomic's read and write are one locked pair."""
    for name in ("ibus", "dbus"):
        initiator_rules(m, getattr(bench.core, name), Assert, bursts=True)
    ibus, dbus = bench.core.ibus, bench.core.dbus
    m.d.comb += [Assert(~ibus.we), Assert(~ibus.lock)]
    pair, adr = Signal(), Signal(29)
    with m.If(dbus.cyc & dbus.stb & dbus.lock & ~dbus.we & dbus.ack):
        m.d.sync += [pair.eq(1), adr.eq(dbus.adr)]
    with m.Elif(dbus.cyc & dbus.stb & (dbus.ack | dbus.err)):
        m.d.sync += pair.eq(0)
    with m.If(pair):
        m.d.comb += [Assert(dbus.cyc & dbus.lock), Assert(~dbus.stb | (dbus.we & (dbus.adr == adr)))]


def input_output(m, rvfi, bench):
    """Outside main memory each access on the data bus belongs to an instruction that retires then, one to one."""
    bare(m, bench)
    dbus = bench.core.dbus
    answered = Signal()
    before = {name: Signal(len(getattr(dbus, name)), name=f"before_{name}") for name in ("adr", "we", "sel", "err")}
    outside = ~in_regions(Cat(C(0, 3), dbus.adr), bench.config.cached)
    m.d.sync += answered.eq(dbus.cyc & dbus.stb & (dbus.ack | dbus.err) & outside)
    m.d.sync += [past.eq(getattr(dbus, name)) for name, past in before.items()]
    mask = rvfi.mem_rmask | rvfi.mem_wmask
    accesses = rvfi.valid & (mask != 0) & ~in_regions(rvfi.mem_addr, bench.config.cached)
    with m.If(answered):
        m.d.comb += [Assert(rvfi.valid), Assert(rvfi.trap == before["err"])]
    m.d.comb += Assert(~accesses | answered)
    with m.If(accesses):
        m.d.comb += [
            Assert(rvfi.mem_addr[3:] == before["adr"]), Assert(before["we"] == rvfi.mem_wmask.any()),
            Assert(before["sel"] == (mask << rvfi.mem_addr[:3])[:8]),
        ]


def reservations(m, rvfi, bench):
    """sc writes if and only if a load reservation of the same eight bytes holds: set by lr, ended by sc, trap,
    interrupt or trap return."""
    bare(m, bench)
    reserved, granule = Signal(), Signal(61)
    lr, sc = (_any(rvfi.insn, group) for group in ("reserve", "conditional"))
    holds = reserved & ~rvfi.intr & (granule == rvfi.mem_addr[3:])
    with m.If(rvfi.valid):
        with m.If(lr & ~rvfi.trap):
            m.d.sync += [reserved.eq(1), granule.eq(rvfi.mem_addr[3:])]
        with m.Elif(rvfi.trap | rvfi.intr | one_of(rvfi.insn, "mret", "sret") | sc):
            m.d.sync += reserved.eq(0)
        with m.If(sc & ~rvfi.trap):
            m.d.comb += Assert(rvfi.mem_wmask.any() == holds)


def _any(insn, group):
    found = C(0, 1)
    for operation in OPERATIONS:
        if operation.group == group:
            found = found | operation.matches(insn)
    return found


def progress(m, rvfi, bench):
    """While the buses answer at once, no interrupt is due and wfi is woken, something retires or traps in time."""
    bare(m, bench)
    core = bench.core
    for bus in (core.ibus, core.dbus):
        m.d.comb += Assume(~(bus.cyc & bus.stb) | bus.ack | bus.err)
    m.d.comb += [Assume(~core._inside.commit.csr.interrupt_valid), Assume(core._inside.commit.csr.wake)]
    waited = Signal(8)
    m.d.sync += waited.eq(Mux(rvfi.valid, 0, waited + 1))
    m.d.comb += Assert(waited < 22)
