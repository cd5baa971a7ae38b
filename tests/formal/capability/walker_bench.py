"""Formal bench of the table walker: what it finds is what the tables say.

The tables of one slot, any slot, are fixed from some moment on (`settled`); before it memory answers anything. A
walk of that slot that began, or was restarted, after that moment finds what :class:`Tables` says, or an error.

For induction the bench also states what the walker has gathered in each of its states.
"""

from functools import reduce
from operator import and_

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, C, Cat, Cover, Elaboratable, Fragment, Module, Mux, Signal

from hw.capability.config import CapabilityUnitConfig
from hw.capability.walker import Walker
from tests.formal.capability.reference import OBJECT_BASE, SLOT_BASE, SPACE_BASE, Elaborated, Tables

__all__ = ["WalkerBench"]


class WalkerBench(Elaboratable):
    """The bench.

    Parameters
    ----------
    faults : set of str
        To plant.
    cover : {None, "live", "wrong"}
        Instead of a proof, ask for a live slot found after a restart, or for any wrong result.
    """

    def __init__(self, *, faults=(), cover=None):
        self.config = CapabilityUnitConfig(lines=4, max_walk_cycles=64, faults=frozenset(faults))
        self.cover = cover

    def elaborate(self, platform):
        m = Module()
        walker = Walker(self.config, lambda name: C(name in self.config.faults, 1))
        m.submodules.walker = Elaborated(Fragment.get(walker, platform))
        m.submodules.tables = tables = Tables(self.config, AnyConst)
        bus, result = walker.bus, walker.result

        was_settled, settled = Signal(), Signal()
        m.d.comb += settled.eq(was_settled | AnySeq(1))
        m.d.sync += was_settled.eq(settled)
        m.d.comb += [
            walker.enable.eq(1),
            walker.start.eq(AnySeq(1)), walker.restart.eq(AnySeq(1)), walker.ready.eq(AnySeq(1)),
            Assume(~walker.start | walker.idle),
            walker.key.space.eq(tables.space), walker.key.index.eq(tables.index),
            walker.tables.space_base.eq(SPACE_BASE), walker.tables.slot_base.eq(SLOT_BASE),
            walker.tables.object_base.eq(OBJECT_BASE),
            *(walker.tables[name].eq(value) for name, value in tables.counts.items()),
            tables.address.eq(bus.adr << 3),
            bus.ack.eq(bus.cyc & bus.stb & AnySeq(1)),
            bus.err.eq(bus.cyc & bus.stb & ~bus.ack & AnySeq(1)),
            bus.dat_r.eq(Mux(settled & tables.known, tables.word, AnySeq(64))),
        ]
        #: The walk has seen settled tables alone.
        fresh, restarted = Signal(), Signal()
        with m.If(walker.start | walker.restart):
            m.d.sync += [fresh.eq(settled), restarted.eq(walker.restart)]
        #: The object that the walker named while it was going on.
        named, name = Signal(), Signal(32)
        m.d.sync += [named.eq(walker.object_known & ~walker.restart & ~walker.start), name.eq(walker.object_id)]

        if self.cover == "live":
            m.d.comb += Cover(walker.valid & fresh & restarted & ~result.error & result.valid & result.live
                              & ~result.object_error)
            return m
        content, slot = result.content, tables.slot
        checked = walker.valid & fresh & ~result.error
        there = checked & ~result.outside
        held = there & result.valid
        wrong = [
            # Reads, whole words, inside the memory range.
            bus.cyc & ~(bus.stb & bus.sel.all() & ~bus.we & bus.adr[28]),
            walker.valid & walker.restart,
            named & walker.object_known & (walker.object_id != name),
            checked & (tables.error | (result.outside != tables.outside)),
            there & ((result.valid != tables.valid) | (content.tag != slot.tag)),
            held & ((content.cap_type != slot.cap_type) | (content.rights != slot.rights)
                    | (content.object_id != slot.object_id) | (content.badge != slot.badge)),
            held & ~(walker.object_known & (walker.object_id == slot.object_id)),
            held & ~result.object_error & (tables.object_error | (result.live != tables.live)),
        ]
        if self.cover == "wrong":
            m.d.comb += Cover(Cat(wrong).any())
            return m
        m.d.comb += [Assert(~each) for each in wrong]
        self._invariants(m, walker, tables, fresh, settled)
        return m

    def _invariants(self, m, walker, tables, fresh, settled):
        """What a walk that has seen settled tables alone has gathered in each state."""
        inside, bus = walker._inside, walker.bus
        state = inside.state
        m.d.comb += Assert(reduce(lambda a, b: a + b, state.values()) == 1)
        with m.If(fresh):
            m.d.comb += Assert(settled)
        flags = Cat(inside.error, inside.outside, inside.object_error)
        on_bus = {name: value for name, value in state.items() if name.endswith("_DATA")}
        for name, value in state.items():
            with m.If(value):
                if name in on_bus:
                    m.d.comb += Assert(bus.cyc)
                elif name in ("BEGIN", "FINISH"):
                    m.d.comb += Assert(~bus.cyc | inside.expired)
                elif name != "IDLE":
                    m.d.comb += Assert(~bus.cyc)
                if name not in ("IDLE", "BEGIN", "FINISH"):
                    m.d.comb += Assert(flags == 0)
                if name not in (*on_bus, "FINISH", "BEGIN", "IDLE"):
                    m.d.comb += Assert(~inside.pending_restart)

        in_space = ~tables.past["space"]
        in_directory = in_space & ~tables.past["directory"]
        in_slot = in_directory & ~tables.past["slot"]
        bodies = inside.bodies == Cat(tables.words[0], tables.words[1])
        gathered = in_slot & bodies & (inside.valid_word == tables.words[2])
        words = {"space": tables.space_entry.as_value(), "directory": tables.directory_entry.as_value(),
                 "object": tables.object_word}

        def reading(place):
            return Cat(C(0, 3), bus.adr) == tables.places[place]

        facts = {
            "SPACE_DATA": [in_space, reading("space")],
            "DIRECTORY": [in_space, inside.word == words["space"]],
            "DIRECTORY_DATA": [in_directory, reading("directory")],
            "SLOT": [in_directory, inside.word == words["directory"]],
            "SLOT_DATA": [
                in_slot,
                (inside.part != 0) | reading("word2"), (inside.part != 1) | reading("word0"),
                (inside.part != 2) | reading("word1"), (inside.part != 3) | reading("word2"),
                (inside.part < 1) | (inside.valid_word == tables.words[2]),
                (inside.part < 2) | (inside.bodies[:64] == tables.words[0]),
                (inside.part < 3) | (inside.bodies[64:] == tables.words[1]),
            ],
            "OBJECT": [gathered, inside.word == tables.words[2]],
            "OBJECT_DATA": [gathered, inside.valid, tables.valid, reading("object"), ~tables.object_error],
            "FINISH": [
                inside.error | (inside.outside & tables.outside) | gathered,
                inside.error | inside.outside | (inside.valid == tables.valid),
                inside.error | inside.outside | ~inside.valid | inside.object_error
                | (~tables.object_error & (inside.word == words["object"])),
            ],
        }
        for name, conditions in facts.items():
            with m.If(fresh & ~inside.pending_restart & state[name]):
                m.d.comb += Assert(reduce(and_, conditions))
