"""Table walker: reads a capability slot out of the kernel's tables (DESIGN 5), as a page-table walker does.

Space table entry, directory entry, slot words, object entry. Every index is compared with its bound and every
address with the memory range before the bus sees it. A slot is read valid word first and last; when that word
changed meanwhile, the walk starts again. `restart` makes it forget what it has read so far. A walk that reaches a slot
takes the same time whether or not the tag fits.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..abi import (
    OBJECT_ENTRY_BYTES,
    PAGE_BYTES,
    SLOT_BYTES,
    SLOTS_PER_PAGE,
    SPACE_ENTRY_BYTES,
    DirectoryEntry,
    ObjectEntry,
    Slot,
    SpaceEntry,
)
from ..bus import wishbone
from ..mapping import SEPARATE
from .lookaside import SlotContent, SlotKey

__all__ = ["TableRegisters", "WalkResult", "Walker"]


class TableRegisters(data.Struct):
    """Where the kernel's tables lie: physical bases in bytes, counts in entries (the slot table's in slots)."""

    space_base: 32
    space_count: 32
    slot_base: 32
    slot_count: 32
    object_base: 32
    object_count: 32


class WalkResult(data.Struct):
    """What a walk found."""

    #: The tables could not be followed to the slot: bus error, timeout, tables that contradict themselves.
    error: 1
    #: The space has no such slot.
    outside: 1
    #: The slot holds a capability.
    valid: 1
    #: It does, but names an object that cannot be read.
    object_error: 1
    #: The object is alive and the token's generation is the object's.
    live: 1
    content: SlotContent


class Walker(wiring.Component):
    """The walker.

    Parameters
    ----------
    config : CapabilityUnitConfig
    planted : callable
        Value that says whether a fault, given by its name, is planted.

    Attributes
    ----------
    enable : In(1)
        Low: a walk ends in an error.
    tables : In(TableRegisters)
    start, key
        Walk to the slot `key`, when `idle`. The key stays until the end of the walk; the first read goes out in the
        next cycle.
    restart : In(1)
        The walk in flight, if any, begins again, and a result offered in this cycle is withdrawn.
    valid, ready, result
        The result, held until taken.
    object_known, object_id
        The walk has read which object the slot names.
    stuck : Out(1)
        A bus cycle outlived its walk: no walk can start until the bus ends it.
    """

    idle: Out(1)
    start: In(1)
    key: In(SlotKey)
    enable: In(1)
    tables: In(TableRegisters)
    restart: In(1)
    valid: Out(1)
    ready: In(1)
    result: Out(WalkResult)
    object_known: Out(1)
    object_id: Out(32)
    stuck: Out(1)
    bus: Out(wishbone.system_signature())

    def __init__(self, config, planted):
        self._config = config
        self._planted = planted
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        config, planted, tables, bus = self._config, self._planted, self.tables, self.bus

        # The word read last; bodies of the slot; its word with the valid bit as first read.
        word = Signal(64)
        bodies = Signal(128)
        valid_word = Signal(64)
        slot = Slot(Cat(bodies, valid_word, C(0, 64)))
        part = Signal(2)

        error, outside, valid, object_error = Signal(), Signal(), Signal(), Signal()
        restart, pending_restart = Signal(), Signal()
        cycles = Signal(range(config.max_walk_cycles + 1))
        expired = Signal()
        bus_ends = Signal()
        m.d.comb += [
            restart.eq((self.restart | pending_restart) & ~planted("keep_walk")),
            expired.eq(cycles == config.max_walk_cycles),
            bus.stb.eq(bus.cyc),
            bus.sel.eq(~0),
            bus_ends.eq(bus.cyc & (bus.ack | bus.err)),
        ]
        with m.If(bus_ends):
            m.d.sync += bus.cyc.eq(0)

        space_entry = SpaceEntry(word)
        directory_entry = DirectoryEntry(word)
        object_entry = ObjectEntry(Cat(word, C(0, 64)))
        page = self.key.index[exact_log2(SLOTS_PER_PAGE):]
        number = Cat(self.key.index[:exact_log2(SLOTS_PER_PAGE)], directory_entry.page)
        m.d.comb += [
            self.result.error.eq(error | ~self.enable),
            self.result.outside.eq(outside),
            self.result.valid.eq(valid | planted("drop_valid")),
            self.result.object_error.eq(object_error),
            self.result.live.eq(object_entry.live & ((object_entry.generation == slot.generation)
                                                     | planted("drop_generation"))),
            self.result.content.tag.eq(slot.tag),
            self.result.content.cap_type.eq(slot.cap_type),
            self.result.content.rights.eq(slot.rights),
            self.result.content.object_id.eq(slot.object_id),
            self.result.content.badge.eq(slot.badge),
            self.object_id.eq(slot.object_id),
        ]

        # Where a read would go in this state; only whether it does is known later. Above the memory range nothing is
        # read: a sum that is too large is refused and does not wrap.
        base, offset = Signal(32), Signal(64)
        reach = 32 + exact_log2(max(SPACE_ENTRY_BYTES, SLOT_BYTES, OBJECT_ENTRY_BYTES))
        address = Signal(reach + 1)
        in_memory = Signal()
        inside = exact_log2(config.memory_bytes)
        m.d.comb += [
            address.eq(base + offset[:reach]),
            in_memory.eq((address[inside:] == config.memory_base >> inside) & (offset[reach:] == 0)),
        ]

        def within(index, count):
            return (index < count) | planted("drop_bounds")

        def aim(at, further):
            """What the state would read."""
            m.d.comb += [base.eq(at), offset.eq(further)]
            # A transfer that outlived its walk is left alone.
            with m.If(~bus.cyc):
                m.d.sync += bus.adr.eq(address >> 3)

        def read(flag, following):
            with m.If(in_memory):
                m.d.sync += bus.cyc.eq(1)
                m.next = following
            with m.Else():
                refuse(flag)

        def refuse(flag):
            m.d.sync += flag.eq(1)
            m.next = "FINISH"

        def data(flag, following):
            """Wait for the word. A restart waits for the end of the bus cycle."""
            with m.If(bus_ends):
                m.d.sync += word.eq(bus.dat_r)
                with m.If(restart):
                    m.next = "BEGIN"
                with m.Elif(bus.err):
                    refuse(flag)
                with m.Else():
                    following()
            with m.Else():
                m.d.sync += pending_restart.eq(restart)
                with m.If(expired):
                    refuse(error)

        def go(state):
            def following():
                m.next = state
            return following

        with m.If(~expired):
            m.d.sync += cycles.eq(cycles + 1)
        with m.FSM() as fsm:
            # That a walk starts is known late, what follows is known before.
            in_count, opens = Signal(), Signal(attrs=SEPARATE)
            m.d.comb += [in_count.eq(within(self.key.space, tables.space_count)),
                         opens.eq(self.enable & in_count & in_memory)]

            def begin(now):
                aim(tables.space_base, self.key.space << exact_log2(SPACE_ENTRY_BYTES))
                m.d.sync += [
                    error.eq(~self.enable | (in_count & ~in_memory)), outside.eq(~in_count),
                    valid.eq(0), object_error.eq(0), pending_restart.eq(0),
                ]
                with m.If(now & opens):
                    m.d.sync += bus.cyc.eq(1)
                    m.next = "SPACE_DATA"
                with m.Elif(now):
                    m.next = "FINISH"

            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(~bus.cyc), self.stuck.eq(bus.cyc)]
                m.d.sync += cycles.eq(0)
                begin(self.start)
            with m.State("BEGIN"):
                begin(~expired)
                with m.If(expired):
                    refuse(error)
            with m.State("SPACE_DATA"):
                data(error, go("DIRECTORY"))
            with m.State("DIRECTORY"):
                aim(0, Cat(C(0, 3), page, C(0, exact_log2(PAGE_BYTES) - 3 - len(page)), space_entry.directory))
                with m.If(restart):
                    m.next = "BEGIN"
                with m.Elif(~space_entry.valid | ~within(page, space_entry.pages)):
                    refuse(outside)
                with m.Else():
                    read(error, "DIRECTORY_DATA")
            with m.State("DIRECTORY_DATA"):
                data(error, go("SLOT"))
            with m.State("SLOT"):
                aim(tables.slot_base, number << exact_log2(SLOT_BYTES))
                m.d.sync += [part.eq(0), bus.adr[:2].eq(2)]
                with m.If(restart):
                    m.next = "BEGIN"
                with m.Elif(~directory_entry.valid):
                    refuse(outside)
                with m.Elif(~within(number, tables.slot_count)):
                    refuse(error)
                with m.Else():
                    read(error, "SLOT_DATA")
            with m.State("SLOT_DATA"):
                # Words 2, 0, 1, 2 back to back.
                def slot_word():
                    m.d.sync += part.eq(part + 1)
                    with m.Switch(part):
                        with m.Case(0):
                            m.d.sync += [valid_word.eq(bus.dat_r), bus.cyc.eq(1), bus.adr[:2].eq(0)]
                        with m.Case(1):
                            m.d.sync += [bodies[:64].eq(bus.dat_r), bus.cyc.eq(1), bus.adr[:2].eq(1)]
                        with m.Case(2):
                            m.d.sync += [bodies[64:].eq(bus.dat_r), bus.cyc.eq(1), bus.adr[:2].eq(2)]
                        with m.Case(3):
                            m.next = "OBJECT"
                data(error, slot_word)
            with m.State("OBJECT"):
                aim(tables.object_base, slot.object_id << exact_log2(OBJECT_ENTRY_BYTES))
                m.d.sync += valid.eq(slot.valid)
                with m.If(restart | ((word != valid_word) & ~planted("skip_reread"))):
                    m.next = "BEGIN"
                with m.Elif(~slot.valid & ~planted("drop_valid")):
                    m.next = "FINISH"
                with m.Elif(~within(slot.object_id, tables.object_count)):
                    refuse(object_error)
                with m.Else():
                    read(object_error, "OBJECT_DATA")
            with m.State("OBJECT_DATA"):
                m.d.comb += self.object_known.eq(1)
                data(object_error, go("FINISH"))
            with m.State("FINISH"):
                m.d.comb += [self.object_known.eq(valid), self.valid.eq(~restart)]
                with m.If(restart):
                    m.next = "BEGIN"
                with m.Elif(self.ready):
                    m.next = "IDLE"
            # For the proof's invariants.
            self._inside = SimpleNamespace(
                state={state: fsm.ongoing(state) for state in list(fsm.encoding)}, word=word, bodies=bodies,
                valid_word=valid_word, part=part, error=error, outside=outside, valid=valid,
                object_error=object_error, pending_restart=pending_restart, expired=expired)
        return m
