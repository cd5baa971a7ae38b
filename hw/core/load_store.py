"""Load/store unit: what an instruction does with memory, in the memory stage and, if that takes longer, behind it."""

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from ..bus.snoop import SnoopSignature
from ..mapping import SEPARATE
from .atomic import AtomicOperation, AtomicUnit
from .cache_array import WORDS_PER_LINE, CacheArray, select_way
from .config import CoreConfig
from .isa import Cause
from .port import Privilege
from .store_buffer import PendingStore
from .translation import Access, LookasideBuffer, Regime, TlbFlush, canonical, forbidden
from .walker import WalkPort

__all__ = ["MemoryKind", "LoadStoreUnit", "align_load"]


class MemoryKind(enum.Enum, shape=2):
    LOAD = 0
    STORE = 1
    ATOMIC = 2


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


class _Access(data.Struct):
    """The access in writeback."""

    kind: MemoryKind
    operation: AtomicOperation
    address: 64
    physical: 32
    size: 2
    unsigned_: 1
    sel: 8
    lanes: 64
    misaligned: 1
    #: The lookaside buffer allowed it. Then, or after a walk: it goes to main memory.
    translated: 1
    cached: 1
    #: If it is translated, it is a load or store outside main memory and needs no look at the cache.
    direct: 1
    #: What the slow way has read.
    word: 64


class LoadStoreUnit(wiring.Component):
    """Performs accesses in program order.

    The *quick* way takes one cycle in the memory stage: cached loads that hit, and stores to main memory (written
    through
    without allocation, from the writeback stage). Everything else moves on to the writeback stage and stays there until
    a state machine has done it: lookaside misses, refills, I/O, atomics (a locked read and write on the bus), stores
    that find the store buffer full, loads right behind a store to the same word, and everything that faults.

    Members
    -------
    next_address : address in execute, which the caches look up for the next cycle unless `frozen`.
    frozen : the instruction in the memory stage stays there.
    kind, operation, address, size, unsigned_, store_data : access in the memory stage.
    slowly : it is not to be done in this cycle, whatever it is.
    hits, translated : it is done with this cycle, if both are high. They are late: what the tags of the caches say ends
        in the one, what the lookaside buffer says in the other.
    accept : it moves to writeback now.
    slow : the access in writeback is not done yet;
    done : now it is.
    value : what was read, as the register gets it, in the cycle after `quick` or `done`.
    fault, cause : it will not be, and why.
    regime, privilege, sum, mxr, asid : how to translate.
    accessed, written : address of the access in writeback, and what it wrote; `wrote` tells whether an atomic one did.
    drop_reservation : end a load reservation (trap, trap return).
    snoop : stores of others; what the cache holds of their set is forgotten, and a reservation of their word.
    tlb_flush : see :class:`hw.core.translation.TlbFlush`.
    push, store, stores_room, stores_empty : the store buffer.
    walk, bus : page-table walker and bus.
    busy : the cache is being cleared.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        super().__init__({
            "next_address": In(64),
            "frozen": In(1),
            "kind": In(MemoryKind),
            "unsigned_": In(1),
            "operation": In(AtomicOperation),
            "address": In(64),
            "size": In(2),
            "store_data": In(64),
            "slowly": In(1),
            "hits": Out(1),
            "translated": Out(1),
            "accept": In(1),
            "slow": In(1),
            "done": Out(1),
            "value": Out(64),
            "fault": Out(1),
            "cause": Out(6),
            "regime": In(Regime),
            "privilege": In(Privilege),
            "sum": In(1),
            "mxr": In(1),
            "asid": In(16),
            "accessed": Out(64),
            "written": Out(64),
            "wrote": Out(1),
            "drop_reservation": In(1),
            "tlb_flush": In(TlbFlush()),
            "push": Out(1),
            "store": Out(PendingStore),
            "stores_room": In(1),
            "stores_empty": In(1),
            "walk": Out(WalkPort()),
            "bus": Out(wishbone.system_signature()),
            "snoop": In(SnoopSignature()),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.cache = cache = self._cache = CacheArray(
            self._config.dcache_bytes, self._config.cache_ways, self._config.cached)
        m.submodules.tlb = tlb = self._tlb = LookasideBuffer(self._config.tlb_entries)
        wiring.connect(m, tlb.flush, wiring.flipped(self.tlb_flush))
        line_low, line_high = 3, 3 + cache.word_bits

        w = Signal(_Access)
        w_hit_way = Signal(len(cache.hit_way))
        w_storing = Signal()  # A store that is done with now.
        w_finishing = Signal()  # The slow way has a word.
        finished_store = Signal()  # It is a store.
        again = Signal()  # Look its address up again.

        # ---- memory stage
        reads_only = (self.kind == MemoryKind.LOAD) | (
            (self.kind == MemoryKind.ATOMIC) & (self.operation == AtomicOperation.LR))
        access = Mux(reads_only, Access.LOAD, Access.STORE)
        misaligned = Signal()
        with m.Switch(self.size):
            for size in (1, 2, 3):
                with m.Case(size):
                    m.d.comb += misaligned.eq(self.address[:size].any())
        read_address = Mux(again, w.address, Mux(self.frozen, self.address, self.next_address))
        entry = tlb.entry
        behind_store = Signal()
        loads = self.kind == MemoryKind.LOAD
        prepared, hits, translated = (Signal(attrs=SEPARATE, name=name) for name in ("prepared", "hits", "translated"))
        m.d.comb += [
            tlb.next_index.eq(tlb.index(read_address[12:39], self.asid)),
            tlb.vpn.eq(self.address[12:39]),
            tlb.asid.eq(self.asid),
            tlb.regime.eq(self.regime),
            cache.read_word.eq(read_address[line_low:line_high]),
            # The lookaside buffer has looked up the same address as the cache, be it that of the slow way.
            cache.match_tag.eq(Cat(Mux(self.slow, w.address, self.address)[line_high:12], entry.ppn)),
            tlb.allowed.eq(
                canonical(self.address) & entry.physical.allow(access)
                & ((self.regime != Regime.PAGED)
                   | ~forbidden(entry, access, self.privilege, sum_=self.sum, mxr=self.mxr))),
            translated.eq(tlb.hit),
            # Writeback writes the cache in this cycle, too late for what was read in the last.
            behind_store.eq(w_storing & (w.address[line_low:line_high] == self.address[line_low:line_high])),
            # Behind the comparisons there is time for little.
            prepared.eq(~misaligned & ~cache.collision & ~self.slowly & entry.cached
                        & Mux(loads, ~behind_store, (self.kind == MemoryKind.STORE) & self.stores_room)),
            hits.eq((cache.hit_way.any() | ~loads) & prepared),
            self.hits.eq(hits), self.translated.eq(translated),
        ]
        # Each way's word is aligned while the tags are compared. What the slow way has read goes through the first
        # aligner.
        offset, size, unsigned_ = (Signal.like(signal, name=f"align_{name}") for signal, name in (
            (self.address[:3], "offset"), (self.size, "size"), (self.unsigned_, "unsigned")))
        m.d.comb += [
            offset.eq(Mux(self.slow, w.address[:3], self.address[:3])),
            size.eq(Mux(self.slow, w.size, self.size)),
            unsigned_.eq(Mux(self.slow, w.unsigned_, self.unsigned_)),
        ]
        aligned = [
            align_load(m, Mux(w_finishing, w.word, word) if way == 0 else word, offset, size, unsigned_)
            for way, word in enumerate(cache.words)
        ]
        m.d.sync += self.value.eq(Mux(w_finishing, aligned[0], select_way(cache.hit_way, aligned)))
        sel, lanes = _lanes(m, self.size, self.address, self.store_data)
        with m.If(self.accept):
            m.d.sync += [
                w.kind.eq(self.kind), w.operation.eq(self.operation), w.address.eq(self.address), w.size.eq(self.size),
                w.unsigned_.eq(self.unsigned_),
                w.physical.eq(Cat(self.address[:12], entry.ppn)), w.cached.eq(entry.cached),
                w.sel.eq(sel), w.lanes.eq(lanes), w_hit_way.eq(cache.hit_way),
                w.misaligned.eq(misaligned), w.translated.eq(translated),
                w.direct.eq(~misaligned & ~entry.cached & (self.kind != MemoryKind.ATOMIC)),
            ]

        # ---- writeback: stores
        stores = Signal(attrs=SEPARATE)
        m.d.comb += stores.eq((self.kind == MemoryKind.STORE) & self.accept & prepared)
        m.d.sync += w_storing.eq((stores & translated) | finished_store)
        m.d.comb += [
            self.push.eq(w_storing),
            self.store.adr.eq(w.physical[3:]), self.store.data.eq(w.lanes), self.store.sel.eq(w.sel),
            self.accessed.eq(w.address),
            self.written.eq(w.lanes),
            cache.write_ways.eq(Mux(w_storing, w_hit_way, 0)),
            cache.write_word.eq(w.address[line_low:line_high]),
            cache.write_data.eq(w.lanes),
            cache.write_sel.eq(w.sel),
            cache.tag_ways.eq(cache.victim),
            cache.tag_set.eq(w.address[5:line_high]),
            cache.tag_value.eq(w.physical[line_high:]),
            cache.drop.eq(self.snoop.valid), cache.drop_set.eq(self.snoop.adr[2:line_high - 3]),
            self.busy.eq(cache.busy),
        ]
        self._slow_way(m, cache, tlb, again, w, w_hit_way, finished_store, w_finishing)
        return m

    def _slow_way(self, m, cache, tlb, again, w, w_hit_way, finished_store, w_finishing):
        """What takes more than a cycle."""
        line_high = 3 + cache.word_bits
        is_store, is_atomic = w.kind == MemoryKind.STORE, w.kind == MemoryKind.ATOMIC
        is_lr = is_atomic & (w.operation == AtomicOperation.LR)
        is_sc = is_atomic & (w.operation == AtomicOperation.SC)
        reads_only = (w.kind == MemoryKind.LOAD) | is_lr
        beat = Signal(range(WORDS_PER_LINE))
        # A load is done if it hits now.
        decided = Signal(attrs=SEPARATE)
        m.d.comb += self.done.eq(w_finishing | (decided & cache.hit_way.any()))

        # ---- reservation, at the granule of a word of the bus
        reserved = Signal()
        reservation = Signal(29)
        reservation_holds = Signal()
        m.d.comb += reservation_holds.eq(reserved & (reservation == w.physical[3:]))

        m.submodules.atomic = atomic = AtomicUnit()
        m.d.comb += [
            atomic.operation.eq(w.operation),
            atomic.word.eq(w.size == 2),
            atomic.memory.eq(Mux(w.size == 2, w.word.word_select(w.address[2], 32).replicate(2), w.word)),
            atomic.register.eq(w.lanes),
        ]
        old_is_needed = ~is_sc

        m.d.comb += [
            self.walk.vpn.eq(w.address[12:39]),
            self.walk.regime.eq(self.regime),
            self.walk.access.eq(Mux(reads_only, Access.LOAD, Access.STORE)),
            self.walk.privilege.eq(self.privilege),
            self.walk.sum.eq(self.sum),
            self.walk.mxr.eq(self.mxr),
            tlb.new.eq(self.walk.entry),
            self.bus.adr.eq(w.physical[3:]), self.bus.sel.eq(w.sel), self.bus.dat_w.eq(w.lanes),
        ]

        def fail(load_cause, store_cause):
            m.d.sync += self.cause.eq(Mux(reads_only, load_cause, store_cause))
            m.next = "fault"

        def page_fault():
            fail(Cause.LOAD_PAGE, Cause.STORE_PAGE)

        def access_fault():
            fail(Cause.LOAD_ACCESS, Cause.STORE_ACCESS)

        def reserve():
            m.d.sync += [reserved.eq(1), reservation.eq(w.physical[3:])]

        def fail_sc():
            m.d.sync += w.word.eq(Cat(C(1, 32), w.size == 2))
            m.next = "finish"

        with m.FSM():
            with m.State("idle"):
                m.d.comb += again.eq(self.slow)
                m.d.sync += [self.wrote.eq(0), beat.eq(0), w.word.eq(self.bus.dat_r)]
                m.d.comb += self.bus.we.eq(~reads_only)
                with m.If(self.slow & w.translated & w.direct):
                    # I/O, behind the stores that wait; until it is answered.
                    with m.If(self.stores_empty):
                        m.d.comb += [self.bus.cyc.eq(1), self.bus.stb.eq(1)]
                    with m.If(self.bus.err):
                        access_fault()
                    with m.Elif(self.bus.ack):
                        m.next = "finish"
                with m.Elif(self.slow & ~cache.busy):
                    with m.If(w.misaligned):
                        fail(Cause.LOAD_MISALIGNED, Cause.STORE_MISALIGNED)
                    with m.Elif(w.translated):
                        m.next = "decide"
                    with m.Elif(Mux(self.regime == Regime.PAGED, canonical(w.address), w.address[32:] == 0)):
                        m.next = "walk"
                    with m.Elif(self.regime == Regime.PAGED):
                        page_fault()
                    with m.Else():
                        access_fault()

            with m.State("walk"):
                # Page tables are read behind the stores that wait: those have the bus first.
                m.d.comb += self.walk.valid.eq(1)
                m.d.sync += [w.physical.eq(Cat(w.address[:12], self.walk.entry.ppn)),
                             w.cached.eq(self.walk.entry.cached)]
                with m.If(self.walk.done):
                    with m.If(self.walk.page_fault):
                        page_fault()
                    with m.Elif(self.walk.access_fault):
                        access_fault()
                    with m.Else():
                        m.d.comb += tlb.fill.eq(1)
                        m.next = "look up"

            with m.State("look up"):
                m.d.comb += again.eq(1)
                m.next = "decide"

            with m.State("decide"):
                m.d.sync += [w.word.eq(select_way(cache.hit_way, cache.words)), w_hit_way.eq(cache.hit_way)]
                with m.If(cache.collision | self.snoop.valid):
                    # The answer may be of before somebody's store, and a reservation must not outlive that.
                    m.next = "look up"
                with m.Elif(~w.cached & is_atomic):
                    access_fault()
                with m.Elif(~w.cached):
                    m.d.sync += [w.translated.eq(1), w.direct.eq(1)]
                    m.next = "idle"
                with m.Elif(reads_only):
                    with m.If(~is_lr):
                        m.d.comb += decided.eq(1)
                    with m.If(cache.hit_way.any() & ~is_lr):
                        m.next = "idle"
                    with m.Elif(cache.hit_way.any()):
                        reserve()
                        m.next = "finish"
                    with m.Else():
                        m.next = "refill"
                with m.Elif(is_store):
                    m.next = "store"
                with m.Elif(is_sc & ~reservation_holds):
                    fail_sc()
                with m.Else():
                    m.next = "atomic read"

            with m.State("store"):
                with m.If(self.stores_room):
                    m.next = "finish"

            with m.State("refill"):
                last = beat == WORDS_PER_LINE - 1
                with m.If(self.stores_empty):
                    m.d.comb += [self.bus.cyc.eq(1), self.bus.stb.eq(1)]
                m.d.comb += [
                    self.bus.sel.eq(0xFF),
                    self.bus.adr.eq(Cat(beat, w.physical[5:])),
                    self.bus.cti.eq(Mux(last, wishbone.CycleType.END_OF_BURST, wishbone.CycleType.INCR_BURST)),
                    cache.write_word.eq(Cat(beat, w.address[5:line_high])),
                    cache.write_data.eq(self.bus.dat_r),
                    cache.write_sel.eq(0xFF),
                ]
                with m.If(self.bus.err):
                    # Some of the line may be overwritten: its old owner must not hit any more. (A store of others takes
                    # precedence at the tags, but comes no later than with the first word.)
                    m.d.comb += cache.tag_write.eq(1)
                    access_fault()
                with m.Elif(self.bus.ack):
                    m.d.comb += cache.write_ways.eq(cache.victim)
                    m.d.sync += beat.eq(beat + 1)
                    with m.If(beat == w.physical[3:5]):
                        m.d.sync += w.word.eq(self.bus.dat_r)
                    with m.If(last):
                        with m.If(is_lr):
                            reserve()
                        m.d.comb += [cache.tag_write.eq(1), cache.tag_valid.eq(1)]
                        m.next = "finish"

            with m.State("atomic read"):
                with m.If(self.stores_empty):
                    m.d.comb += [self.bus.cyc.eq(1), self.bus.stb.eq(1), self.bus.lock.eq(1)]
                m.d.sync += w.word.eq(self.bus.dat_r)
                with m.If(self.bus.err):
                    access_fault()
                with m.Elif(self.bus.ack):
                    m.next = "atomic compute"

            with m.State("atomic compute"):
                m.d.comb += [self.bus.cyc.eq(1), self.bus.lock.eq(1)]
                with m.If(old_is_needed):
                    m.d.sync += w.lanes.eq(atomic.result)
                # Now that nobody else has the bus.
                with m.If(is_sc & ~reservation_holds):
                    fail_sc()
                with m.Else():
                    m.next = "atomic write"

            with m.State("atomic write"):
                m.d.comb += [self.bus.cyc.eq(1), self.bus.stb.eq(1), self.bus.lock.eq(1), self.bus.we.eq(1)]
                with m.If(self.bus.err):
                    access_fault()
                with m.Elif(self.bus.ack):
                    m.d.comb += cache.write_ways.eq(w_hit_way)
                    m.d.sync += self.wrote.eq(1)
                    with m.If(is_sc):
                        m.d.sync += w.word.eq(0)
                    m.next = "finish"

            with m.State("finish"):
                m.d.comb += w_finishing.eq(1)
                m.d.comb += finished_store.eq(is_store & w.cached)
                with m.If(is_sc):
                    m.d.sync += reserved.eq(0)
                m.next = "idle"

            with m.State("fault"):
                m.d.comb += self.fault.eq(1)
                m.next = "idle"

        with m.If(self.drop_reservation | (self.snoop.valid & (self.snoop.adr == reservation))):
            m.d.sync += reserved.eq(0)


def _lanes(m, size, address, value):
    """Byte enables and data of a store as the bus wants them."""
    sel = Signal(8)
    lanes = Signal(64)
    with m.Switch(size):
        for code in range(4):
            with m.Case(code):
                bits = 8 << code
                m.d.comb += lanes.eq(value[:bits].replicate(64 // bits))
                m.d.comb += sel.eq(C((1 << (1 << code)) - 1, 8) << address[:3])
    return sel, lanes
