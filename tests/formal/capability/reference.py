"""What a capability check must answer, written from DESIGN 5 and :mod:`hw.abi` for the proofs, not from the RTL.

`verdict_of_slot` judges a query about a slot whose walk result is known; `Tables` holds symbolic tables of one
slot and says what walking them must find.
"""

from itertools import combinations

from amaranth.hdl import Assume, C, Cat, Elaboratable, Module, Signal

from hw.abi import (
    DIRECTORY_ENTRY_BYTES,
    OBJECT_ENTRY_BYTES,
    PAGE_BYTES,
    SLOT_BYTES,
    SLOTS_PER_PAGE,
    SPACE_ENTRY_BYTES,
    DirectoryEntry,
    Handle,
    ObjectEntry,
    Slot,
    SpaceEntry,
    Verdict,
)

__all__ = ["OBJECT_BASE", "SLOT_BASE", "SPACE_BASE", "Elaborated", "Tables", "symbolic", "verdict_of_slot"]

#: Where the tables of the proofs lie.
SPACE_BASE, SLOT_BASE, OBJECT_BASE = 0x8100_0000, 0x9000_0000, 0xa000_0000


class Elaborated(Elaboratable):
    """A fragment as a submodule: a component elaborated early, so that a bench can look inside."""

    def __init__(self, fragment):
        self._fragment = fragment

    def elaborate(self, platform):
        return self._fragment


def symbolic(m, kind, shape, name):
    """A signal with a value that the solver chooses: `kind` is AnyConst or AnySeq."""
    signal = Signal(shape, name=name)
    value = signal if isinstance(shape, int) else signal.as_value()
    m.d.comb += value.eq(kind(len(value)))
    return signal


def verdict_of_slot(m, query, found, expected):
    """Drive `expected` (CheckResponse) with the answer to `query` about the slot that `found` (WalkResult) tells of."""
    tag, verdict = Handle(query.handle).tag, expected.verdict
    with m.If(found.error):
        m.d.comb += verdict.eq(Verdict.UNDECIDED)
    with m.Elif(found.outside | (tag == 0) | (tag != found.content.tag)):
        m.d.comb += verdict.eq(Verdict.BAD_HANDLE)
    with m.Elif(~found.valid):
        m.d.comb += verdict.eq(Verdict.EMPTY)
    with m.Elif(found.object_error):
        m.d.comb += verdict.eq(Verdict.UNDECIDED)
    with m.Elif(~found.live):
        m.d.comb += verdict.eq(Verdict.STALE)
    with m.Elif((query.cap_type == 0) | (query.cap_type != found.content.cap_type)):
        m.d.comb += verdict.eq(Verdict.WRONG_TYPE)
    with m.Elif((query.rights & found.content.rights) != query.rights):
        m.d.comb += verdict.eq(Verdict.MISSING_RIGHTS)
    with m.Else():
        m.d.comb += [verdict.eq(Verdict.OK), expected.object_id.eq(found.content.object_id),
                     expected.badge.eq(found.content.badge)]


class Tables(Elaboratable):
    """Tables of the slot (`space`, `index`): any content, tables of any length.

    Attributes
    ----------
    space, index, counts
        Which slot, and the count registers.
    address, known, word
        For a byte address: whether these tables hold it, and the word there.
    error, outside, valid, object_error, live, slot
        What a walk finds.
    """

    def __init__(self, config, kind):
        self._config, self._kind = config, kind
        self.space, self.index = Signal(32), Signal(16)
        self.counts = {name: Signal(32, name=name) for name in ("space_count", "slot_count", "object_count")}
        self.address, self.known, self.word = Signal(32), Signal(), Signal(64)
        self.error, self.outside, self.valid = Signal(), Signal(), Signal()
        self.object_error, self.live = Signal(), Signal()
        self.slot = Signal(Slot)
        #: For invariants: the words, their places, and whether the walk ends before a table.
        self.space_entry, self.directory_entry = Signal(SpaceEntry), Signal(DirectoryEntry)
        self.words = [Signal(64, name=f"word{number}") for number in range(3)]
        self.object_word = Signal(64)
        self.places = {name: Signal(64, name=f"{name}_place")
                       for name in ("space", "directory", "word0", "word1", "word2", "object")}
        self.past = {name: Signal(name=f"past_{name}") for name in ("space", "directory", "slot")}

    def elaborate(self, platform):
        m = Module()
        for constant in (self.space, self.index, *self.counts.values(), self.space_entry.as_value(),
                         self.directory_entry.as_value(), *self.words, self.object_word):
            m.d.comb += constant.eq(self._kind(len(constant)))
        space_entry, directory_entry, places = self.space_entry, self.directory_entry, self.places
        object_entry = ObjectEntry(Cat(self.object_word, C(0, 64)))
        page, offset = self.index >> 7, self.index & (SLOTS_PER_PAGE - 1)
        number, slot_place = Signal(31), Signal(64)
        m.d.comb += [
            self.slot.as_value().eq(Cat(*self.words)),
            number.eq(directory_entry.page * SLOTS_PER_PAGE + offset),
            slot_place.eq(SLOT_BASE + number * SLOT_BYTES),
            places["space"].eq(SPACE_BASE + self.space * SPACE_ENTRY_BYTES),
            places["directory"].eq(space_entry.directory * PAGE_BYTES + page * DIRECTORY_ENTRY_BYTES),
            *(places[f"word{word}"].eq(slot_place + 8 * word) for word in range(3)),
            places["object"].eq(OBJECT_BASE + self.slot.object_id * OBJECT_ENTRY_BYTES),
        ]
        # Tables do not overlap.
        for one, other in combinations(places.values(), 2):
            m.d.comb += Assume(one != other)
        contents = (space_entry.as_value(), directory_entry.as_value(), *self.words, self.object_word)
        for place, content in zip(places.values(), contents, strict=True):
            with m.If(self.address == place):
                m.d.comb += [self.known.eq(1), self.word.eq(content)]

        def readable(address):
            low, size = self._config.memory_base, self._config.memory_bytes
            return (address >= low) & (address < low + size)

        def end(table, flag):
            """The walk ends before this table."""
            tables = list(self.past)
            m.d.comb += [flag.eq(1), *(self.past[later].eq(1) for later in tables[tables.index(table):])]

        with m.If(self.space >= self.counts["space_count"]):
            end("space", self.outside)
        with m.Elif(~readable(places["space"])):
            end("space", self.error)
        with m.Elif(~space_entry.valid | (page >= space_entry.pages)):
            end("directory", self.outside)
        with m.Elif(~readable(places["directory"])):
            end("directory", self.error)
        with m.Elif(~directory_entry.valid):
            end("slot", self.outside)
        with m.Elif((number >= self.counts["slot_count"]) | ~readable(slot_place)):
            end("slot", self.error)
        with m.Elif(self.slot.valid):
            m.d.comb += [
                self.valid.eq(1),
                self.object_error.eq((self.slot.object_id >= self.counts["object_count"])
                                     | ~readable(places["object"])),
                self.live.eq(object_entry.live & (object_entry.generation == self.slot.generation)),
            ]
        return m
