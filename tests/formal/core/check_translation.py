"""Lookaside buffer and physical memory protection, each by itself, against the specification."""

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, C, Cat, Cover, Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from hw.core.pmp import ADDRESS_BITS, GRAIN, AddressMatching, PmpCheck, PmpEntry
from hw.core.translation import LookasideBuffer, LookasideEntry

__all__ = ["LookasideBench", "ProtectionBench"]


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
