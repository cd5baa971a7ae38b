"""Sv39 address translation: page-table entries, permission rules, and the lookaside buffer."""

from amaranth import *
from amaranth.lib import data, enum, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..mapping import BLOCK_RAM, all_of, pairs_equal
from .port import Privilege

__all__ = ["PageTableEntry", "Access", "Regime", "Rights", "LookasideEntry", "TlbFlush", "LookasideBuffer",
           "forbidden", "canonical"]


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


class Regime(enum.Enum, shape=2):
    """How an address becomes a physical one, and which PMP rules hold."""

    #: Sv39.
    PAGED = 0
    #: The address is physical, for S-mode or U-mode.
    BARE = 1
    #: The address is physical, for M-mode.
    MACHINE = 2


class Rights(data.Struct):
    """What physical memory protection leaves of a page."""

    read: 1
    write: 1
    execute: 1

    def allow(self, access):
        return Mux(access == Access.FETCH, self.execute, Mux(access == Access.LOAD, self.read, self.write))


class LookasideEntry(data.Struct):
    """One cached translation of a 4 KiB page. Larger pages are cached in pieces, physical addresses as if mapped."""

    vpn: 27
    asid: 16
    regime: Regime
    #: Size of the page in the table, which `sfence.vma` of an address must know: 0, 1, 2 for 4 KiB, 2 MiB, 1 GiB.
    level: 2
    ppn: 20
    read: 1
    write: 1
    execute: 1
    user: 1
    global_: 1
    dirty: 1
    physical: Rights
    #: Main memory; everything else is I/O.
    cached: 1


def canonical(address):
    """Bits 63:39 all equal bit 38 (12.4.1)."""
    return (address[38:] == 0) | address[38:].all()


def forbidden(leaf, access, privilege, *, sum_, mxr):
    """Whether a leaf forbids `access` at `privilege` (12.3.2, steps 5 and 7; Svade for the dirty bit)."""
    supervisor = privilege == Privilege.SUPERVISOR
    wrong_level = Mux(supervisor, leaf.user & ((access == Access.FETCH) | ~sum_), ~leaf.user)
    return wrong_level | Mux(
        access == Access.FETCH, ~leaf.execute,
        Mux(access == Access.LOAD, ~(leaf.read | (mxr & leaf.execute)), ~(leaf.write & leaf.dirty)))


class TlbFlush(wiring.Signature):
    """Order to forget translations (`sfence.vma`, 12.2.1).

    Members
    -------
    all : everything, at once.
    some : start to forget what `by_address` and `by_asid` narrow down to `vpn` and `asid`. Global pages belong to
        no address space.
    busy : a search goes on; meanwhile nothing hits.
    """

    def __init__(self):
        super().__init__({
            "all": Out(1),
            "some": Out(1),
            "by_address": Out(1),
            "by_asid": Out(1),
            "vpn": Out(27),
            "asid": Out(16),
            "busy": In(1),
        })


class LookasideBuffer(wiring.Component):
    """Direct-mapped lookaside buffer in block RAM.

    The upper half of the addresses has one half of the buffer: what a kernel keeps there is global, has one place in
    all address spaces, and does not fight with programs for it. In the other half the index mixes two levels of the
    page number with the address space: neighbouring pages differ in its low bits, neighbouring spaces in its high ones.

    Parameters
    ----------
    entries : int
        Power of two.

    Members
    -------
    next_index : :meth:`index` of the page looked up; the entry stands ready in the next cycle,
    vpn, asid, regime : when these are compared with it. `hit` and `entry` answer in the same cycle.
    allowed : nothing hits otherwise; it may depend on `entry`.
    fill, new : cache this translation.
    flush : see :class:`TlbFlush`. It wins over a fill in the same cycle.
    """

    def __init__(self, entries):
        if not isinstance(entries, int) or entries < 2 or entries & (entries - 1):
            raise ValueError(f"Lookaside buffer entries must be a power of two above 1, not {entries!r}")
        self._count = entries
        super().__init__({
            "next_index": In(exact_log2(entries)),
            "vpn": In(27),
            "asid": In(16),
            "regime": In(Regime),
            "allowed": In(1, init=1),
            "hit": Out(1),
            "entry": Out(LookasideEntry),
            "fill": In(1),
            "new": In(LookasideEntry),
            "flush": In(TlbFlush()),
        })

    def index(self, vpn, asid):
        """Where the buffer keeps a page of an address space."""
        upper, bits = vpn[26], exact_log2(self._count) - 1
        return Cat(vpn[:bits] ^ vpn[9:9 + bits] ^ Cat(bit & ~upper for bit in reversed(asid[:bits])), upper)

    def elaborate(self, platform):
        m = Module()
        m.submodules.table = table = memory.Memory(
            shape=LookasideEntry, depth=self._count, init=[], attrs=BLOCK_RAM)
        write = table.write_port()
        read = table.read_port(domain="comb")
        flush = self.flush
        valid = Signal(self._count)
        sweeping = Signal()
        looking = Signal()
        forgetting = Signal()
        forgotten = Signal(range(self._count))
        sweep = Signal(range(self._count))
        place = Signal(range(self._count))
        entry = Signal(LookasideEntry, reset_less=True)
        readable = Signal()
        entry_valid = Signal()

        m.d.comb += [
            read.addr.eq(Mux(sweeping, sweep, self.next_index)),
            write.addr.eq(self.index(self.new.vpn, self.new.asid)),
            write.data.eq(self.new),
            write.en.eq(self.fill),
            flush.busy.eq(sweeping | looking | forgetting),
            self.entry.eq(entry),
            # Whether an entry counts is looked up now, beside the block RAM: what was forgotten since cannot hit.
            entry_valid.eq(valid.bit_select(place, 1) & readable),
        ]
        m.d.sync += [
            entry.eq(read.data), place.eq(read.addr), readable.eq(~self.fill),
            looking.eq(sweeping),
        ]

        same_space = [entry.global_ | (bit == wanted) for bit, wanted in zip(entry.asid, self.asid, strict=True)]
        m.d.comb += self.hit.eq(all_of(
            *pairs_equal(Cat(entry.vpn, entry.regime), Cat(self.vpn, self.regime)), *same_space,
            entry_valid & ~flush.busy, self.allowed))
        same_low, same_middle, same_high = (entry.vpn[9 * i:9 * i + 9] == flush.vpn[9 * i:9 * i + 9] for i in range(3))
        named = ~flush.by_address | (
            same_high & (same_middle | (entry.level == 2)) & (same_low | (entry.level != 0)))
        owned = ~flush.by_asid | ((entry.asid == flush.asid) & ~entry.global_)

        with m.If(flush.some):
            m.d.sync += [sweeping.eq(1), sweep.eq(0)]
        with m.Elif(sweeping):
            m.d.sync += [sweep.eq(sweep + 1), sweeping.eq(sweep != self._count - 1)]
        with m.If(self.fill):
            m.d.sync += valid.bit_select(write.addr, 1).eq(1)
        # What was filled while the search looked here it has not seen: forgotten to be safe. So is what was filled
        # before it forgets.
        m.d.sync += [forgetting.eq(looking & (~readable | (named & owned))), forgotten.eq(place)]
        with m.If(forgetting):
            m.d.sync += valid.bit_select(forgotten, 1).eq(0)
        with m.If(flush.all):
            m.d.sync += valid.eq(0)
        return m
