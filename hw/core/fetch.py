"""Instruction fetch: translation, instruction cache and a queue of 64-bit words."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from ..mapping import SEPARATE
from .branch_predictor import BranchPredictor
from .cache_array import WORDS_PER_LINE, CacheArray, select_way
from .config import CoreConfig
from .port import Privilege
from .prediction import REGION_BITS, Prediction, Training
from .translation import Access, LookasideBuffer, Regime, TlbFlush, canonical
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

    Two stages: f0 chooses an address and looks it up, f1 has the answer. Hits stream one word a cycle. What f1 cannot
    finish goes to a state machine, which then has f0 start again at that word, so that no late hit or miss steers f0.
    After a fault nothing more is fetched until a redirect.

    Members
    -------
    redirect, target : empty the queue and start at `target`.
    first, first_valid, second, second_valid : the two oldest words; `pop` takes the first.
    regime, privilege, asid : how to translate; changes come with a redirect.
    tlb_flush : see :class:`hw.core.translation.TlbFlush`; a redirect follows.
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
            "regime": In(Regime),
            "privilege": In(Privilege),
            "asid": In(16),
            "tlb_flush": In(TlbFlush()),
            "cache_flush": In(1),
            "training": In(Training),
            "walk": Out(WalkPort()),
            "bus": Out(wishbone.system_signature()),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.cache = cache = self._cache = CacheArray(config.icache_bytes, config.cache_ways, config.cached)
        m.submodules.tlb = tlb = self._tlb = LookasideBuffer(config.tlb_entries)
        m.submodules.predictor = predictor = self._predictor = BranchPredictor(
            config.branch_entries, config.branch_history_bits)
        wiring.connect(m, tlb.flush, wiring.flipped(self.tlb_flush))
        line_high = 3 + cache.word_bits

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
        # The place behind the last word is written in any case: whether that counts is known late, as `pop` is.
        for i, (entry, following) in enumerate(zip(queue, [*queue[1:], new], strict=True)):
            with m.If(self.pop | (level == i)):
                m.d.sync += entry.eq(Mux(self.pop & (level != i + 1), following.as_value(), new.as_value()))
        # Two sums, and the choice last: `push` is known late.
        one_more = Signal.like(level)
        m.d.comb += one_more.eq(level + 1 - self.pop)
        m.d.sync += level.eq(Mux(self.redirect, 0, Mux(push, one_more, after_pop)))

        # ---- f0: address
        restart_pc = Signal(64, init=config.reset_vector)
        restart = Signal()
        restartable = Signal()
        streaming = Signal()
        f_valid = Signal()
        # The word that f1 had a cycle ago ends in a branch that is taken: f1 has one too many, and f0 goes on there.
        foreseen = Signal()
        foreseen_target = Signal(REGION_BITS)
        f_missed = Signal()
        f_live = Signal()
        f_pc = Signal(64)
        read_address = Signal(64)
        issue = Signal()
        room = Signal()
        prediction = predictor.prediction
        m.d.comb += [
            predictor.read_address.eq(read_address),
            predictor.address.eq(f_pc),
            predictor.training.eq(self.training),
            predictor.restore.eq(self.redirect),
            predictor.followed_to.eq(foreseen_target),
            # What was issued before a miss or a branch was known does not count.
            f_live.eq(f_valid & ~f_missed & ~foreseen),
            room.eq(level + f_live < QUEUE_DEPTH),
        ]
        with m.If(self.redirect):
            m.d.comb += [read_address.eq(self.target), issue.eq(restartable)]
        with m.Elif(restart):
            m.d.comb += [read_address.eq(restart_pc), issue.eq(room)]
        with m.Else():
            m.d.comb += [
                read_address.eq(Mux(foreseen, Cat(foreseen_target, restart_pc[REGION_BITS:]),
                                    Cat(C(0, 3), f_pc[3:] + 1))),
                issue.eq(streaming & room),
            ]
        with m.If(issue):
            m.d.sync += [f_pc.eq(read_address), foreseen.eq(0)]
        with m.If(f_live):
            m.d.sync += [foreseen.eq(prediction.taken & ~self.redirect), foreseen_target.eq(prediction.target)]
        m.d.sync += f_valid.eq(issue)

        # ---- f1: translation and tags
        prepared, hits, translated = (Signal(attrs=SEPARATE, name=name) for name in ("prepared", "hits", "translated"))
        push_anyway = Signal()
        wrong_level = Mux(self.privilege == Privilege.SUPERVISOR, tlb.entry.user, ~tlb.entry.user)
        physical = Signal(32)
        m.d.comb += [
            tlb.next_index.eq(tlb.index(read_address[12:39], self.asid)),
            tlb.vpn.eq(f_pc[12:39]),
            tlb.asid.eq(self.asid),
            tlb.regime.eq(self.regime),
            tlb.new.eq(self.walk.entry),
            tlb.allowed.eq(
                canonical(f_pc) & tlb.entry.physical.execute
                & ((self.regime != Regime.PAGED) | (tlb.entry.execute & ~wrong_level))),
            translated.eq(tlb.hit),
            physical.eq(Cat(f_pc[:12], tlb.entry.ppn)),
            cache.read_word.eq(read_address[3:line_high]),
            cache.match_tag.eq(physical[line_high:]),
            # Behind the comparisons there is time for little.
            prepared.eq(tlb.entry.cached & ~cache.collision & f_live & streaming),
            hits.eq(cache.hit_way.any() & prepared),
            push.eq((hits & translated) | push_anyway),
            self.busy.eq(cache.busy | predictor.clearing),
            new.bits.eq(select_way(cache.hit_way, cache.words)),
            new.prediction.eq(prediction),
        ]

        # ---- what takes longer
        s_physical = Signal(32)
        s_translated = Signal()
        s_cached = Signal()
        s_word = Signal(64)
        page_fault = Signal()
        access_fault = Signal()
        # A redirect makes what is under way worthless; a flush makes a walk's answer so.
        abandoned = Signal()
        outdated = Signal()
        beat = Signal(range(WORDS_PER_LINE))
        flush_wanted = Signal()
        m.d.comb += [
            self.walk.vpn.eq(restart_pc[12:39]),
            self.walk.regime.eq(self.regime),
            self.walk.access.eq(Access.FETCH),
            self.walk.privilege.eq(self.privilege),
            self.bus.sel.eq(0xFF),
            self.bus.adr.eq(s_physical[3:]),
            cache.write_word.eq(Cat(beat, s_physical[5:line_high])),
            cache.write_data.eq(self.bus.dat_r),
            cache.write_sel.eq(0xFF),
            cache.tag_ways.eq(cache.victim),
            cache.tag_set.eq(s_physical[5:line_high]),
            cache.tag_value.eq(s_physical[line_high:]),
        ]
        with m.If(self.tlb_flush.some | self.tlb_flush.all):
            m.d.sync += outdated.eq(1)
        m.d.comb += cache.flush.eq(flush_wanted & ~cache.busy)
        with m.If(self.cache_flush):
            m.d.sync += flush_wanted.eq(1)
        with m.Elif(cache.flush):
            m.d.sync += flush_wanted.eq(0)

        def obey_redirect():
            with m.If(self.redirect):
                m.next = "stream"

        def note_redirect():
            with m.If(self.redirect):
                m.d.sync += [abandoned.eq(1), restart_pc.eq(self.target)]

        def fault(*, page):
            m.d.sync += [page_fault.eq(page), access_fault.eq(not page)]
            m.next = "fault"

        with m.FSM(init="restart"):
            with m.State("stream"):
                m.d.comb += restartable.eq(1)
                with m.If(f_missed):
                    m.d.sync += [abandoned.eq(0), outdated.eq(0), beat.eq(0), f_missed.eq(0)]
                    with m.If(s_translated & s_cached):
                        with m.If(~cache.busy & ~flush_wanted):
                            m.next = "refill"
                        with m.Else():
                            m.d.sync += f_missed.eq(1)
                    with m.Elif(s_translated):
                        m.next = "uncached"
                    with m.Elif(Mux(self.regime == Regime.PAGED, canonical(restart_pc), restart_pc[32:] == 0)):
                        m.next = "walk"
                    with m.Elif(self.regime == Regime.PAGED):
                        fault(page=True)
                    with m.Else():
                        fault(page=False)
                with m.Else():
                    m.d.comb += [streaming.eq(1), predictor.followed.eq(hits & translated & prediction.taken)]
                    m.d.sync += [
                        f_missed.eq(f_live & ~(hits & translated)),
                        s_physical.eq(physical), s_translated.eq(translated), s_cached.eq(tlb.entry.cached),
                    ]
                    with m.If(f_live):
                        m.d.sync += restart_pc.eq(f_pc)
                with m.If(self.redirect):
                    m.d.sync += f_missed.eq(0)
                obey_redirect()

            with m.State("walk"):
                m.d.comb += self.walk.valid.eq(1)
                with m.If(self.walk.done):
                    with m.If(abandoned | self.redirect):
                        m.next = "restart"
                    with m.Elif(self.walk.page_fault):
                        fault(page=True)
                    with m.Elif(self.walk.access_fault):
                        fault(page=False)
                    with m.Else():
                        m.d.comb += tlb.fill.eq(~outdated)
                        m.next = "restart"
                note_redirect()

            with m.State("refill"):
                last = beat == WORDS_PER_LINE - 1
                m.d.comb += [
                    cache.flush.eq(0),
                    self.bus.cyc.eq(1), self.bus.stb.eq(1),
                    self.bus.adr.eq(Cat(beat, s_physical[5:])),
                    self.bus.cti.eq(Mux(last, wishbone.CycleType.END_OF_BURST, wishbone.CycleType.INCR_BURST)),
                ]
                with m.If(self.bus.err):
                    # Some of the line may be overwritten: its old owner must not hit any more.
                    m.d.comb += cache.tag_write.eq(1)
                    with m.If(abandoned | self.redirect):
                        m.next = "restart"
                    with m.Else():
                        fault(page=False)
                with m.Elif(self.bus.ack):
                    m.d.comb += cache.write_ways.eq(cache.victim)
                    m.d.sync += beat.eq(beat + 1)
                    with m.If(last):
                        m.d.comb += [cache.tag_write.eq(1), cache.tag_valid.eq(1)]
                        m.next = "restart"
                note_redirect()

            with m.State("uncached"):
                m.d.comb += [self.bus.cyc.eq(1), self.bus.stb.eq(1)]
                m.d.sync += s_word.eq(self.bus.dat_r)
                with m.If(self.bus.ack | self.bus.err):
                    with m.If(abandoned | self.redirect):
                        m.next = "restart"
                    with m.Elif(self.bus.err):
                        fault(page=False)
                    with m.Else():
                        m.next = "deliver"
                note_redirect()

            with m.State("deliver"):
                m.d.comb += [restartable.eq(1), push_anyway.eq(1), new.bits.eq(s_word), new.prediction.eq(0)]
                m.d.sync += restart_pc.eq(Cat(C(0, 3), restart_pc[3:] + 1))
                m.next = "restart"
                obey_redirect()

            with m.State("restart"):
                m.d.comb += [restartable.eq(1), restart.eq(1)]
                with m.If(room):
                    m.next = "stream"
                obey_redirect()

            with m.State("fault"):
                m.d.comb += [restartable.eq(1), push_anyway.eq(1),
                             new.page_fault.eq(page_fault), new.access_fault.eq(access_fault)]
                m.next = "halted"
                obey_redirect()

            with m.State("halted"):
                m.d.comb += restartable.eq(1)
                obey_redirect()

        return m
