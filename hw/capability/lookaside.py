"""Lookaside buffer: a set-associative cache of capability slots in block RAM, keyed by (space, slot index).

A line is there only for a slot that holds a capability whose object was alive, so a line stands for more than its
fields: the token's generation is not stored, because presence says that it matched.

Lookup: the key is given in cycle t, `hit`, `holds` and `contents` are there in cycle t + 1. A lookup may be given in
every cycle in which `ready` is high. Fills and invalidates take the memories for themselves while they last.

Block RAM answers late in a cycle, so nothing chooses between the ways here: who looks at a line does so for each way,
and brings in at the end which of them holds it.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..mapping import BLOCK_RAM, SEPARATE, all_of, equal, pairs_equal

__all__ = ["SlotKey", "SlotContent", "InvalidateKind", "Invalidate", "Lookaside", "SPACE_LIMIT", "place_of"]

#: A space number that no table reaches: nothing is kept of it. It stands for every operand above 32 bits.
SPACE_LIMIT = (1 << 32) - 1


class SlotKey(data.Struct):
    """Which slot: capability space, and index in it."""

    space: 32
    index: 16


_INDEX_BITS = SlotKey.as_shape()["index"].width


class SlotContent(data.Struct):
    """What a check needs to know of a slot."""

    tag: 16
    cap_type: 16
    rights: 16
    object_id: 32
    badge: 32


class InvalidateKind(enum.Enum, shape=2):
    """What to forget."""

    SLOT = 0
    SPACE = 1
    OBJECT = 2
    ALL = 3


class Invalidate(data.Struct):
    """One invalidate."""

    kind: InvalidateKind
    #: For SLOT and SPACE.
    space: 32
    #: Index of the slot in the space for SLOT (low bits), number of the object for OBJECT.
    name: 32

    @property
    def index(self):
        """For SLOT: its index."""
        return self.name[:_INDEX_BITS]


def place_of(index, space):
    """Where a slot belongs, of which the buffer takes as many low bits as it has sets: its index, spread by the space.
    Nothing but low bits of the operands goes into low bits of it."""
    return index[:_INDEX_BITS] ^ space[:_INDEX_BITS]


class Lookaside(wiring.Component):
    """The lookaside buffer.

    Parameters
    ----------
    config : CapabilityUnitConfig
    planted : callable
        Value that says whether a fault, given by its name, is planted.

    Attributes
    ----------
    ready : Out(1)
        A lookup of `key` in this cycle will be answered in the next.
    key, place : In
        What to look up, and :func:`place_of` it, which is known before the key is. `place` may be another's if
        the key's space is SPACE_LIMIT: no line has that.
    holds, hit, contents : Out
        Which way holds the key (one at most), whether one does, and what all of them hold.
    clearing : Out(1)
        Everything is being forgotten (from reset, too).
    fill_valid, fill_key, fill_content, fill_ready
        Stream of lines to keep. It replaces a line of the same key.
    invalidate_valid, invalidate, invalidate_ready
        Taken when both are high, and `current` from then on; `done` follows when everything it names is gone. Goes
        before a fill.
    """

    def __init__(self, config, planted):
        self._config = config
        self._planted = planted
        super().__init__({
            "ready": Out(1),
            "clearing": Out(1),
            "key": In(SlotKey),
            "place": In(_INDEX_BITS),
            "holds": Out(config.ways),
            "hit": Out(1),
            "contents": Out(SlotContent).array(config.ways),
            "fill_valid": In(1),
            "fill_ready": Out(1),
            "fill_key": In(SlotKey),
            "fill_content": In(SlotContent),
            "invalidate_valid": In(1),
            "invalidate_ready": Out(1),
            "invalidate": In(Invalidate),
            "current": Out(Invalidate),
            "done": Out(1),
        })

    def _set(self, key):
        """Set that a key belongs to."""
        return place_of(key.index, key.space)[:exact_log2(self._config.sets)]

    def _create_way(self, m, way, layout, read_set, write_set, write_line, write_enable):
        """Memory of one way; returns what it read in the cycle before, anything if that set was written then. Proofs
        use registers that they can look into."""
        memory = Memory(shape=layout, depth=self._config.sets, init=[], attrs=BLOCK_RAM)
        m.submodules[f"way{way}"] = memory
        read, write = memory.read_port(domain="comb"), memory.write_port()
        line = Signal(layout, name=f"line{way}", reset_less=True)
        m.d.comb += [
            read.addr.eq(read_set),
            write.addr.eq(write_set), write.data.eq(write_line), write.en.eq(write_enable),
        ]
        m.d.sync += line.eq(read.data)
        return line

    def elaborate(self, platform):
        m = Module()
        config, planted = self._config, self._planted
        sets, ways = config.sets, config.ways
        # The set number and the space give back the low bits of the index: only the others are stored.
        line_layout = data.StructLayout({
            "valid": 1, "space": 32, "index_high": 16 - exact_log2(sets), "content": SlotContent,
        })

        read_set = Signal(range(sets))
        write_set = Signal(range(sets))
        write_ways = Signal(ways)
        write_line = Signal(line_layout)
        lines = []
        for way in range(ways):
            lines.append(self._create_way(m, way, line_layout, read_set, write_set, write_line, write_ways[way]))

        # The cycle after a read: the key that was read for, and which ways hold it.
        seen_key = Signal(SlotKey)
        read_key = Signal(SlotKey)
        m.d.sync += seen_key.eq(read_key)
        #: A sweep of a whole space is under way.
        any_index = Signal()
        for way, line in enumerate(lines):
            holds = Signal(name=f"holds{way}", attrs=SEPARATE)
            m.d.comb += [
                holds.eq(all_of(
                    line.valid,
                    *(pair | planted("drop_space") for pair in pairs_equal(line.space, seen_key.space)),
                    *(pair | any_index for pair in pairs_equal(line.index_high, seen_key.index[exact_log2(sets):])))),
                self.holds[way].eq(holds),
                self.contents[way].eq(line.content),
            ]
        hit = Signal(attrs=SEPARATE)
        m.d.comb += [hit.eq(self.holds.any()), self.hit.eq(hit)]

        current = self.current
        step = Signal(range(sets))
        last = Signal(range(sets))
        #: Set that the previous cycle read, and whether it did.
        swept_set = Signal(range(sets))
        swept = Signal()
        victim = Signal(range(ways))
        named = Signal(ways)
        for way, line in enumerate(lines):
            with m.Switch(current.kind):
                with m.Case(InvalidateKind.SLOT, InvalidateKind.SPACE):
                    m.d.comb += named[way].eq(self.holds[way])
                with m.Case(InvalidateKind.OBJECT):
                    m.d.comb += named[way].eq(equal(line.content.object_id, current.name))

        # What stands in a line that is not valid does not matter.
        m.d.comb += [
            read_key.eq(self.key), read_set.eq(self.place),
            write_line.space.eq(seen_key.space),
            write_line.index_high.eq(seen_key.index[exact_log2(sets):]),
            write_line.content.eq(self.fill_content),
        ]
        with m.FSM(init="CLEAR") as fsm:
            with m.State("CLEAR"):
                m.d.comb += [self.clearing.eq(1), write_set.eq(step), write_ways.eq(~0)]
                m.d.sync += step.eq(step + 1)
                with m.If(step == sets - 1):
                    m.d.comb += self.done.eq(1)
                    m.next = "IDLE"
            with m.State("IDLE"):
                m.d.comb += [self.ready.eq(1), self.invalidate_ready.eq(1),
                             self.fill_ready.eq(~self.invalidate_valid)]
                m.d.sync += [current.eq(self.invalidate), step.eq(0), last.eq(sets - 1), swept.eq(0)]
                with m.If(self.invalidate_valid):
                    with m.If(planted("skip_invalidate")):
                        m.next = "SKIP"
                    with m.Elif(self.invalidate.kind == InvalidateKind.ALL):
                        m.next = "CLEAR"
                    with m.Else():
                        m.next = "SWEEP"
                    with m.If(self.invalidate.kind == InvalidateKind.SLOT):
                        m.d.sync += [step.eq(self._set(self.invalidate)), last.eq(self._set(self.invalidate))]
                with m.Elif(self.fill_valid):
                    # The set is read in this cycle: the requester keeps the lookup port free.
                    m.next = "FILL_READ"
            with m.State("FILL_READ"):
                m.d.comb += [read_key.eq(self.fill_key), read_set.eq(self._set(self.fill_key))]
                m.next = "FILL_WRITE"
            with m.State("FILL_WRITE"):
                # The same key first, then a free line, then any.
                free = Cat(~line.valid for line in lines)
                m.d.comb += [write_set.eq(self._set(seen_key)), write_line.valid.eq(1)]
                with m.If(self.hit):
                    m.d.comb += write_ways.eq(self.holds)
                with m.Elif(free.any()):
                    m.d.comb += write_ways.eq(free & -free)
                with m.Else():
                    m.d.comb += write_ways.eq(1 << victim)
                    m.d.sync += victim.eq(victim + 1)
                m.next = "IDLE"
            in_space = current.kind == InvalidateKind.SPACE
            with m.State("SWEEP"):
                # One set a cycle is read, and written in the next: never the same set at once.
                m.d.comb += [read_set.eq(step), read_key.space.eq(current.space), read_key.index.eq(current.index),
                             write_set.eq(swept_set), write_ways.eq(Mux(swept, named, 0)), any_index.eq(in_space)]
                m.d.sync += [swept_set.eq(step), swept.eq(1), step.eq(step + 1)]
                with m.If(step == last):
                    m.next = "SWEEP_LAST"
            with m.State("SWEEP_LAST"):
                m.d.comb += [write_set.eq(swept_set), write_ways.eq(named), any_index.eq(in_space),
                             self.done.eq(1)]
                m.next = "IDLE"
            with m.State("SKIP"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
            # For the proof's invariants.
            self._inside = SimpleNamespace(
                state={state: fsm.ongoing(state) for state in list(fsm.encoding)}, current=current, step=step,
                last=last, swept=swept, swept_set=swept_set, seen_key=seen_key, lines=lines)
        return m
