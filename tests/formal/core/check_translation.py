"""Page-table walker, lookaside buffer and physical memory protection, each by itself, against the specification."""

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, C, Cat, Cover, Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from hw.core.config import CoreConfig
from hw.core.pmp import ADDRESS_BITS, GRAIN, AddressMatching, PmpCheck, PmpEntry
from hw.core.translation import LookasideBuffer, LookasideEntry, Regime
from hw.core.walker import PageTableWalker
from tests.formal.bus.rules import initiator_rules, target_rules
from tests.formal.core.bench import in_regions

__all__ = ["LookasideBench", "ProtectionBench", "WalkerBench"]

PMP_ENTRIES = 2
FETCH, LOAD, STORE = 0, 1, 2
USER, SUPERVISOR = 0, 1


# ---- the specification

def pmp_rights(m, regions, page, machine, name):
    """(read, write, execute) that physical memory protection leaves of a page (3.7.1), from pmpcfg and pmpaddr."""
    rights = Signal(3, name=name)
    address = Cat(C(0, 10), page[:20])  # In words of four bytes, as pmpaddr counts.
    m.d.comb += rights.eq(Mux(machine, 7, 0) if regions else 7)
    numbers = []
    for region in regions:
        # Bits below the grain read as ones in a NAPOT region.
        low = Mux(region.matching == AddressMatching.NAPOT, (1 << (GRAIN - 1)) - 1, 0)
        numbers.append(Cat(C(0, GRAIN - 1), region.address)[:ADDRESS_BITS] | low)
    matches = []
    for index, (region, number) in enumerate(zip(regions, numbers, strict=True)):
        floor = (numbers[index - 1] >> GRAIN) << GRAIN if index else 0
        ceiling = (number >> GRAIN) << GRAIN
        span = number ^ (number + 1)
        matched = Signal(name=f"{name}_{index}")
        with m.Switch(region.matching):
            with m.Case(AddressMatching.TOR):
                m.d.comb += matched.eq((address >= floor) & (address < ceiling))
            with m.Case(AddressMatching.NAPOT):
                m.d.comb += matched.eq(((address ^ number) & ~span[:ADDRESS_BITS]) == 0)
        matches.append(matched)
    for matched, region in reversed(list(zip(matches, regions, strict=True))):
        with m.If(matched):
            m.d.comb += rights.eq(Mux(machine & ~region.locked, 7, region.rights.as_value()))
    return rights


def allows(rights, access):
    return Mux(access == FETCH, rights[2], Mux(access == LOAD, rights[0], rights[1]))


def leaf_faults(pte, level, access, privilege, sum_, mxr):
    """Steps 5 to 8 of 12.3.2 and Svade, for a leaf as 64 bits."""
    read, write, execute, user, accessed, dirty = (pte[bit] for bit in (1, 2, 3, 4, 6, 7))
    level_ok = Mux(privilege == USER, user, ~user | (sum_ & (access != FETCH)))
    kind_ok = Mux(access == FETCH, execute, Mux(access == LOAD, read | (mxr & execute), write & dirty))
    aligned = (((level == 0) | (pte[10:19] == 0)) & ((level != 2) | (pte[19:28] == 0)))
    return ~(level_ok & kind_ok & aligned & accessed)


class WalkerBench(Elaboratable):
    """Any request of either port over any page table; the reference follows the reads on the bus."""

    def __init__(self, pmp_entries=PMP_ENTRIES):
        self._config = CoreConfig(pmp_entries=pmp_entries)

    def elaborate(self, platform):
        m = Module()
        m.submodules.walker = walker = PageTableWalker(self._config)
        root, asid = AnyConst(44), AnyConst(16)
        m.d.comb += [walker.root.eq(root), walker.asid.eq(asid)]
        for region in walker.regions:
            m.d.comb += [region.as_value().eq(AnyConst(len(region.as_value()))),
                         Assume(region.matching.as_value() != 2)]
        bus = walker.bus
        m.d.comb += [bus.dat_r.eq(AnySeq(64)), bus.ack.eq(AnySeq(1)), bus.err.eq(AnySeq(1))]
        target_rules(m, bus, Assume)
        initiator_rules(m, bus, Assert, bursts=False)
        ports = (walker.data, walker.fetch)
        names = ("vpn", "regime", "access", "privilege", "sum", "mxr")
        for number, port in enumerate(ports):
            m.d.comb += [port.valid.eq(AnySeq(1)), Assume(port.regime.as_value() != 3),
                         Assume(port.access.as_value() != 3),
                         # Translation by tables is for the lower levels; untranslated addresses have 32 bits.
                         Assume((port.regime != Regime.PAGED) | (port.privilege.as_value() <= SUPERVISOR)),
                         Assume((port.regime == Regime.PAGED) | (port.vpn[20:] == 0))]
            held = Signal(name=f"held{number}")
            m.d.sync += held.eq(port.valid & ~port.done)
            for name in names:
                value = getattr(port, name)
                value = value if isinstance(value, Signal) else value.as_value()
                before = Signal(len(value), name=f"before_{name}{number}")
                m.d.comb += value.eq(AnySeq(len(value)))
                m.d.sync += before.eq(value)
                m.d.comb += Assume(~held | (value == before))
            m.d.comb += Assume(~held | port.valid)

        # Who is served: told by the answer, so the reference follows both requests.
        m.d.comb += Assert(~(ports[0].done & ports[1].done))
        for number, port in enumerate(ports):
            self._follow(m, walker, port, root, asid, number)
        m.d.comb += Cover(ports[1].done & ~ports[1].page_fault & ~ports[1].access_fault
                          & (ports[1].regime == Regime.PAGED) & (ports[1].entry.level == 0))
        return m

    def _follow(self, m, walker, port, root, asid, number):
        bus = walker.bus
        regions = list(walker.regions)
        access, privilege = port.access.as_value(), port.privilege.as_value()
        # What has been read since the last answer of the walker, taken as a walk of this port.
        level, table, pte = Signal(2, init=2), Signal(44), Signal(64)
        reads, began, leaf, broken, failed, right = Signal(2), Signal(), Signal(), Signal(), Signal(), Signal(init=1)
        here = Mux(began, table, root)
        index = port.vpn.word_select(level, 9)
        answered = bus.cyc & bus.stb & (bus.ack | bus.err)
        word = bus.dat_r
        is_leaf = word[1] | word[3]
        bad = ~word[0] | (word[2] & ~word[1]) | (word[54:] != 0) | (~is_leaf & (word[4] | word[6] | word[7]))
        ended = walker.data.done | walker.fetch.done
        with m.If(ended):
            m.d.sync += [level.eq(2), began.eq(0), leaf.eq(0), broken.eq(0), failed.eq(0), right.eq(1), reads.eq(0)]
        with m.Elif(answered):
            m.d.sync += [began.eq(1), reads.eq(reads + 1), pte.eq(word)]
            # This was this port's next read, if everything before it was.
            m.d.sync += right.eq(right & ~leaf & ~broken & ~failed & (here[20:] == 0)
                                 & (bus.adr == Cat(index, here[:20])) & ~bus.we & (bus.sel == 0xFF))
            with m.If(bus.err):
                m.d.sync += failed.eq(1)
            with m.Elif(bad | (~is_leaf & (level == 0))):
                m.d.sync += broken.eq(1)
            with m.Elif(is_leaf):
                m.d.sync += leaf.eq(1)
            with m.Else():
                m.d.sync += [table.eq(word[10:54]), level.eq(level - 1)]

        table_rights = pmp_rights(m, regions, here, C(0), f"table_rights{number}")
        frame = Signal(44, name=f"frame{number}")
        m.d.comb += frame.eq(pte[10:54])
        with m.If(level != 0):
            m.d.comb += frame[:9].eq(port.vpn[:9])
        with m.If(level == 2):
            m.d.comb += frame[9:18].eq(port.vpn[9:18])
        with m.If(port.regime != Regime.PAGED):
            m.d.comb += frame.eq(port.vpn)
        page_rights = pmp_rights(m, regions, frame, port.regime == Regime.MACHINE, f"page_rights{number}")
        faults = leaf_faults(pte, level, access, privilege, port.sum, port.mxr)
        # Tables are read where S-mode may read, in main memory.
        table_page = Cat(C(0, 12), here[:20])
        blocked = (here[20:] != 0) | ~table_rights[0] | ~in_regions(table_page, self._config.cached)

        page = Cat(C(0, 12), frame[:20])
        # Instructions come from main memory, or from I/O that was made for them.
        out_of_reach = (access == FETCH) & ~in_regions(page, self._config.cached + self._config.uncached_code)
        page_fault, access_fault = Signal(name=f"page_fault{number}"), Signal(name=f"access_fault{number}")
        with m.If(port.regime == Regime.PAGED):
            m.d.comb += [
                page_fault.eq(broken | (leaf & faults)),
                access_fault.eq(failed | (~broken & ~leaf & blocked)
                                | (leaf & ~faults & ((frame[20:] != 0) | ~allows(page_rights, access) | out_of_reach))),
            ]
        with m.Else():
            m.d.comb += access_fault.eq(~allows(page_rights, access) | out_of_reach)
        entry = port.entry
        with m.If(port.done):
            m.d.comb += [
                Assert(Mux(port.regime == Regime.PAGED, right & (leaf | broken | failed | blocked), reads == 0)),
                Assert(port.page_fault == page_fault), Assert(port.access_fault == access_fault),
            ]
            with m.If(~page_fault & ~access_fault):
                m.d.comb += [
                    Assert(entry.vpn == port.vpn), Assert(entry.asid == asid),
                    Assert(entry.regime == port.regime), Assert(entry.ppn == frame[:20]),
                    Assert(entry.physical.as_value() == page_rights),
                    Assert(entry.cached == in_regions(page, self._config.cached)),
                ]
                with m.If(port.regime == Regime.PAGED):
                    m.d.comb += [
                        Assert(entry.level == level),
                        Assert(Cat(entry.read, entry.write, entry.execute, entry.user, entry.global_) == pte[1:6]),
                        Assert(entry.dirty == pte[7]),
                    ]


class LookasideBench(Elaboratable):
    """Any one translation: it hits only where it belongs, and only between a fill and the next flush that covers it."""

    def __init__(self, entries=2):
        self._entries = entries

    def elaborate(self, platform):
        m = Module()
        m.submodules.tlb = tlb = LookasideBuffer(self._entries)
        flush = tlb.flush
        for value in (tlb.vpn, tlb.asid, tlb.fill, flush.all, flush.some, flush.by_address, flush.by_asid, flush.vpn,
                      flush.asid):
            m.d.comb += value.eq(AnySeq(len(value)))
        for value in (tlb.regime, tlb.new):
            m.d.comb += value.as_value().eq(AnySeq(len(value.as_value())))
        m.d.comb += [Assume(tlb.regime.as_value() != 3), Assume(tlb.new.regime.as_value() != 3),
                    Assume(tlb.new.level != 3)]
        # A look-up is of the page that stood at `next_index` in the cycle before, or it may not hit.
        m.d.comb += tlb.next_index.eq(AnySeq(len(tlb.next_index)))
        # The order of a search stands still until it is done, and no second one comes.
        searching = Signal()
        m.d.sync += searching.eq(flush.some | (flush.busy & ~flush.some))
        held = Signal(data.StructLayout({"by_address": 1, "by_asid": 1, "vpn": 27, "asid": 16}))
        with m.If(flush.some):
            m.d.sync += [getattr(held, name).eq(getattr(flush, name)) for name in held.shape().members]
        with m.If(flush.busy):
            m.d.comb += [Assume(~flush.some), *(Assume(getattr(held, name) == getattr(flush, name))
                                                for name in held.shape().members)]

        watched = Signal(LookasideEntry)
        m.d.comb += watched.as_value().eq(AnyConst(len(watched.as_value())))
        shift = 9 * watched.level
        same_page = ((watched.vpn ^ flush.vpn) >> shift) == 0
        covered = flush.all | (flush.some & (~flush.by_address | same_page)
                               & (~flush.by_asid | ((watched.asid == flush.asid) & ~watched.global_)))
        alive = Signal()
        with m.If(covered):
            m.d.sync += alive.eq(0)
        with m.Elif(tlb.fill & (tlb.new.as_value() == watched.as_value())):
            m.d.sync += alive.eq(1)
        with m.If(tlb.hit & (tlb.entry.as_value() == watched.as_value())):
            m.d.comb += [
                Assert(alive), Assert(watched.vpn == tlb.vpn), Assert(watched.regime == tlb.regime),
                Assert(watched.global_ | (watched.asid == tlb.asid)),
            ]
        # A flush of this cycle counts from the next; the instruction behind it comes later still.
        m.d.comb += Cover(tlb.hit & alive)
        return m


class ProtectionBench(wiring.Component):
    """Every page, with any regions."""

    def __init__(self, entries=4):
        self._entries = entries
        super().__init__({"regions": In(data.ArrayLayout(PmpEntry, entries)), "page": In(20), "machine": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.check = check = PmpCheck(self._entries)
        m.d.comb += [check.regions.eq(self.regions), check.page.eq(self.page), check.machine.eq(self.machine)]
        m.d.comb += [Assume(region.matching.as_value() != 2) for region in self.regions]
        expected = pmp_rights(m, list(self.regions), self.page, self.machine, "expected")
        m.d.comb += Assert(check.rights.as_value() == expected)
        return m
