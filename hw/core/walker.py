"""Hardware page-table walker of Sv39, shared by instruction fetch and data accesses."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from .config import CoreConfig
from .pmp import PmpCheck, PmpEntry
from .port import Privilege
from .translation import Access, LookasideEntry, PageTableEntry, Regime, Rights, forbidden

__all__ = ["WalkPort", "PageTableWalker"]


def _in_regions(address, regions):
    """Whether a 32-bit physical address lies in one of the naturally aligned (base, size) regions."""
    result = C(0)
    for base, size in regions:
        shift = size.bit_length() - 1
        result = result | (address[shift:] == base >> shift)
    return result


class WalkPort(wiring.Signature):
    """Who needs a translation holds `valid` and the request until `done`.

    The address is canonical if `regime` is PAGED, and has 32 bits otherwise. `done` comes with `entry`, which allows
    the access asked for, or with `page_fault` or `access_fault`.
    """

    def __init__(self):
        super().__init__({
            "valid": Out(1),
            "vpn": Out(27),
            "regime": Out(Regime),
            "access": Out(Access),
            "privilege": Out(Privilege),
            "sum": Out(1),
            "mxr": Out(1),
            "done": In(1),
            "page_fault": In(1),
            "access_fault": In(1),
            "entry": In(LookasideEntry),
        })


class PageTableWalker(wiring.Component):
    """One walk at a time; data before fetch.

    Each page-table entry is read as S-mode would read it (3.7.1), from main memory only: one elsewhere is an access
    fault. Physical memory protection and attributes of the page found are part of the answer.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    data, fetch : the two who ask.
    root, asid : satp.PPN and satp.ASID.
    regions : see :class:`hw.core.pmp.PmpCheck`.
    bus : reads of page-table entries.
    comes : in the next cycle `bus.cyc` may be high.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        super().__init__({
            "data": In(WalkPort()),
            "fetch": In(WalkPort()),
            "root": In(44),
            "asid": In(16),
            "regions": In(data.ArrayLayout(PmpEntry, config.pmp_entries)),
            "bus": Out(wishbone.system_signature()),
            "comes": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.pmp = pmp = PmpCheck(config.pmp_entries)
        for_fetch = Signal()
        request = {name: Signal(member.shape, name=f"request_{name}")
                   for name, member in WalkPort().members.items() if name in
                   ("vpn", "regime", "access", "privilege", "sum", "mxr")}
        vpn, regime, access = request["vpn"], request["regime"], request["access"]
        level = Signal(2)
        frame = Signal(44)  # Table that is read, and in the end the page.
        index = Signal(9)
        pte = Signal(PageTableEntry)
        rights = Signal(Rights)
        done = Signal()
        page_fault = Signal()
        access_fault = Signal()
        entry = Signal(LookasideEntry)
        # Instructions come from main memory, or from I/O that was made for them.
        reachable = Signal()

        page_address = Cat(C(0, 12), frame[:20])
        m.d.comb += [
            index.eq(vpn.word_select(level, 9)),
            pmp.regions.eq(self.regions),
            pmp.page.eq(frame),
            self.bus.sel.eq(0xFF),
            self.bus.adr.eq(Cat(index, frame[:20])),
            entry.vpn.eq(vpn), entry.asid.eq(self.asid), entry.regime.eq(regime), entry.level.eq(level),
            entry.ppn.eq(frame),
            entry.read.eq(pte.read), entry.write.eq(pte.write), entry.execute.eq(pte.execute), entry.user.eq(pte.user),
            entry.global_.eq(pte.global_), entry.dirty.eq(pte.dirty),
            entry.physical.eq(rights),
            entry.cached.eq(_in_regions(page_address, config.cached)),
            reachable.eq((access != Access.FETCH) | entry.cached | _in_regions(page_address, config.uncached_code)),
        ]
        for port, mine in ((self.data, ~for_fetch), (self.fetch, for_fetch)):
            m.d.comb += [
                port.done.eq(done & mine), port.page_fault.eq(page_fault), port.access_fault.eq(access_fault),
                port.entry.eq(entry),
            ]

        with m.FSM():
            with m.State("idle"):
                m.d.sync += for_fetch.eq(~self.data.valid)
                for name, field in request.items():
                    m.d.sync += field.eq(Mux(self.data.valid, getattr(self.data, name), getattr(self.fetch, name)))
                m.d.sync += [level.eq(2), frame.eq(self.root), page_fault.eq(0), access_fault.eq(0)]
                with m.If(self.data.valid | self.fetch.valid):
                    m.next = "begin"
            with m.State("begin"):
                with m.If(regime == Regime.PAGED):
                    m.next = "guard"
                with m.Else():
                    m.d.sync += [frame.eq(vpn[:20]), level.eq(0)]
                    m.next = "permit"
            with m.State("guard"):
                m.d.comb += self.comes.eq(1)
                # Tables lie in main memory: reading a device could have side effects that no program asked for.
                m.d.sync += access_fault.eq(frame[20:].any() | ~pmp.rights.read | ~entry.cached)
                m.next = "read"
            with m.State("read"):
                m.d.comb += [self.bus.cyc.eq(~access_fault), self.bus.stb.eq(~access_fault)]
                m.d.sync += pte.eq(self.bus.dat_r)
                with m.If(access_fault):
                    m.next = "done"
                with m.Elif(self.bus.err):
                    m.d.sync += access_fault.eq(1)
                    m.next = "done"
                with m.Elif(self.bus.ack):
                    m.next = "check"
            with m.State("check"):
                m.d.sync += frame.eq(pte.ppn)
                with m.If(pte.malformed()):
                    m.d.sync += page_fault.eq(1)
                    m.next = "done"
                with m.Elif(pte.is_leaf()):
                    m.d.sync += page_fault.eq(
                        pte.misaligned(level) | ~pte.accessed
                        | forbidden(pte, access, request["privilege"], sum_=request["sum"], mxr=request["mxr"]))
                    with m.If(level != 0):
                        m.d.sync += frame[:9].eq(vpn[:9])
                    with m.If(level == 2):
                        m.d.sync += frame[9:18].eq(vpn[9:18])
                    m.next = "permit"
                with m.Elif(level == 0):
                    m.d.sync += page_fault.eq(1)
                    m.next = "done"
                with m.Else():
                    m.d.sync += level.eq(level - 1)
                    m.next = "guard"
            with m.State("permit"):
                m.d.comb += pmp.machine.eq(regime == Regime.MACHINE)
                m.d.sync += [
                    rights.eq(pmp.rights),
                    access_fault.eq(~page_fault & (~pmp.rights.allow(access) | ~reachable | (
                        (regime == Regime.PAGED) & frame[20:].any()))),
                ]
                m.next = "done"
            with m.State("done"):
                m.d.comb += done.eq(1)
                m.next = "idle"
        return m
