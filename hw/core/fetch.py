"""Instruction fetch: translation, instruction cache and a queue of 64-bit words."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from .branch_predictor import REGION_BITS, BranchPredictor, Prediction, Training
from .cache_array import WORDS_PER_LINE, CacheArray
from .config import CoreConfig
from .load_store import in_regions
from .port import Privilege
from .translation import Access, LookasideBuffer, canonical, denied
from .walker import WalkPort

__all__ = ["FetchedWord", "FetchUnit"]

QUEUE_DEPTH = 4


class FetchedWord(data.Struct):
    """Eight bytes of instructions, or why there are none.

    If the prediction says taken, the word after this one in the queue is that of the target.
    """

    bits: 64
    prediction: Prediction
    page_fault: 1
    access_fault: 1


class FetchUnit(wiring.Component):
    """Fetches aligned words from where the last redirect pointed, along the way that the branch predictor guesses.

    After a fault nothing more is fetched until a redirect.

    Members
    -------
    redirect, target : empty the queue and start at `target`.
    first, first_valid, second, second_valid : the two oldest words; `pop` takes the first.
    translate, privilege, asid : how to translate; changes come with a redirect.
    tlb_flush, tlb_flush_all, tlb_flush_asid : as in :class:`hw.core.translation.LookasideBuffer`.
    cache_flush : invalidate the cache (fence.i), before anything that a later redirect asks for.
    training : what the branch predictor is to learn.
    walk, bus : page-table walker and bus.
    busy : cache or predictor is being cleared.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        super().__init__({
            "redirect": In(1),
            "target": In(64),
            "first": Out(FetchedWord),
            "first_valid": Out(1),
            "second": Out(FetchedWord),
            "second_valid": Out(1),
            "pop": In(1),
            "translate": In(1),
            "privilege": In(Privilege),
            "asid": In(16),
            "tlb_flush": In(1),
            "tlb_flush_all": In(1),
            "tlb_flush_asid": In(16),
            "cache_flush": In(1),
            "training": In(Training),
            "walk": Out(WalkPort()),
            "bus": Out(wishbone.system_signature()),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.cache = cache = CacheArray(config.icache_bytes, config.cache_ways)
        m.submodules.tlb = tlb = LookasideBuffer(max(config.tlb_entries // 2, 1))

        m.submodules.predictor = predictor = BranchPredictor(config.branch_entries)

        # ---- queue: a short shift register, so that the aligner sees fixed places
        queue = [Signal(FetchedWord, name=f"queue{i}") for i in range(QUEUE_DEPTH)]
        level = Signal(range(QUEUE_DEPTH + 1))
        push = Signal()
        new = Signal(FetchedWord)
        after_pop = Signal(range(QUEUE_DEPTH + 1))
        m.d.comb += [
            self.first.eq(queue[0]), self.first_valid.eq(level != 0),
            self.second.eq(queue[1]), self.second_valid.eq(level > 1),
            after_pop.eq(level - self.pop),
        ]
        with m.If(self.pop):
            m.d.sync += [entry.eq(following) for entry, following in zip(queue[:-1], queue[1:], strict=True)]
        for i, entry in enumerate(queue):
            with m.If(push & (after_pop == i)):
                m.d.sync += entry.eq(new)
        m.d.sync += level.eq(Mux(self.redirect, 0, after_pop + push))

        # ---- f0: address. The word that f1 could not finish is looked up again.
        request = Signal(64, init=config.reset_vector & ~7)
        f_valid = Signal()
        f_pc = Signal(64)
        f_done = Signal()
        halted = Signal()
        following = Signal(64)
        read_address = Signal(64)
        issue = Signal()
        # A branch that ends before the point where the word is entered is not on the way.
        prediction = Signal(Prediction)
        m.d.comb += [
            predictor.read_address.eq(read_address),
            predictor.address.eq(f_pc),
            predictor.training.eq(self.training),
            prediction.eq(predictor.prediction),
            prediction.hit.eq(predictor.prediction.hit & (predictor.prediction.position >= f_pc[1:3])),
            following.eq(Mux(f_valid & prediction.taken(), Cat(prediction.target, f_pc[REGION_BITS:]), request)),
        ]
        with m.If(self.redirect):
            m.d.comb += [read_address.eq(self.target), issue.eq(1)]
        with m.Elif(f_valid & ~f_done):
            m.d.comb += read_address.eq(f_pc)
        with m.Else():
            m.d.comb += [read_address.eq(following), issue.eq(~halted & (level + f_valid < QUEUE_DEPTH))]
        with m.If(f_done):
            m.d.sync += request.eq(following)
        with m.If(issue):
            m.d.sync += [f_valid.eq(1), f_pc.eq(read_address), request.eq(Cat(C(0, 3), read_address[3:] + 1))]
        with m.Elif(f_done):
            m.d.sync += f_valid.eq(0)
        with m.If(self.redirect):
            m.d.sync += halted.eq(0)
        with m.Elif(push & (new.page_fault | new.access_fault)):
            m.d.sync += halted.eq(1)

        # ---- f1: translation and tags
        line_high = 3 + cache.word_bits
        physical = Signal(32)
        beyond = Signal()
        forbidden = Signal()
        walked = Signal()
        cached, fetchable = Signal(), Signal()
        # What a walk or a bus cycle works on; a redirect moves f_pc on under it, and makes its result worthless.
        pending = Signal(64)
        pending_physical = Signal(32)
        abandoned = Signal()
        live = Signal()
        m.d.comb += [
            tlb.vpn.eq(f_pc[12:39]),
            tlb.asid.eq(self.asid),
            tlb.flush.eq(self.tlb_flush), tlb.flush_all.eq(self.tlb_flush_all),
            tlb.flush_asid.eq(self.tlb_flush_asid),
            tlb.fill_level.eq(self.walk.level), tlb.fill_pte.eq(self.walk.pte),
            self.walk.vpn.eq(pending[12:39]),
            forbidden.eq(denied(tlb.entry, Access.FETCH, self.privilege, sum_=C(0), mxr=C(0))),
            physical.eq(Cat(f_pc[:12], Mux(self.translate, tlb.ppn, f_pc[12:32]))),
            beyond.eq(Mux(self.translate, tlb.entry.beyond, f_pc[32:].any())),
            cached.eq(in_regions(physical, config.cached)),
            fetchable.eq(in_regions(physical, config.uncached_code)),
            cache.read_word.eq(read_address[3:line_high]),
            cache.match_tag.eq(physical[line_high:]),
            live.eq(~abandoned & ~self.redirect),
            self.busy.eq(cache.busy | predictor.clearing),
        ]

        def deliver(*, page_fault=0, access_fault=0):
            m.d.comb += [push.eq(1), f_done.eq(1), new.page_fault.eq(page_fault), new.access_fault.eq(access_fault)]

        beat = Signal(range(WORDS_PER_LINE))
        m.d.comb += [
            new.bits.eq(cache.hit_word),
            new.prediction.eq(prediction),
            self.bus.sel.eq(0xFF),
            self.bus.adr.eq(pending_physical[3:]),
            cache.write_word.eq(Cat(beat, pending_physical[5:line_high])),
            cache.write_data.eq(self.bus.dat_r),
            cache.write_sel.eq(0xFF),
            cache.tag_ways.eq(cache.victim),
            cache.tag_set.eq(pending_physical[5:line_high]),
            cache.tag_value.eq(pending_physical[line_high:]),
        ]
        flush_wanted = Signal()
        with m.If(self.cache_flush):
            m.d.sync += flush_wanted.eq(1)
        with m.If(self.redirect):
            m.d.sync += walked.eq(0)

        with m.FSM():
            with m.State("lookup"):
                m.d.sync += [abandoned.eq(0), pending.eq(f_pc), pending_physical.eq(physical)]
                with m.If(flush_wanted):
                    # Only here: a refill on its way could bring a line from before the fence.
                    m.d.comb += cache.flush.eq(1)
                    m.d.sync += flush_wanted.eq(self.cache_flush)
                with m.Elif(f_valid & ~self.redirect & ~cache.busy):
                    with m.If(self.translate & ~canonical(f_pc)):
                        deliver(page_fault=1)
                    with m.Elif(self.translate & ~walked & (~tlb.hit | forbidden)):
                        m.next = "walk"
                    with m.Elif(self.translate & (~tlb.hit | forbidden)):
                        deliver(page_fault=1)
                    with m.Elif(beyond | ~(cached | fetchable)):
                        deliver(access_fault=1)
                    with m.Elif(~cached):
                        m.next = "uncached"
                    with m.Elif(cache.hit):
                        deliver()
                    with m.Else():
                        m.next = "refill"

            with m.State("walk"):
                m.d.comb += self.walk.valid.eq(1)
                m.d.sync += abandoned.eq(~live)
                with m.If(self.walk.done):
                    m.next = "lookup"
                    with m.If(live):
                        with m.If(self.walk.page_fault | self.walk.access_fault):
                            deliver(page_fault=self.walk.page_fault, access_fault=self.walk.access_fault)
                        with m.Else():
                            m.d.comb += tlb.fill.eq(1)
                            m.d.sync += walked.eq(1)

            with m.State("refill"):
                last = beat == WORDS_PER_LINE - 1
                m.d.sync += abandoned.eq(~live)
                m.d.comb += [
                    self.bus.cyc.eq(1), self.bus.stb.eq(1),
                    self.bus.adr.eq(Cat(beat, pending_physical[5:])),
                    self.bus.cti.eq(Mux(last, wishbone.CycleType.END_OF_BURST, wishbone.CycleType.INCR_BURST)),
                ]
                with m.If(self.bus.err):
                    # Some of the line may be overwritten: its old owner must not hit any more.
                    m.d.comb += cache.tag_write.eq(1)
                    m.d.sync += beat.eq(0)
                    m.next = "lookup"
                    with m.If(live):
                        deliver(access_fault=1)
                with m.Elif(self.bus.ack):
                    m.d.comb += cache.write_ways.eq(cache.victim)
                    m.d.sync += beat.eq(beat + 1)
                    with m.If(last):
                        m.d.comb += [cache.tag_write.eq(1), cache.tag_valid.eq(1)]
                        m.next = "lookup"

            with m.State("uncached"):
                m.d.sync += abandoned.eq(~live)
                m.d.comb += [self.bus.cyc.eq(1), self.bus.stb.eq(1), new.bits.eq(self.bus.dat_r)]
                with m.If(self.bus.ack | self.bus.err):
                    m.next = "lookup"
                    with m.If(live):
                        deliver(access_fault=self.bus.err)

        with m.If(f_done):
            m.d.sync += walked.eq(0)
        return m
