"""Load/store unit: everything that an instruction in the commit stage does with memory."""

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from .atomic import AtomicOperation, AtomicUnit
from .cache_array import WORDS_PER_LINE, CacheArray
from .config import CoreConfig
from .isa import Cause
from .port import Privilege
from .store_buffer import PendingStore
from .translation import Access, LookasideBuffer, canonical, denied
from .walker import WalkPort

__all__ = ["MemoryKind", "LoadStoreUnit", "align_load", "in_regions"]


class MemoryKind(enum.Enum, shape=2):
    LOAD = 0
    STORE = 1
    ATOMIC = 2


def in_regions(address, regions):
    """Whether a 32-bit physical address lies in one of the naturally aligned (base, size) regions."""
    result = C(0)
    for base, size in regions:
        shift = size.bit_length() - 1
        result = result | (address[shift:] == base >> shift)
    return result


def align_load(m, raw, offset, size, unsigned_):
    """The register value of a load, from the 64-bit word that holds it."""
    word = Signal(32)
    half = Signal(16)
    byte = Signal(8)
    value = Signal(64)
    m.d.comb += [
        word.eq(raw.word_select(offset[2], 32)),
        half.eq(word.word_select(offset[1], 16)),
        byte.eq(half.word_select(offset[0], 8)),
    ]
    with m.Switch(size):
        for code, part in enumerate((byte, half, word)):
            with m.Case(code):
                m.d.comb += value.eq(Cat(part, (part[-1] & ~unsigned_).replicate(64 - len(part))))
        with m.Default():
            m.d.comb += value.eq(raw)
    return value


class LoadStoreUnit(wiring.Component):
    """Performs one access at a time, in program order.

    Cached loads that hit and stores take one cycle. Stores to main memory go to the store buffer and update the cache
    if they hit (write-through, no allocation). Everything else waits for the buffer to empty: refills, I/O, which is
    never started for an instruction that could still be cancelled, and atomics, which read and write the bus
    with `lock`.

    Members
    -------
    next_address : low bits of the address that will stand at `address` in the next cycle, for the cache's look-up.
    valid, kind, operation, address, size, store_data : the access; held until `done` or `fault`.
    translate, privilege, sum, mxr, asid : how to translate it.
    done : performed; `raw` holds the word loaded, for :func:`align_load`.
    fault, cause : not performed, and why.
    written : what an atomic wrote, for the trace; `wrote` tells whether it did.
    drop_reservation : end a load reservation (trap return, context swap).
    tlb_flush, tlb_flush_all, tlb_flush_asid : as in :class:`hw.core.translation.LookasideBuffer`.
    push, store, stores_ready, stores_empty : the store buffer.
    walk, bus : page-table walker and bus.
    busy : the cache is being cleared.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        super().__init__({
            "next_address": In(12),
            "valid": In(1),
            "kind": In(MemoryKind),
            "operation": In(AtomicOperation),
            "address": In(64),
            "size": In(2),
            "store_data": In(64),
            "translate": In(1),
            "privilege": In(Privilege),
            "sum": In(1),
            "mxr": In(1),
            "asid": In(16),
            "done": Out(1),
            "raw": Out(64),
            "fault": Out(1),
            "cause": Out(6),
            "written": Out(64),
            "wrote": Out(1),
            "drop_reservation": In(1),
            "tlb_flush": In(1),
            "tlb_flush_all": In(1),
            "tlb_flush_asid": In(16),
            "push": Out(1),
            "store": Out(PendingStore),
            "stores_ready": In(1),
            "stores_empty": In(1),
            "walk": Out(WalkPort()),
            "bus": Out(wishbone.system_signature()),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.cache = cache = CacheArray(config.dcache_bytes, config.cache_ways)
        m.submodules.tlb = tlb = LookasideBuffer(config.tlb_entries)
        m.submodules.atomic = atomic = AtomicUnit()

        is_atomic = self.kind == MemoryKind.ATOMIC
        is_lr = is_atomic & (self.operation == AtomicOperation.LR)
        is_sc = is_atomic & (self.operation == AtomicOperation.SC)
        reads_only = (self.kind == MemoryKind.LOAD) | is_lr

        # ---- address
        misaligned = Signal()
        with m.Switch(self.size):
            with m.Case(1):
                m.d.comb += misaligned.eq(self.address[0])
            with m.Case(2):
                m.d.comb += misaligned.eq(self.address[:2].any())
            with m.Case(3):
                m.d.comb += misaligned.eq(self.address[:3].any())

        physical = Signal(32)
        beyond = Signal()
        walked = Signal()  # The page table has been read for this very access: its word is final.
        forbidden = Signal()
        access = Mux(reads_only, Access.LOAD, Access.STORE)
        m.d.comb += [
            tlb.vpn.eq(self.address[12:39]),
            tlb.asid.eq(self.asid),
            tlb.flush.eq(self.tlb_flush), tlb.flush_all.eq(self.tlb_flush_all),
            tlb.flush_asid.eq(self.tlb_flush_asid),
            tlb.fill_level.eq(self.walk.level), tlb.fill_pte.eq(self.walk.pte),
            self.walk.vpn.eq(self.address[12:39]),
            forbidden.eq(denied(tlb.entry, access, self.privilege, sum_=self.sum, mxr=self.mxr)),
            physical.eq(Cat(self.address[:12], Mux(self.translate, tlb.ppn, self.address[12:32]))),
            beyond.eq(Mux(self.translate, tlb.entry.beyond, self.address[32:].any())),
        ]
        cached = Signal()
        m.d.comb += cached.eq(in_regions(physical, config.cached))

        # ---- data lanes
        sel = Signal(8)
        lanes = Signal(64)
        outgoing = Signal(64)
        m.d.comb += outgoing.eq(self.store_data)
        with m.Switch(self.size):
            for code in range(4):
                with m.Case(code):
                    bits = 8 << code
                    m.d.comb += lanes.eq(outgoing[:bits].replicate(64 // bits))
                    m.d.comb += sel.eq(C((1 << (1 << code)) - 1, 8) << self.address[:3])

        # ---- cache
        line_low, line_high = 3, 3 + cache.word_bits
        beat = Signal(range(WORDS_PER_LINE))
        cache_write = Signal()
        m.d.comb += [
            cache.read_word.eq(self.next_address[line_low:line_high]),
            cache.match_tag.eq(physical[line_high:]),
            cache.write_ways.eq(Mux(cache_write, cache.hit_way, 0)),
            cache.write_word.eq(self.address[line_low:line_high]),
            cache.write_data.eq(lanes),
            cache.write_sel.eq(sel),
            cache.tag_ways.eq(cache.victim),
            cache.tag_set.eq(self.address[5:line_high]),
            cache.tag_value.eq(physical[line_high:]),
            self.busy.eq(cache.busy),
        ]

        # ---- reservation, at the granule of a word of the bus
        reserved = Signal()
        reservation = Signal(29)
        reservation_holds = Signal()
        m.d.comb += reservation_holds.eq(reserved & (reservation == physical[3:]))

        # ---- atomics
        old = Signal(64)
        m.d.comb += [
            atomic.operation.eq(self.operation),
            atomic.word.eq(self.size == 2),
            atomic.memory.eq(Mux((self.size == 2) & self.address[2], old[32:], old)),
            atomic.register.eq(self.store_data),
        ]

        # ---- outside
        m.d.comb += [
            self.store.adr.eq(physical[3:]), self.store.data.eq(lanes), self.store.sel.eq(sel),
            self.bus.adr.eq(physical[3:]), self.bus.sel.eq(sel), self.bus.dat_w.eq(lanes),
            self.raw.eq(cache.hit_word),
            self.written.eq(Mux(self.size == 2, outgoing[:32], outgoing)),
        ]

        def fail(load_cause, store_cause):
            m.d.comb += [self.fault.eq(1), self.cause.eq(Mux(reads_only, load_cause, store_cause))]

        def page_fault():
            fail(Cause.LOAD_PAGE, Cause.STORE_PAGE)

        def access_fault():
            fail(Cause.LOAD_ACCESS, Cause.STORE_ACCESS)

        with m.FSM():
            with m.State("lookup"):
                with m.If(self.valid & ~cache.busy):
                    with m.If(misaligned):
                        fail(Cause.LOAD_MISALIGNED, Cause.STORE_MISALIGNED)
                    with m.Elif(self.translate & ~canonical(self.address)):
                        page_fault()
                    with m.Elif(self.translate & ~walked & (~tlb.hit | forbidden)):
                        m.next = "walk"
                    with m.Elif(self.translate & (~tlb.hit | forbidden)):
                        page_fault()
                    with m.Elif(beyond | (is_atomic & ~cached)):
                        access_fault()
                    with m.Elif(~cached):
                        m.next = "io"
                    with m.Elif(reads_only):
                        with m.If(cache.hit):
                            m.d.comb += self.done.eq(1)
                        with m.Else():
                            m.next = "refill"
                    with m.Elif(self.kind == MemoryKind.STORE):
                        m.d.comb += self.push.eq(self.stores_ready)
                        m.d.comb += self.done.eq(self.stores_ready)
                        m.d.comb += cache_write.eq(self.stores_ready)
                    with m.Elif(is_sc & ~reservation_holds):
                        m.d.comb += [self.done.eq(1), self.raw.eq(Cat(C(1, 32), self.size == 2))]
                    with m.Else():
                        m.next = "atomic-read"

            with m.State("walk"):
                m.d.comb += self.walk.valid.eq(1)
                with m.If(self.walk.done):
                    m.next = "lookup"
                    with m.If(self.walk.page_fault):
                        page_fault()
                    with m.Elif(self.walk.access_fault):
                        access_fault()
                    with m.Else():
                        m.d.comb += tlb.fill.eq(1)
                        m.d.sync += walked.eq(1)

            with m.State("refill"):
                last = beat == WORDS_PER_LINE - 1
                with m.If(self.stores_empty):
                    m.d.comb += [self.bus.cyc.eq(1), self.bus.stb.eq(1)]
                m.d.comb += [
                    self.bus.sel.eq(0xFF),
                    self.bus.adr.eq(Cat(beat, physical[5:])),
                    self.bus.cti.eq(Mux(last, wishbone.CycleType.END_OF_BURST, wishbone.CycleType.INCR_BURST)),
                    cache.write_word.eq(Cat(beat, self.address[5:line_high])),
                    cache.write_data.eq(self.bus.dat_r),
                    cache.write_sel.eq(0xFF),
                ]
                with m.If(self.bus.err):
                    # Some of the line may be overwritten: its old owner must not hit any more.
                    m.d.comb += cache.tag_write.eq(1)
                    m.d.sync += beat.eq(0)
                    access_fault()
                    m.next = "lookup"
                with m.Elif(self.bus.ack):
                    m.d.comb += cache.write_ways.eq(cache.victim)
                    m.d.sync += beat.eq(beat + 1)
                    with m.If(last):
                        m.d.comb += [cache.tag_write.eq(1), cache.tag_valid.eq(1)]
                        m.next = "lookup"

            with m.State("io"):
                with m.If(self.stores_empty):
                    m.d.comb += [self.bus.cyc.eq(1), self.bus.stb.eq(1)]
                m.d.comb += self.bus.we.eq(~reads_only)
                m.d.comb += self.raw.eq(self.bus.dat_r)
                with m.If(self.bus.err):
                    access_fault()
                    m.next = "lookup"
                with m.Elif(self.bus.ack):
                    m.d.comb += self.done.eq(1)
                    m.next = "lookup"

            with m.State("atomic-read"):
                with m.If(self.stores_empty):
                    m.d.comb += [self.bus.cyc.eq(1), self.bus.stb.eq(1), self.bus.lock.eq(1)]
                m.d.sync += old.eq(self.bus.dat_r)
                with m.If(self.bus.err):
                    access_fault()
                    m.next = "lookup"
                with m.Elif(self.bus.ack):
                    m.next = "atomic-write"

            with m.State("atomic-write"):
                with m.If(~is_sc):
                    m.d.comb += outgoing.eq(atomic.result)
                    m.d.comb += self.raw.eq(old)
                with m.Else():
                    m.d.comb += self.raw.eq(0)
                m.d.comb += [self.bus.cyc.eq(1), self.bus.stb.eq(1), self.bus.lock.eq(1), self.bus.we.eq(1)]
                m.d.comb += cache_write.eq(self.bus.ack)
                with m.If(self.bus.err):
                    access_fault()
                    m.next = "lookup"
                with m.Elif(self.bus.ack):
                    m.d.comb += [self.done.eq(1), self.wrote.eq(1)]
                    m.next = "lookup"

        with m.If(self.done | self.fault):
            m.d.sync += walked.eq(0)
        with m.If(self.done & is_lr):
            m.d.sync += [reserved.eq(1), reservation.eq(physical[3:])]
        with m.Elif(self.drop_reservation | (self.done & is_sc)):
            m.d.sync += reserved.eq(0)
        return m
