"""Loads, stores, atomics and fetches against what is on the buses. Translation is off: `satp` stays Bare."""

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, C, Cat, Mux, Signal

from tests.formal.bus.rules import initiator_rules
from tests.formal.core.bench import in_regions
from tests.formal.core.privileged import one_of
from tests.formal.core.spec import OPERATIONS

__all__ = ["atomicity", "bus_rules", "data_coherence", "fetch_bus_rules", "input_output", "reservations", "snooping"]

#: Cycles from another's store in memory until no instruction retires any more that read before it.
SETTLING = 3
#: Groups of instructions that access memory.
MEMORY = ("load", "store", "compressed-memory", "reserve", "conditional", "atomic")


def bare(m, bench):
    """Translation stays off."""
    m.d.comb += Assume(bench.core._inside.commit.csr.satp.mode == 0)


class WatchedBit:
    """One bit of main memory, any one, as the memory has it and as the program must see it.

    Attributes
    ----------
    adr, number : its word of 64 bits, and its place in that.
    start : what it is at the start.
    memory, program : what it is now; `after_store` what it is next in memory.
    touched : the instruction that the port shows accesses its word; `offset` is its byte within.
    """

    def __init__(self, m, rvfi, bench):
        self.adr, self.number = AnyConst(29), AnyConst(6)
        self.start = AnyConst(1)
        self.memory, self.program, self.after_store = Signal(), Signal(), Signal()
        after_instruction = Signal()
        m.d.comb += Assume(in_regions(Cat(C(0, 3), self.adr), bench.config.cached))
        for now, following in ((self.memory, self.after_store), (self.program, after_instruction)):
            register = Signal()
            m.d.comb += [now.eq(Mux(bench.first, self.start, register)), following.eq(now)]
            m.d.sync += register.eq(following)
        dbus = bench.core.dbus
        here = dbus.cyc & dbus.stb & (dbus.adr == self.adr)
        with m.If(here & dbus.ack & ~dbus.we):
            m.d.comb += Assume(self.of(dbus.dat_r) == self.memory)
        with m.If(here & dbus.we):
            # Main memory takes every store.
            m.d.comb += Assume(~dbus.err)
            with m.If(dbus.ack & self.within(dbus.sel)):
                m.d.comb += self.after_store.eq(self.of(dbus.dat_w))
        with m.If(bench.other_store & (bench.other_adr == self.adr)):
            m.d.comb += self.after_store.eq(AnySeq(1))

        self.offset = rvfi.mem_addr[:3]
        self.touched = rvfi.valid & (rvfi.mem_addr[3:] == self.adr)
        with m.If(self.touched & self.accessed(rvfi.mem_wmask)):
            m.d.comb += after_instruction.eq(self.accessed_data(rvfi.mem_wdata))

    def of(self, word):
        """The bit within its word."""
        return word.bit_select(self.number, 1)

    def within(self, lanes):
        """Its byte, of one bit for each byte of its word."""
        return lanes.bit_select(self.number[3:], 1)

    def accessed(self, mask):
        """Whether an access with this mask of the port covers it."""
        return self.within((mask << self.offset)[:8])

    def accessed_data(self, data):
        """The bit, from data of the port."""
        return self.of((data << (self.offset << 3))[:64])

    def start_coherent(self, m, cache):
        """If a cache holds the word at the start, it holds it as memory does. Said of look-ups: those of the word's
        place see what is there at the start until that place, or its tag, is first written."""
        word_bits, line_bits = cache.word_bits, cache.word_bits - cache.set_bits
        place, tag = self.adr[:word_bits], self.adr[word_bits:][:cache.tag_bits]
        written, looked = Signal(), Signal()
        with m.If((cache.write_ways.any() & (cache.write_word == place))
                  | (cache.tag_write & ~cache.drop & (cache.tag_set == place[line_bits:]))):
            m.d.sync += written.eq(1)
        m.d.sync += looked.eq(~written & (cache.read_word == place))
        for way, word in enumerate(cache.words):
            with m.If(looked & cache.hit_way[way] & (cache.match_tag == tag)):
                m.d.comb += Assume(self.of(word) == self.start)


def data_coherence(m, rvfi, bench):
    """A load, and the read of an AMO, see what the program stored last, whatever is in cache and store buffer."""
    bare(m, bench)
    watched = WatchedBit(m, rvfi, bench)
    watched.start_coherent(m, bench.core._inside.commit.memory._cache)
    with m.If(watched.touched & watched.accessed(rvfi.mem_rmask)):
        m.d.comb += Assert(watched.accessed_data(rvfi.mem_rdata) == watched.program)


def snooping(m, rvfi, bench):
    """Another's store is seen by what retires more than a few cycles behind it. The program itself does not store to
    that bit: what it would see of its own stores is `data_coherence`."""
    bare(m, bench)
    watched = WatchedBit(m, rvfi, bench)
    watched.start_coherent(m, bench.core._inside.commit.memory._cache)
    changed = Signal(SETTLING)
    m.d.sync += changed.eq(Cat(watched.memory != watched.after_store, changed))
    with m.If(watched.touched):
        m.d.comb += Assume(~watched.accessed(rvfi.mem_wmask))
        with m.If(watched.accessed(rvfi.mem_rmask) & ~changed.any()):
            m.d.comb += Assert(watched.accessed_data(rvfi.mem_rdata) == watched.memory)


def atomicity(m, rvfi, bench):
    """What an AMO or a successful sc overwrites is what it, or the lr before it, has read. The program's other stores
    go elsewhere, and no trap or return comes in between (`reservations`)."""
    bare(m, bench)
    watched = WatchedBit(m, rvfi, bench)
    watched.start_coherent(m, bench.core._inside.commit.memory._cache)
    lr, sc = (_any(rvfi.insn, group) for group in ("reserve", "conditional"))
    dbus = bench.core.dbus
    overwritten, linked, read = Signal(), Signal(), Signal()
    with m.If(dbus.cyc & dbus.stb & dbus.we & dbus.ack & (dbus.adr == watched.adr)):
        m.d.sync += overwritten.eq(watched.memory)
    with m.If(watched.touched & ~rvfi.trap):
        with m.If(lr):
            m.d.sync += [linked.eq(watched.accessed(rvfi.mem_rmask)), read.eq(watched.accessed_data(rvfi.mem_rdata))]
        with m.Elif(watched.accessed(rvfi.mem_wmask)):
            m.d.sync += linked.eq(0)
            with m.If(sc):
                m.d.comb += Assert(~linked | (overwritten == read))
            with m.Else():
                m.d.comb += Assume(rvfi.mem_rmask.any())
                m.d.comb += Assert(watched.accessed_data(rvfi.mem_rdata) == overwritten)


def bus_rules(m, rvfi, bench):
    """The data port keeps the rules of the bus; an atomic's read and write are one locked pair."""
    dbus = bench.core.dbus
    initiator_rules(m, dbus, Assert, bursts=True)
    pair, adr = Signal(), Signal(29)
    with m.If(dbus.cyc & dbus.stb & dbus.lock & ~dbus.we & dbus.ack):
        m.d.sync += [pair.eq(1), adr.eq(dbus.adr)]
    with m.Elif(dbus.cyc & dbus.stb & (dbus.ack | dbus.err)):
        m.d.sync += pair.eq(0)
    with m.If(pair):
        m.d.comb += [Assert(dbus.cyc & dbus.lock), Assert(~dbus.stb | (dbus.we & (dbus.adr == adr)))]


def fetch_bus_rules(m, rvfi, bench):
    """The instruction port keeps the rules of the bus, and only reads."""
    ibus = bench.core.ibus
    initiator_rules(m, ibus, Assert, bursts=True)
    m.d.comb += [Assert(~ibus.we), Assert(~ibus.lock)]


def input_output(m, rvfi, bench):
    """Outside main memory each access on the data bus belongs to one instruction, the next that retires or traps, and
    each such instruction to one access. The port shows an instruction a cycle after it has retired, when the next one
    may have its access already."""
    bare(m, bench)
    dbus = bench.core.dbus
    pending = Signal()
    seen = {name: Signal(len(getattr(dbus, name)), name=f"seen_{name}") for name in ("adr", "we", "sel", "err")}
    outside = ~in_regions(Cat(C(0, 3), dbus.adr), bench.config.cached)
    with m.If(dbus.cyc & dbus.stb & (dbus.ack | dbus.err) & outside):
        m.d.comb += Assert(~pending | rvfi.valid)
        m.d.sync += [pending.eq(1), *(past.eq(getattr(dbus, name)) for name, past in seen.items())]
    with m.Elif(rvfi.valid):
        m.d.sync += pending.eq(0)
    mask = rvfi.mem_rmask | rvfi.mem_wmask
    accesses = (mask != 0) & ~in_regions(rvfi.mem_addr, bench.config.cached)
    with m.If(rvfi.valid & pending):
        # What traps shows no access, so its instruction says whether the access can be its own.
        m.d.comb += [Assert(rvfi.trap == seen["err"]), Assert(accesses | rvfi.trap),
                     Assert(~rvfi.trap | _any(rvfi.insn, *MEMORY))]
    with m.If(rvfi.valid & accesses):
        m.d.comb += [
            Assert(pending), Assert(rvfi.mem_addr[3:] == seen["adr"]), Assert(seen["we"] == rvfi.mem_wmask.any()),
            Assert(seen["sel"] == (mask << rvfi.mem_addr[:3])[:8]),
        ]


def reservations(m, rvfi, bench):
    """sc writes if and only if a load reservation of the same eight bytes holds: set by lr, ended by sc, trap,
    interrupt or trap return. Any reservation may hold at the start, so what ends or sets one must come first."""
    bare(m, bench)
    known, reserved, granule = Signal(), Signal(), Signal(61)
    lr, sc = (_any(rvfi.insn, group) for group in ("reserve", "conditional"))
    holds = reserved & ~rvfi.intr & (granule == rvfi.mem_addr[3:])
    with m.If(rvfi.valid):
        with m.If(lr & ~rvfi.trap):
            m.d.sync += [known.eq(1), reserved.eq(1), granule.eq(rvfi.mem_addr[3:])]
        with m.Elif(rvfi.trap | rvfi.intr | one_of(rvfi.insn, "mret", "sret") | sc):
            m.d.sync += [known.eq(1), reserved.eq(0)]
        with m.If(sc & ~rvfi.trap):
            m.d.comb += Assert((rvfi.mem_wmask.any() == holds) | (~known & ~rvfi.intr))


def _any(insn, *groups):
    found = C(0, 1)
    for operation in OPERATIONS:
        if operation.group in groups:
            found = found | operation.matches(insn)
    return found
