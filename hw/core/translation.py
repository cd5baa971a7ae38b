"""Sv39 address translation: page-table entries, the lookaside buffer and the permission rules."""

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from .port import Privilege

__all__ = ["PageTableEntry", "Access", "LookasideEntry", "LookasideBuffer", "denied", "canonical"]


class PageTableEntry(data.Struct):
    """Sv39 page-table entry (privileged specification, figure 65)."""

    valid: 1
    read: 1
    write: 1
    execute: 1
    user: 1
    global_: 1
    accessed: 1
    dirty: 1
    software: 2
    ppn: 44
    #: Reserved, PBMT and N: none of these extensions exists here, so all must be zero.
    reserved: 10

    def is_leaf(self):
        return self.read | self.execute

    def malformed(self):
        """Not valid, reserved, or a pointer with bits that only leaves have (12.3.2, steps 3 and 4)."""
        pointer_flags = ~self.is_leaf() & (self.dirty | self.accessed | self.user)
        return ~self.valid | (self.write & ~self.read) | self.reserved.any() | pointer_flags

    def misaligned(self, level):
        """Leaf whose low PPN parts, below `level`, are not zero."""
        return ((level != 0) & self.ppn[:9].any()) | ((level == 2) & self.ppn[9:18].any())


class Access(enum.Enum, shape=2):
    """Kind of access that is translated."""

    FETCH = 0
    LOAD = 1
    STORE = 2


class LookasideEntry(data.Struct):
    """One cached translation."""

    valid: 1
    #: 0, 1, 2: pages of 4 KiB, 2 MiB, 1 GiB.
    level: 2
    asid: 16
    vpn: 27
    ppn: 20
    #: The frame lies above the 32-bit physical address space.
    beyond: 1
    read: 1
    write: 1
    execute: 1
    user: 1
    global_: 1
    dirty: 1


def canonical(address):
    """Bits 63:39 all equal bit 38 (12.4.1)."""
    return (address[38:] == 0) | address[38:].all()


def denied(entry, access, privilege, *, sum_, mxr):
    """Whether a leaf forbids `access` at `privilege` (12.3.2, steps 5 and 7; Svade for the dirty bit)."""
    supervisor = privilege == Privilege.SUPERVISOR
    wrong_level = Mux(supervisor, entry.user & ((access == Access.FETCH) | ~sum_), ~entry.user)
    return wrong_level | Mux(
        access == Access.FETCH, ~entry.execute,
        Mux(access == Access.LOAD, ~(entry.read | (mxr & entry.execute)), ~(entry.write & entry.dirty)))


class LookasideBuffer(wiring.Component):
    """Fully associative lookaside buffer.

    Parameters
    ----------
    entries : int

    Members
    -------
    vpn, asid : what is looked up; `hit`, `entry` and `ppn` answer in the same cycle.
    fill, fill_level, fill_pte : cache this leaf for the vpn and asid that stand at the look-up. It replaces the entry
        that hits, so that one address is never cached twice.
    flush, flush_all, flush_asid : forget everything, or what belongs to one address space. Single addresses are
        not told apart: flushing too much is allowed and such a flush is rare.
    """

    def __init__(self, entries):
        self._count = entries
        super().__init__({
            "vpn": In(27),
            "asid": In(16),
            "hit": Out(1),
            "entry": Out(LookasideEntry),
            "ppn": Out(20),
            "fill": In(1),
            "fill_level": In(2),
            "fill_pte": In(PageTableEntry),
            "flush": In(1),
            "flush_all": In(1),
            "flush_asid": In(16),
        })

    def elaborate(self, platform):
        m = Module()
        entries = Array(Signal(LookasideEntry, name=f"entry{i}") for i in range(self._count))
        matches = Signal(self._count)
        for i, entry in enumerate(entries):
            m.d.comb += matches[i].eq(
                entry.valid & (entry.global_ | (entry.asid == self.asid))
                & (entry.vpn[18:] == self.vpn[18:])
                & ((entry.level == 2) | (entry.vpn[9:18] == self.vpn[9:18]))
                & ((entry.level != 0) | (entry.vpn[:9] == self.vpn[:9])))

        # First match wins: software that maps an address twice may find either, never a mixture.
        hit_index = Signal(range(self._count))
        m.d.comb += self.hit.eq(matches.any())
        for i in reversed(range(self._count)):
            with m.If(matches[i]):
                m.d.comb += [hit_index.eq(i), self.entry.eq(entries[i])]
        m.d.comb += self.ppn.eq(self.entry.ppn)
        with m.If(self.entry.level != 0):
            m.d.comb += self.ppn[:9].eq(self.vpn[:9])
        with m.If(self.entry.level == 2):
            m.d.comb += self.ppn[9:18].eq(self.vpn[9:18])

        victim = Signal(range(self._count))
        new = Signal(LookasideEntry)
        pte = self.fill_pte
        m.d.comb += [
            new.valid.eq(1), new.level.eq(self.fill_level), new.asid.eq(self.asid), new.vpn.eq(self.vpn),
            new.ppn.eq(pte.ppn[:20]), new.beyond.eq(pte.ppn[20:].any()),
            new.read.eq(pte.read), new.write.eq(pte.write), new.execute.eq(pte.execute), new.user.eq(pte.user),
            new.global_.eq(pte.global_), new.dirty.eq(pte.dirty),
        ]
        with m.If(self.fill):
            m.d.sync += entries[Mux(self.hit, hit_index, victim)].eq(new)
            with m.If(~self.hit):
                m.d.sync += victim.eq(Mux(victim == self._count - 1, 0, victim + 1))
        for entry in entries:
            with m.If(self.flush & (self.flush_all | ((entry.asid == self.flush_asid) & ~entry.global_))):
                m.d.sync += entry.valid.eq(0)
        with m.If(self.flush & self.fill):
            # Whatever a walk brings while everything is being forgotten may be as old.
            for entry in entries:
                m.d.sync += entry.valid.eq(0)
        return m
