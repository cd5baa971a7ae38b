"""Formal bench of the revocation engine over every derivation tree of a small table.

The table has any content in the fields that the engine looks at: tags and objects of two bits, links that name each of
the slots, or others next to the table or at the far end of what a link can name. The run begins once, on any slot, and
may be stopped at any moment; memory answers at once. Who descends from the root is found from the parent links,
independently of how the engine goes about it.

For any content: accesses stay in the table; no slot is emptied but a descendant of the root; the run has an end within
a stated number of cycles; and its end is not reported before an invalidate that names what was emptied is done, which
is what `engine_bench` needs. For a content that is a forest (`forest`): at DONE no descendant is valid and the count is
right; at STOPPED the tree is whole.
"""

from functools import reduce
from operator import and_, or_

from amaranth.asserts import AnyConst
from amaranth.hdl import Array, Assert, Assume, C, Cat, Elaboratable, Fragment, Module, Mux, Signal

from hw.abi import SLOT_BYTES, RevokeState, Slot
from hw.capability.config import CapabilityUnitConfig
from hw.capability.lookaside import InvalidateKind
from hw.capability.revoker import Revoker
from tests.formal.capability.reference import SLOT_BASE, Elaborated

__all__ = ["RevokerBench"]

#: Cycles for a slot that is passed twice, with memory that answers at once; more for one that has elder siblings too;
#: for the root and what is around a run.
TWICE, ELDER, AROUND = 15, 9, 22


class RevokerBench(Elaboratable):
    """The bench.

    Parameters
    ----------
    slots : int
        Length of the table. Slot 0 is never used, and the root takes one.
    forest : bool
        Assume that the links make a forest.
    faults : set of str
        To plant.
    """

    def __init__(self, *, slots=4, forest=True, faults=()):
        self.config = CapabilityUnitConfig(max_walk_cycles=16, patience=1, faults=frozenset(faults))
        self.slots, self.forest = slots, forest
        #: A run is over by then.
        self.bound = TWICE * (slots - 2) + ELDER * max(slots - 4, 0) + AROUND

    def elaborate(self, platform):
        m = Module()
        engine = Revoker(self.config, lambda name: C(name in self.config.faults, 1))
        m.submodules.engine = Elaborated(Fragment.get(engine, platform))
        numbers = range(1, self.slots)
        time = Signal(range(self.bound + 3))
        with m.If(time != self.bound + 2):
            m.d.sync += time.eq(time + 1)
        loading, begins = time == 0, time == 1

        # -- The table. What it holds at first stays known.
        bus = engine.bus
        at_first = [Slot(Signal(SLOT_BYTES * 8, name=f"first{number}")) for number in range(self.slots)]
        words = [[Signal(64, name=f"word{number}_{word}") for word in range(4)] for number in range(self.slots)]
        now = [Slot(Cat(*row)) for row in words]
        place = Signal(range(self.slots * 4))
        m.d.comb += [
            place.eq(bus.adr - SLOT_BASE // 8),
            bus.ack.eq(bus.cyc & bus.stb),
            bus.dat_r.eq(Array(word for row in words for word in row)[place]),
            engine.enable.eq(1), engine.tables.slot_base.eq(SLOT_BASE), engine.tables.slot_count.eq(self.slots),
        ]
        for number, row in enumerate(words):
            self._choose(m, at_first[number])
            for index, word in enumerate(row):
                lanes = Cat(bus.sel[lane].replicate(8) for lane in range(8))
                with m.If(loading):
                    m.d.sync += word.eq(at_first[number].as_value()[64 * index:64 * index + 64])
                with m.Elif(bus.cyc & bus.we & (place == 4 * number + index)):
                    m.d.sync += word.eq((word & ~lanes) | (bus.dat_w & lanes))

        # -- One run, from any slot.
        root, stop, moment = Signal(31), Signal(), Signal.like(time)
        m.d.comb += [
            root.eq(AnyConst(self.slots.bit_length())), Assume((root > 0) & (root < self.slots)),
            # The first stop is the only one that counts; one at the end is none.
            moment.eq(AnyConst(len(time))), stop.eq(time == moment),
            engine.starts[0].valid.eq(begins), engine.starts[0].request.root.eq(root),
            engine.starts[0].stop.eq(stop & (time > 1)),
        ]
        over = Signal()
        m.d.comb += over.eq((time > 2) & (engine.state != RevokeState.RUNNING))

        # -- Invalidates: `owed` from the store that empties a slot to the end of one that names it.
        invalidate, busy = engine.invalidate, Signal()
        owed, owed_at_start = Signal(self.slots), Signal(self.slots)
        m.d.comb += [invalidate.start.eq(invalidate.valid & ~busy), invalidate.done.eq(busy)]
        m.d.sync += busy.eq(invalidate.start)
        named = Cat((invalidate.request.kind == InvalidateKind.ALL) | (
            (invalidate.request.kind == InvalidateKind.OBJECT)
            & (invalidate.request.name == at_first[number].object_id)) for number in range(self.slots))
        with m.If(invalidate.start):
            m.d.sync += owed_at_start.eq(owed & named)
        with m.If(invalidate.done):
            m.d.sync += owed.eq(owed & ~owed_at_start)
        for number in numbers:
            with m.If(bus.cyc & bus.we & ~loading & (place == 4 * number + 2) & bus.sel[3] & ~bus.dat_w[31]):
                m.d.sync += owed[number].eq(1)

        # -- Who descends from the root, by the parent links of the beginning.
        descends = [C(0, 1)] * self.slots
        for _ in numbers:
            descends = [C(0, 1)] + [
                at_first[number].valid & (number != root) & (
                    (at_first[number].parent == root)
                    | reduce(or_, ((at_first[number].parent == above) & descends[above] for above in numbers)))
                for number in numbers]
        below = Signal(self.slots)
        m.d.comb += below.eq(Cat(descends))
        alive, was_alive = Cat(slot.valid for slot in now), Cat(slot.valid for slot in at_first)
        m.d.comb += Assume(~at_first[0].valid)
        if self.forest:
            self._assume_forest(m, at_first)
        killed = sum(was_alive[number] & ~alive[number] for number in numbers)

        end = Signal()
        m.d.comb += end.eq(time == self.bound)
        # Everything is asked at the end, when the solver has the whole run before it: nothing changes behind a run, and
        # what must hold at each moment is remembered when it does not.
        wrong = Signal()
        inside = (bus.adr >= SLOT_BASE // 8) & (bus.adr < SLOT_BASE // 8 + 4 * self.slots)
        with m.If((bus.cyc & ~inside) | (over & (owed != 0)) | (~loading & (alive & ~was_alive).any())):
            m.d.sync += wrong.eq(1)
        root_index = root[:self.slots.bit_length()]
        done, stopped = engine.state == RevokeState.DONE, engine.state == RevokeState.STOPPED
        holds = [
            # For any content.
            ~wrong, over, engine.revoked == killed, (was_alive & ~alive & ~below) == 0,
            ~done | (Array(slot.first_child for slot in now)[root_index] == 0),
            # An emptied slot has another tag, and not zero.
            *(alive[number] | ~was_alive[number] | ((now[number].tag != at_first[number].tag) & (now[number].tag != 0))
              for number in numbers),
        ]
        if self.forest:
            holds += [
                Mux(was_alive.bit_select(root_index, 1), done | stopped, engine.state == RevokeState.BAD_ROOT),
                ~done | ((alive & below) == 0),
                self._whole(now),
            ]
        m.d.comb += [Assert(~end | each) for each in holds]
        return m

    def _choose(self, m, slot):
        """What a slot holds at first."""
        for name in ("valid", "mark"):
            m.d.comb += getattr(slot, name).eq(AnyConst(1))
        m.d.comb += slot.object_id.eq(AnyConst(2))
        # From 0 to 3, and behind 0xfffd to 0xffff: both sides of the wrap.
        m.d.comb += slot.tag.eq(Cat(AnyConst(2), AnyConst(1).replicate(14)))
        for name in ("parent", "first_child", "previous", "next"):
            near, far = AnyConst(self.slots.bit_length()), AnyConst(1)
            m.d.comb += getattr(slot, name).eq(near if self.forest else Cat(near, far.replicate(31 - len(near))))

    def _whole(self, slots):
        """Every link of a valid slot has its counterpart."""
        numbers = range(1, self.slots)

        def at(link, condition):
            """The link is 0, or leads to a valid slot that fits."""
            return (link == 0) | reduce(or_, ((link == number) & slots[number].valid & condition(slots[number])
                                              for number in numbers))

        def fits(number):
            slot = slots[number]
            return reduce(and_, [
                at(slot.parent, lambda other: (slot.previous != 0) | (other.first_child == number)),
                at(slot.first_child, lambda other: (other.parent == number) & (other.previous == 0)),
                at(slot.next, lambda other: (other.parent == slot.parent) & (other.previous == number)),
                at(slot.previous, lambda other: (other.parent == slot.parent) & (other.next == number)),
                (slot.parent != 0) | ((slot.previous == 0) & (slot.next == 0)),
            ])
        return reduce(and_, (~slots[number].valid | fits(number) for number in numbers))

    def _assume_forest(self, m, slots):
        """The links are whole, and lead in no circle: each slot has a rank above its parent's and elder sibling's. No
        mark is set."""
        numbers = range(1, self.slots)
        ranks = [Signal(range(self.slots), name=f"rank{number}") for number in range(self.slots)]
        m.d.comb += [rank.eq(AnyConst(len(rank))) for rank in ranks]
        m.d.comb += Assume(self._whole(slots))
        for number in numbers:
            slot = slots[number]
            m.d.comb += Assume(~slot.valid | ~slot.mark)
            m.d.comb += Assume(~slot.valid | (slot.object_id == slots[1].object_id))
            for other in numbers:
                m.d.comb += Assume(~slot.valid | ~((slot.parent == other) | (slot.previous == other))
                                   | (ranks[number] > Mux(C(1, 1), ranks[other], 0)))
