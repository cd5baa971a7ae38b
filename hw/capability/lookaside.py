"""Lookaside buffer: a set-associative cache of capability slots in block RAM, keyed by (space, slot index).

A line is there only for a slot that holds a capability whose object was alive, so a line stands for more than its
fields: the token's generation is not stored, because presence says that it matched.

Lookup: the key is given in cycle t, `hit`, `holds` and `contents` are there in cycle t + 1. A lookup may be given in
every cycle in which `ready` is high. Fills and invalidates take the memories for themselves while they last.

A line has room for numbers of spaces and objects of 16 bits, and types of 8. A slot with a larger one is not kept:
each check of it walks. What lies beside the block RAMs is wires (decision 30), and systems use no such numbers.

Block RAM answers late in a cycle, so nothing chooses between the ways here: who looks at a line does so for each way,
and brings in at the end which of them holds it.

Every line has parity bits over all of it, the valid bit too. What a line says whose parity is wrong is not to be
believed, and `intact` tells; that it seems to hold the key is said all the same, as parity is known later. Whoever
reads such a line throws it out: a lookup in the cycle after its answer unless a fill begins just then, a fill in
place of what it would keep, and a sweep whatever the line seems to be of. What is not in the tables any more can so
not come back, even when the bit that was wrong is right again later.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..mapping import BLOCK_RAM, SEPARATE, all_of, equal, pairs_equal

__all__ = ["SlotKey", "SlotContent", "InvalidateKind", "Invalidate", "Lookaside", "LineContent", "LineFlip",
           "SPACE_LIMIT", "content_of", "has_room_for", "line_layout", "parity_groups", "parity_of", "place_of"]

#: A space number that no table reaches. It stands for every operand above 32 bits.
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


class LineContent(data.Struct):
    """A :class:`SlotContent` as a line has it."""

    tag: 16
    cap_type: 8
    rights: 16
    object_id: 16
    badge: 32


#: Width of a space's number in a line.
_LINE_SPACE = 16


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


#: Bits of a line that one parity bit stands for, at most: with it they are the 16 inputs of two LUTs in a row.
_PARITY_SPAN = 15


def line_layout(config):
    """What stands in block RAM for a line. The set number and the space give back the low bits of the index: only the
    others are stored. Each of the parity bits, which come last, makes the number of ones even among itself and every
    n-th bit of the rest, where n is the number of parity bits: neighbours have different ones."""
    body = {"valid": 1, "space": _LINE_SPACE, "index_high": _INDEX_BITS - exact_log2(config.sets),
            "content": LineContent}
    width = data.StructLayout(body).size
    return data.StructLayout({**body, "parity": -(-width // _PARITY_SPAN)})


def has_room_for(space, content):
    """Whether a line can hold these numbers."""
    return ~Cat(space[_LINE_SPACE:], *(content[name][field.width:] for name, field in LineContent.as_shape())).any()


def content_of(line):
    """The :class:`SlotContent` that a line, a view of :func:`line_layout`, stands for."""
    return SlotContent(Cat(*(Cat(line.content[name], C(0, field.width - len(line.content[name])))
                             for name, field in SlotContent.as_shape())))


def parity_groups(config):
    """Signals that say whether a line's parity is right, each of up to four bits of it."""
    return -(-line_layout(config)["parity"].width // 4)


def parity_of(line):
    """The parity bits that a line, a view of :func:`line_layout`, should have."""
    bits = len(line.parity)
    body = line.as_value()[:-bits]
    return Cat(body[bit::bits].xor() for bit in range(bits))


class LineFlip(data.Struct):
    """Which bit of the buffer to flip, as an upset would; there is none of a number outside."""

    bit: 16
    way: 16
    set: 16


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
    holds, hit, intact, contents : Out
        Which way holds the key (one at most of those that are intact), whether one does, which have right parity (all
        bits of a way's: they meet where they are used), and what all of them hold.
    clearing : Out(1)
        Everything is being forgotten (from reset, too).
    fill_valid, fill_key, fill_content, fill_ready
        Stream of lines to keep, which :func:`has_room_for`. It replaces a line of the same key.
    invalidate_valid, invalidate, invalidate_ready
        Taken when both are high, and `current` from then on; `done` follows when everything it names is gone. Goes
        before a fill.
    thrown_out : Out(ways)
        To count: lines that were thrown out in the previous cycle as their parity is wrong.
    flip_valid, flip, flip_done
        Only with `config.error_injection`: flips a bit when nothing else is to be done. `flip_done` is high for a
        cycle.
    """

    def __init__(self, config, planted):
        self._config = config
        self._planted = planted
        members = {
            "ready": Out(1),
            "clearing": Out(1),
            "key": In(SlotKey),
            "place": In(_INDEX_BITS),
            "holds": Out(config.ways),
            "hit": Out(1),
            "intact": Out(parity_groups(config)).array(config.ways),
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
            "thrown_out": Out(config.ways),
        }
        if config.error_injection:
            members |= {"flip_valid": In(1), "flip": In(LineFlip), "flip_done": Out(1)}
        super().__init__(members)

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

    def _check_parity(self, m, line, way):
        """Which parity bits of a line are right: each behind two LUTs in a row. Synthesis does not know how late the
        line is, and would put more behind each other."""
        bits = len(line.parity)
        right = Signal(bits, name=f"right{way}", attrs=SEPARATE)
        for bit in range(bits):
            covered = Cat(line.as_value()[:-bits][bit::bits], line.parity[bit])
            fours = Signal(-(-len(covered) // 4), name=f"fours{way}_{bit}", attrs=SEPARATE)
            m.d.comb += [
                *(four.eq(covered[4 * place:4 * place + 4].xor()) for place, four in enumerate(fours)),
                right[bit].eq(~fours.xor() | self._planted("drop_parity")),
            ]
        return right

    def elaborate(self, platform):
        m = Module()
        config, planted = self._config, self._planted
        sets, ways = config.sets, config.ways
        layout = line_layout(config)

        read_set = Signal(range(sets))
        write_set = Signal(range(sets))
        write_ways = Signal(ways)
        write_line = Signal(layout)
        lines = []
        for way in range(ways):
            lines.append(self._create_way(m, way, layout, read_set, write_set, write_line, write_ways[way]))

        # The cycle after a read: the key that was read for, and which ways hold it.
        seen_key = Signal(SlotKey)
        read_key = Signal(SlotKey)
        m.d.sync += seen_key.eq(read_key)
        #: A sweep of a whole space is under way.
        any_index = Signal()
        #: Lines to throw out.
        bad = Signal(ways)
        for way, line in enumerate(lines):
            holds = Signal(name=f"holds{way}", attrs=SEPARATE)
            intact = Signal(parity_groups(config), name=f"intact{way}", attrs=SEPARATE)
            right = self._check_parity(m, line, way)
            m.d.comb += [
                holds.eq(all_of(
                    line.valid,
                    ~seen_key.space[_LINE_SPACE:].any() | planted("drop_space"),
                    *(pair | planted("drop_space") for pair in pairs_equal(line.space, seen_key.space[:_LINE_SPACE])),
                    # Bit by bit: with `any_index` two of them would be too many inputs for a LUT.
                    *(~(stored ^ asked) | any_index
                      for stored, asked in zip(line.index_high, seen_key.index[exact_log2(sets):], strict=True)))),
                *(group.eq(right[4 * place:4 * place + 4].all()) for place, group in enumerate(intact)),
                bad[way].eq(~intact.all() & ~planted("keep_bad")),
                self.holds[way].eq(holds),
                self.intact[way].eq(intact),
                self.contents[way].eq(content_of(line)),
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
        #: What the cycle writes: ways that are known early, a sweep's, a fill's. Lines are late, and what they have in
        #: them meets two LUTs on its way to the memories.
        early_ways = Signal(ways)
        sweeps, sweeps_key, sweeps_object = (Signal(name=name, attrs=SEPARATE) for name in (
            "sweeps", "sweeps_key", "sweeps_object"))
        fills, sound = Signal(), Signal(attrs=SEPARATE)
        free = Cat(~line.valid for line in lines)
        m.d.comb += [
            sweeps_key.eq(sweeps & (current.kind != InvalidateKind.OBJECT)),
            sweeps_object.eq(sweeps & (current.kind == InvalidateKind.OBJECT)),
            # A fill that finds a bad line, which may be the slot's, keeps nothing.
            sound.eq(~bad.any()),
        ]
        for way, line in enumerate(lines):
            early, of_object, other, named, filled, spoils = (Signal(name=f"{name}{way}", attrs=SEPARATE) for name in (
                "early", "of_object", "other", "named", "filled", "spoils"))
            m.d.comb += [
                early.eq(early_ways[way]),
                of_object.eq(sweeps_object & equal(content_of(line).object_id, current.name)),
                named.eq(early | (sweeps_key & self.holds[way]) | of_object),
                # The same key first, then a free line, then any.
                other.eq(fills & Mux(free.any(), (free & -free)[way], victim == way)),
                filled.eq(Mux(self.holds.any(), fills & self.holds[way], other)),
                spoils.eq(sweeps & bad[way]),
                write_ways[way].eq(named | (filled & sound) | spoils),
            ]
        #: Whether the previous cycle read for a lookup, or could have, and which set; and lines to throw out that have
        #: been found in the cycle before.
        looked, seen_set = Signal(), Signal(range(sets))
        spoilt, spoilt_set = Signal(ways), Signal(range(sets))
        m.d.sync += [looked.eq(self.ready), seen_set.eq(read_set), spoilt.eq(bad), spoilt_set.eq(seen_set)]
        thrown_out = Signal(ways)
        m.d.sync += self.thrown_out.eq(thrown_out)

        # What stands in a line that is not valid does not matter.
        kept, keeps = Signal(layout), Signal()
        m.d.comb += [
            read_key.eq(self.key), read_set.eq(self.place),
            kept.valid.eq(keeps),
            kept.space.eq(seen_key.space),
            kept.index_high.eq(seen_key.index[exact_log2(sets):]),
            *(kept.content[name].eq(self.fill_content[name]) for name, _ in LineContent.as_shape()),
            kept.parity.eq(parity_of(kept)),
        ]
        flips, flipped = Signal(), kept.as_value()
        if config.error_injection:
            chosen = Array(line.as_value() for line in lines)[self.flip.way]
            flipped = chosen ^ Cat(self.flip.bit == bit for bit in range(len(chosen)))
        m.d.comb += write_line.eq(Mux(flips, flipped, kept.as_value()))
        with m.FSM(init="CLEAR") as fsm:
            with m.State("CLEAR"):
                m.d.comb += [self.clearing.eq(1), write_set.eq(step), early_ways.eq(~0)]
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
                    m.next = "FILL_READ"
                with m.Elif(looked & bad.any()):
                    m.next = "THROW_OUT"
                if config.error_injection:
                    with m.Elif(self.flip_valid):
                        m.next = "FLIP_READ"
            with m.State("THROW_OUT"):
                # The lookup of the cycle before reads what it reads; none reads while this is written.
                m.d.comb += [write_set.eq(spoilt_set), early_ways.eq(spoilt), thrown_out.eq(spoilt)]
                m.next = "IDLE"
            with m.State("FILL_READ"):
                m.d.comb += [read_key.eq(self.fill_key), read_set.eq(self._set(self.fill_key))]
                m.next = "FILL_WRITE"
            with m.State("FILL_WRITE"):
                m.d.comb += [write_set.eq(self._set(seen_key)), keeps.eq(1), fills.eq(1)]
                with m.If(~self.hit & ~free.any()):
                    m.d.sync += victim.eq(victim + 1)
                m.next = "IDLE"
                with m.If(bad.any()):
                    m.next = "THROW_OUT"
            in_space = current.kind == InvalidateKind.SPACE
            with m.State("SWEEP"):
                # One set a cycle is read, and written in the next: never the same set at once.
                m.d.comb += [read_set.eq(step), read_key.space.eq(current.space), read_key.index.eq(current.index),
                             write_set.eq(swept_set), sweeps.eq(swept),
                             thrown_out.eq(Mux(swept, bad, 0)), any_index.eq(in_space)]
                m.d.sync += [swept_set.eq(step), swept.eq(1), step.eq(step + 1)]
                with m.If(step == last):
                    m.next = "SWEEP_LAST"
            with m.State("SWEEP_LAST"):
                m.d.comb += [write_set.eq(swept_set), sweeps.eq(1), thrown_out.eq(bad),
                             any_index.eq(in_space), self.done.eq(1)]
                m.next = "IDLE"
            with m.State("SKIP"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
            if config.error_injection:
                with m.State("FLIP_READ"):
                    m.d.comb += read_set.eq(self.flip.set)
                    m.next = "FLIP_WRITE"
                with m.State("FLIP_WRITE"):
                    m.d.comb += [write_set.eq(self.flip.set), flips.eq(1), self.flip_done.eq(1),
                                 early_ways.eq(Cat(self.flip.way == way for way in range(ways)))]
                    m.next = "IDLE"
            # For the proof's invariants.
            self._inside = SimpleNamespace(
                state={state: fsm.ongoing(state) for state in list(fsm.encoding)}, current=current, step=step,
                last=last, swept=swept, swept_set=swept_set, seen_key=seen_key, lines=lines)
        return m
