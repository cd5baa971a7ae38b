"""Hardware page-table walker of Sv39, shared by instruction fetch and data accesses."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from .translation import PageTableEntry

__all__ = ["WalkPort", "PageTableWalker"]


class WalkPort(wiring.Signature):
    """Who needs a translation holds `valid` and `vpn` until `done`.

    `done` comes with a leaf (`pte`, `level`), or with `page_fault` or `access_fault`. Whether the leaf allows the
    access is not the walker's business, but for the accessed bit (Svade).
    """

    def __init__(self):
        super().__init__({
            "valid": Out(1),
            "vpn": Out(27),
            "done": In(1),
            "page_fault": In(1),
            "access_fault": In(1),
            "pte": In(PageTableEntry),
            "level": In(2),
        })


class PageTableWalker(wiring.Component):
    """One walk at a time; data before fetch.

    Members
    -------
    data, fetch : the two who ask.
    root : satp.PPN.
    bus : reads of page-table entries.
    """

    data: In(WalkPort())
    fetch: In(WalkPort())
    root: In(44)
    bus: Out(wishbone.system_signature())

    def elaborate(self, platform):
        m = Module()
        for_fetch = Signal()
        vpn = Signal(27)
        level = Signal(2)
        table = Signal(44)
        index = Signal(9)
        pte = Signal(PageTableEntry)
        done, page_fault, access_fault = Signal(), Signal(), Signal()

        m.d.comb += index.eq(vpn.word_select(level, 9))
        for port in (self.data, self.fetch):
            m.d.comb += [
                port.page_fault.eq(page_fault), port.access_fault.eq(access_fault),
                port.pte.eq(pte), port.level.eq(level),
            ]
        m.d.comb += [self.data.done.eq(done & ~for_fetch), self.fetch.done.eq(done & for_fetch)]

        with m.FSM():
            with m.State("idle"):
                m.d.sync += for_fetch.eq(~self.data.valid)
                m.d.sync += vpn.eq(Mux(self.data.valid, self.data.vpn, self.fetch.vpn))
                m.d.sync += [level.eq(2), table.eq(self.root), page_fault.eq(0), access_fault.eq(0)]
                with m.If(self.data.valid | self.fetch.valid):
                    m.next = "read"
            with m.State("read"):
                beyond = table[20:].any()
                m.d.comb += [
                    self.bus.cyc.eq(~beyond), self.bus.stb.eq(~beyond), self.bus.sel.eq(0xFF),
                    self.bus.adr.eq(Cat(index, table[:20])),
                ]
                m.d.sync += pte.eq(self.bus.dat_r)
                with m.If(beyond | self.bus.err):
                    m.d.sync += access_fault.eq(1)
                    m.next = "done"
                with m.Elif(self.bus.ack):
                    m.next = "check"
            with m.State("check"):
                m.next = "done"
                with m.If(pte.malformed()):
                    m.d.sync += page_fault.eq(1)
                with m.Elif(pte.is_leaf()):
                    m.d.sync += page_fault.eq(pte.misaligned(level) | ~pte.accessed)
                with m.Elif(level == 0):
                    m.d.sync += page_fault.eq(1)
                with m.Else():
                    m.d.sync += [level.eq(level - 1), table.eq(pte.ppn)]
                    m.next = "read"
            with m.State("done"):
                m.d.comb += done.eq(1)
                m.next = "idle"
        return m
