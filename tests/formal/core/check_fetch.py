"""What fetch delivers, what the aligner makes of it, and what fence.i does to both."""

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cat, Elaboratable, Fragment, Module, Mux, Signal, Value

from hw.core.align import Aligner
from hw.core.decoder import System, Unit
from hw.core.fetch import FetchedWord
from hw.core.prediction import REGION_BITS
from hw.core.translation import Regime
from tests.formal.core.bench import CONFIG, registers_of
from tests.formal.core.check_memory import WatchedBit, bare

__all__ = ["AlignmentBench", "Delivery", "fence_order", "fences", "fetch_coherence"]


class Delivery:
    """Where the two words at the head of fetch's queue come from: from where the last redirect pointed on, each behind
    the one before it, or at the target that goes with that.

    Parameters
    ----------
    redirect, target, pop, first, first_valid, second, second_valid : as the fetch unit has them.
    reset_vector : int

    Attributes
    ----------
    address : of the first word, with the place in it where the way begins.
    following : of the second.
    words : (valid, word, address) of both.
    """

    def __init__(self, m, queue, redirect, target, pop, reset_vector):
        self.address, self.following = Signal(64, init=reset_vector), Signal(64)
        guess = queue.first.prediction
        m.d.comb += self.following.eq(Mux(
            guess.taken, Cat(guess.target, self.address[REGION_BITS:]), self._behind()))
        with m.If(redirect):
            m.d.sync += self.address.eq(target)
        with m.Elif(pop):
            m.d.sync += self.address.eq(self.following)
        self.words = ((queue.first_valid, queue.first, self.address),
                      (queue.second_valid, queue.second, self.following))

    def _behind(self):
        return (self.address[3:] + 1)[:61] << 3

    def guesses(self, m, check):
        """What is known of the predictions that come with words: a branch ends where the way begins or later, and never
        in the first halfword of a region (none is taught)."""
        for valid, word, address in self.words:
            guess = word.prediction
            with m.If(valid & ~word.page_fault & ~word.access_fault & guess.taken):
                m.d.comb += [check(guess.position >= address[1:3]),
                             check((guess.position != 0) | address[3:REGION_BITS].any())]


def fetch_coherence(m, rvfi, bench):
    """The words that fetch delivers are what stands in memory where they come from, unless memory has changed since the
    last flush of the cache that a redirect followed. Any one bit; what happens behind fetch is free."""
    fetch, ibus = bench.core._inside.fetch, bench.core.ibus
    bench.steering_facts(m)
    m.d.comb += [Assume(fetch.regime.as_value() != Regime.PAGED.value), Assume(~fetch.target[0]),
                 Assume(~fetch.pop | fetch.first_valid)]
    watched = WatchedBit(m, rvfi, bench)
    watched.start_coherent(m, fetch._cache)
    changed = Signal()
    m.d.comb += [changed.eq(AnySeq(1)), watched.after_store.eq(watched.memory ^ changed)]
    with m.If(ibus.cyc & ibus.stb & ibus.ack & (ibus.adr == watched.adr)):
        m.d.comb += Assume(watched.of(ibus.dat_r) == watched.memory)
    stale, flushed = Signal(), Signal()
    with m.If(changed):
        m.d.sync += [stale.eq(1), flushed.eq(0)]
    with m.Elif(fetch.cache_flush):
        m.d.sync += flushed.eq(1)
    with m.Elif(fetch.redirect & flushed):
        m.d.sync += [stale.eq(0), flushed.eq(0)]
    delivery = Delivery(m, fetch, fetch.redirect, fetch.target, fetch.pop, bench.config.reset_vector)
    delivery.guesses(m, Assert)
    for valid, word, address in delivery.words:
        with m.If(valid & ~stale & ~word.page_fault & ~word.access_fault & (address[3:] == watched.adr)):
            m.d.comb += Assert(watched.of(word.bits) == watched.memory)


class AlignmentBench(Elaboratable):
    """The aligner by itself: each instruction consists of the halfwords at its address, of the words that fetch
    delivers for these addresses, and the next one stands behind it or where it was predicted to lead."""

    def elaborate(self, platform):
        m = Module()
        aligner = Aligner(CONFIG.reset_vector)
        m.submodules.aligner = fragment = Fragment.get(aligner, platform)
        discard = registers_of(fragment)["discard"]
        for value in (aligner.redirect, aligner.target, aligner.first, aligner.first_valid, aligner.second,
                      aligner.second_valid, aligner.ready):
            value = Value.cast(value)
            m.d.comb += value.eq(AnySeq(len(value)))
        # It is obeyed when it wants an instruction again, by fetch and by itself.
        m.d.comb += [Assume(~aligner.target[0]), Assume(aligner.redirect | ~aligner.refetch)]
        with m.If(aligner.refetch):
            m.d.comb += Assert(~aligner.refetch_pc[0])
        self._queue(m, aligner)
        delivery = Delivery(m, aligner, aligner.redirect, aligner.target, aligner.pop, CONFIG.reset_vector)
        delivery.guesses(m, Assume)
        given, words = aligner.instruction, (aligner.first, aligner.second)
        pc, wide = given.pc, given.raw[:2] == 3
        failed = given.page_fault | given.access_fault
        m.d.comb += Assert(~aligner.pop | aligner.first_valid)

        with m.If(aligner.valid):
            m.d.comb += [Assert(~pc[0]), Assert(aligner.first_valid), Assert(pc[3:] == delivery.address[3:])]
        with m.If(aligner.valid & failed):
            faulty = FetchedWord(Mux(given.fault_second, words[1].as_value(), words[0].as_value()))
            m.d.comb += [
                Assert(given.page_fault == faulty.page_fault), Assert(given.access_fault == faulty.access_fault),
                Assert(~given.fault_second | aligner.second_valid),
            ]
        with m.If(aligner.valid & ~failed):
            low = words[0].bits.word_select(pc[1:3], 16)
            high = Mux(pc[1:3] == 3, words[1].bits[:16], words[0].bits.word_select((pc[1:3] + 1)[:2], 16))
            straddles = wide & (pc[1:3] == 3)
            m.d.comb += [
                Assert(given.raw[:16] == low), Assert(given.raw[16:] == Mux(wide, high, 0)),
                Assert(~straddles | (aligner.second_valid & (delivery.following[3:] == (pc[3:] + 1)[:61]))),
                Assert(given.next_pc == (pc + Mux(wide, 4, 2))[:64]),
            ]
        # In order, none left out.
        next_pc, known = Signal(64), Signal()
        with m.If(aligner.redirect):
            m.d.sync += [next_pc.eq(aligner.target), known.eq(1)]
        with m.Elif(aligner.valid & aligner.ready & ~failed):
            m.d.sync += [next_pc.eq(Mux(given.predicted, Cat(given.target, pc[REGION_BITS:]), given.next_pc)),
                         known.eq(1)]
        with m.If(aligner.valid & known):
            m.d.comb += Assert(pc == next_pc)
        self._invariants(m, aligner, delivery, discard, next_pc, known)
        return m

    def _queue(self, m, aligner):
        """Words stay until they are taken, and move up then."""
        before = {name: Signal(len(Value.cast(getattr(aligner, name))), name=f"before_{name}")
                  for name in ("first", "first_valid", "second", "second_valid", "pop")}
        kept = Signal()
        m.d.sync += kept.eq(~aligner.redirect)
        for name, past in before.items():
            m.d.sync += past.eq(Value.cast(getattr(aligner, name)))
        m.d.comb += Assume(aligner.first_valid | ~aligner.second_valid)
        first, second = aligner.first.as_value(), aligner.second.as_value()
        with m.If(kept & before["pop"] & before["second_valid"]):
            m.d.comb += Assume(aligner.first_valid & (first == before["second"]))
        with m.If(kept & ~before["pop"] & before["first_valid"]):
            m.d.comb += Assume(aligner.first_valid & (first == before["first"]))
        with m.If(kept & ~before["pop"] & before["second_valid"]):
            m.d.comb += Assume(aligner.second_valid & (second == before["second"]))

    def _invariants(self, m, aligner, delivery, discard, next_pc, known):
        """Where the aligner stands in the words: without these the induction could begin anywhere."""
        pc, guess = aligner.instruction.pc, aligner.first.prediction
        m.d.comb += [Assert(~pc[0]), Assert(~known | (pc == next_pc))]
        with m.If(discard):
            # The second half of a straddling branch stands alone in its word, which must go.
            m.d.comb += [Assert(aligner.first_valid & guess.taken),
                         Assert(pc == Cat(guess.target, delivery.address[REGION_BITS:]))]
        with m.Else():
            m.d.comb += [Assert(pc[3:] == delivery.address[3:]), Assert(pc[1:3] >= delivery.address[1:3]),
                         Assert(aligner.first_valid | (pc == delivery.address))]
            with m.If(aligner.first_valid & guess.taken & ~aligner.first.page_fault & ~aligner.first.access_fault):
                m.d.comb += Assert(guess.position >= pc[1:3])


def fences(m, rvfi, bench):
    """fence.i retires only when the instruction cache was flushed with every store before it in memory, and fetch then
    redirected."""
    bare(m, bench)
    _decoded_facts(m, bench)
    watched = WatchedBit(m, rvfi, bench)
    commit, fetch = bench.core._inside.commit, bench.core._inside.fetch
    flushed, redirected, value = Signal(), Signal(), Signal()
    with m.If(fetch.cache_flush):
        m.d.sync += [flushed.eq(1), redirected.eq(0), value.eq(watched.memory)]
    with m.Elif(commit.redirect & flushed):
        m.d.sync += redirected.eq(1)
    with m.If(rvfi.valid & ~fetch.cache_flush):
        m.d.sync += flushed.eq(0)
    with m.If(_is_fence(rvfi)):
        m.d.comb += [Assert(flushed & redirected), Assert(value == watched.program)]


def fence_order(m, rvfi, bench):
    """What follows fence.i was fetched behind the redirect that follows its flush. With `fences`, `fetch_coherence` and
    `alignment`: it is what the program stored."""
    _decoded_facts(m, bench)
    core = bench.core._inside
    fetch, aligner = core.fetch, core.aligner
    flushed, after, fenced = Signal(), Signal(), Signal()
    # At one address, any one, there is one instruction before that redirect, and another after it.
    place, old, new = AnyConst(64), AnyConst(32), AnyConst(32)
    with m.If(fetch.cache_flush):
        m.d.sync += flushed.eq(1)
    m.d.sync += [after.eq(after | (flushed & fetch.redirect)), fenced.eq(fenced | _is_fence(rvfi))]
    given = aligner.instruction
    with m.If(aligner.valid & (given.pc == place)):
        m.d.comb += [Assume(given.raw == Mux(after, new, old)), Assume(~given.page_fault & ~given.access_fault)]
    with m.If(_is_fence(rvfi)):
        m.d.comb += Assert(after)
    with m.If(rvfi.valid & fenced & (rvfi.pc_rdata == place)):
        m.d.comb += Assert(rvfi.insn == new)


def _fence_i(insn):
    return (insn[:7] == 0b0001111) & (insn[12:15] == 1)


def _is_fence(rvfi):
    return rvfi.valid & ~rvfi.trap & _fence_i(rvfi.insn)


def _decoded_facts(m, bench):
    """What reaches the memory stage as fence.i is one, and nothing else is."""
    execute = bench.core._inside.execute
    executed = execute.executed
    with m.If(execute.executed_valid & ~executed.exception):
        m.d.comb += bench.fact("execute", _fence_i(executed.raw) == (
            (executed.control.unit == Unit.SYSTEM) & (executed.control.system == System.FENCE_I)))
