"""Revocation engine: kills all descendants of a capability in the derivation tree in memory (DESIGN 5).

It goes down to a leaf, empties it, and goes on to its next sibling or, when there is none, up to its parent, so that
children go before their parents and nothing has to be remembered but where it stands. Who holds the kernel's lock
keeps others from changing the tree during a run.

Between siblings it saves the trouble of making each the first child in memory (`loose`): this is made good before it
goes down into one and before it stops, so that the tree is whole whenever software may look, unless the bus or a low
`enable` ended the run. Each link is compared with the table, and each slot with the link that led to it; a chain of
parents that is right can come back to no slot but the root, which is compared too, and a sibling is looked at after its
predecessor was emptied. So any tree has an end.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..abi import SLOT_BYTES, RevokeState, Slot
from ..bus import wishbone
from .engine import InvalidatePort
from .lookaside import InvalidateKind
from .walker import TableRegisters

__all__ = ["SLOT_BITS", "RevokeStart", "StartPort", "Revoker"]

_SHAPE = Slot.as_shape()
#: Bits of a slot number, as links hold it.
SLOT_BITS = _SHAPE["parent"].width
_WORD_BYTES = 8
_WORDS = SLOT_BYTES // _WORD_BYTES


def _word(name):
    """Number of the word that holds a field of the slot."""
    return _SHAPE[name].offset // 64


def _lanes(*names):
    """Byte lanes, within their word, of fields that fill whole bytes together."""
    lanes = 0
    for name in names:
        first, width = _SHAPE[name].offset % 64, _SHAPE[name].width
        for byte in range(first // 8, (first + width - 1) // 8 + 1):
            lanes |= 1 << byte
    return lanes


def _placed(**fields):
    """A word with these fields of the slot, which all lie in it; the rest is 0."""
    word = C(0, 64)
    for name, value in fields.items():
        word = word | (Value.cast(value)[:_SHAPE[name].width] << _SHAPE[name].offset % 64)
    return word[:64]


class RevokeStart(data.Struct):
    """What to begin: the descendants of slot `root`, at most `limit` of them (0: all). Root 0: nothing."""

    root: SLOT_BITS
    limit: 32


class StartPort(wiring.Signature):
    """Asking for a run, seen from who asks: `valid` for a cycle, in which `accepted` says whether it begins."""

    def __init__(self):
        super().__init__({"valid": Out(1), "request": Out(RevokeStart), "stop": Out(1), "accepted": In(1)})


class Revoker(wiring.Component):
    """The revocation engine.

    Parameters
    ----------
    config : CapabilityUnitConfig
    planted : callable
        Value that says whether a fault, given by its name, is planted.
    starters : int
        How many may begin a run.

    Attributes
    ----------
    enable, tables
        As the walker's. A run in which `enable` was low, be it for a cycle, ends at its next slot.
    starts : array of StartPort
        Instruction front, window (of each hart); the first that asks goes before the others.
    walking : In(1)
        A check's walk is under way: the engine lets it have the bus, for `patience` cycles at a time.
    state, revoked, at
        How the run stands; slots emptied; the slot where it is, or where it ended.
    dead : Out
        First of the slots that were emptied and not taken back.
    dead_valid, dead_value
        Software writes it, which counts between runs only.
    killed : Out(1)
        To count: a slot was emptied.
    invalidate : Out(InvalidatePort)
    bus : Out(wishbone)
        Bus master of its own.
    """

    def __init__(self, config, planted, starters=2):
        self._config = config
        self._planted = planted
        super().__init__({
            "enable": In(1),
            "tables": In(TableRegisters),
            "starts": In(StartPort()).array(starters),
            "walking": In(1),
            "state": Out(RevokeState),
            "revoked": Out(32),
            "at": Out(SLOT_BITS),
            "dead": Out(SLOT_BITS),
            "dead_valid": In(1),
            "dead_value": In(SLOT_BITS),
            "killed": Out(1),
            "invalidate": Out(InvalidatePort()),
            "bus": Out(wishbone.system_signature()),
        })

    def elaborate(self, platform):
        m = Module()
        config, planted, tables, bus = self._config, self._planted, self.tables, self.bus
        root, parent = Signal(SLOT_BITS), Signal(SLOT_BITS)
        #: The sibling in front of `at`, which has just been emptied; 0: none was.
        before = Signal(SLOT_BITS)
        limit = Signal(32)
        #: Object of the root, of which all descendants are; `mixed`: some of another were emptied.
        object_id, mixed = Signal(32), Signal()
        #: The run has just begun; `at` is the root; `at` was reached from its last child; its parent's first child
        #: is not yet `at`.
        first, is_root, ascending, loose = Signal(), Signal(), Signal(), Signal()
        #: A store that empties a slot was begun; a transfer has ended after its run.
        touched, late = Signal(), Signal()
        #: The unit was off, or its tables moved, in this run: perhaps for less than a transfer takes.
        lost = Signal()
        stopping = Signal()
        outcome = Signal(RevokeState)
        words = Signal(data.ArrayLayout(64, _WORDS))
        slot = Slot(words.as_value())
        beat = Signal(range(_WORDS))
        cycles = Signal(range(config.max_walk_cycles + 1))
        waited = Signal(range(config.patience + 1))
        idle, over = Signal(), Signal()

        # -- Beginning and stopping.
        stop = Cat(port.stop for port in self.starts).any()
        chosen = Signal(RevokeStart)
        first_request = self.starts[-1].request.as_value()
        for port in reversed(list(self.starts)[:-1]):
            first_request = Mux(port.valid, port.request.as_value(), first_request)
        m.d.comb += chosen.eq(first_request)
        begins = Signal()
        for index, port in enumerate(self.starts):
            earlier = Cat(other.valid for other in list(self.starts)[:index]).any() if index else 0
            m.d.comb += port.accepted.eq(port.valid & (port.request.root != 0) & idle & ~bus.cyc & ~late & ~earlier)
        m.d.comb += begins.eq(Cat(port.accepted for port in self.starts).any())
        with m.If(stop & ~planted("ignore_stop")):
            m.d.sync += stopping.eq(1)
        with m.If(self.dead_valid & idle):
            m.d.sync += self.dead.eq(self.dead_value)

        # -- Addresses: of the slot where it stands, or of that slot's parent.
        of_parent = Signal()
        number = Mux(of_parent, parent, self.at)
        address = Signal(64)
        inside = Signal()
        m.d.comb += [
            address.eq(tables.slot_base + (number << exact_log2(SLOT_BYTES))),
            inside.eq(((number < tables.slot_count) & ((address & ~(config.memory_bytes - 1)) == config.memory_base))
                      | planted("drop_links")),
        ]

        # -- Transfers.
        ends, expired = Signal(), Signal()
        m.d.comb += [bus.stb.eq(bus.cyc), ends.eq(bus.cyc & (bus.ack | bus.err)),
                     expired.eq(cycles == config.max_walk_cycles)]

        def release():
            m.d.sync += [bus.cyc.eq(0), bus.we.eq(0), bus.cti.eq(wishbone.CycleType.CLASSIC)]

        def write(following, lanes, *, place=None, **fields):
            """A store to fields of one word of the slot that the bus has last been at, or that lies at `place`."""
            m.d.sync += [bus.cyc.eq(1), bus.we.eq(1), bus.cti.eq(wishbone.CycleType.CLASSIC), cycles.eq(0),
                         bus.adr[:exact_log2(_WORDS)].eq(_word(next(iter(fields)))), bus.sel.eq(lanes),
                         bus.dat_w.eq(_placed(**fields))]
            if place is not None:
                m.d.sync += bus.adr[exact_log2(_WORDS):].eq(place >> exact_log2(SLOT_BYTES))
            m.next = following

        def wait(following):
            """Wait for the end of a transfer; errors end the run."""
            with m.If(ends):
                with m.If(bus.err & ~planted("drop_bus_error")):
                    release()
                    m.d.sync += outcome.eq(RevokeState.BUS_ERROR)
                    m.next = "SETTLE"
                with m.Else():
                    following()
            with m.Elif(expired):
                m.d.sync += outcome.eq(RevokeState.TIMEOUT)
                m.next = "SETTLE"

        def fail(state):
            """The tree is not one: leave it as whole as it can be."""
            m.d.sync += outcome.eq(state)
            with m.If(loose):
                m.next = "TIE"
            with m.Else():
                m.next = "SETTLE"

        def move(target, *, up=0):
            """Go to another slot."""
            m.d.sync += [self.at.eq(target), ascending.eq(up), loose.eq(0)]
            m.next = "ADDRESS"

        first_child_lanes = _lanes("first_child", "mark")
        leaf = (slot.first_child == 0) | ascending
        sound = Signal()
        m.d.comb += sound.eq((slot.valid | planted("drop_slot_valid")) & (is_root | (
            ((slot.parent == parent) | ascending | planted("drop_parent")) & (slot.previous == before))))
        full = (limit != 0) & (self.revoked == limit)
        tag = Signal(16)
        m.d.comb += tag.eq(slot.tag + ~planted("keep_tag"))

        with m.If(~self.enable):
            m.d.sync += lost.eq(1)
        # A transfer that outlived its run ends some time, and may have emptied a slot.
        with m.If(ends & over):
            release()
            m.d.sync += late.eq(~planted("drop_late"))
        with m.If(~expired):
            m.d.sync += cycles.eq(cycles + 1)
        with m.FSM() as fsm:
            with m.State("IDLE"):
                m.d.comb += [idle.eq(1), over.eq(1)]
                with m.If(late):
                    m.d.sync += late.eq(0)
                    m.next = "SETTLE"
                with m.If(begins):
                    m.d.sync += [
                        outcome.eq(RevokeState.RUNNING),
                        root.eq(chosen.root), self.at.eq(chosen.root), limit.eq(chosen.limit),
                        self.revoked.eq(0), before.eq(0), first.eq(1), ascending.eq(0), loose.eq(0), mixed.eq(0),
                        touched.eq(0), lost.eq(0), stopping.eq(0), waited.eq(0), self.state.eq(RevokeState.RUNNING),
                    ]
                    m.next = "ADDRESS"
            with m.State("ADDRESS"):
                m.d.sync += [
                    is_root.eq(self.at == root), beat.eq(0), cycles.eq(0),
                    # Where a read would go; only whether it does is known later.
                    bus.adr.eq(address >> exact_log2(_WORD_BYTES)), bus.sel.eq(~0),
                    bus.cti.eq(wishbone.CycleType.INCR_BURST),
                ]
                with m.If(~self.enable | lost):
                    m.d.sync += outcome.eq(RevokeState.DISABLED)
                    m.next = "SETTLE"
                with m.Elif(self.walking & (waited != config.patience)):
                    m.d.sync += waited.eq(waited + 1)
                with m.Elif((self.at == root) & ~first & ~ascending & ~planted("drop_cycle")):
                    fail(RevokeState.BAD_TREE)
                with m.Elif(~inside):
                    fail(Mux(first, RevokeState.BAD_ROOT, RevokeState.OUTSIDE))
                with m.Else():
                    m.d.sync += [waited.eq(0), bus.cyc.eq(1)]
                    m.next = "READ"
            with m.State("READ"):
                def taken():
                    m.d.sync += [words[beat].eq(bus.dat_r), beat.eq(beat + 1), cycles.eq(0),
                                 bus.adr[:exact_log2(_WORDS)].eq(beat + 1)]
                    with m.If(beat == _WORDS - 2):
                        m.d.sync += bus.cti.eq(wishbone.CycleType.END_OF_BURST)
                    with m.If(beat == _WORDS - 1):
                        release()
                        m.next = "DECIDE"
                wait(taken)
            with m.State("DECIDE"):
                m.d.sync += first.eq(0)
                with m.If(first):
                    m.d.sync += object_id.eq(slot.object_id)
                with m.If(ascending):
                    m.d.sync += parent.eq(slot.parent)
                with m.If(~sound):
                    fail(Mux(first, RevokeState.BAD_ROOT, RevokeState.BAD_TREE))
                with m.Elif(is_root & leaf):
                    m.d.sync += outcome.eq(RevokeState.DONE)
                    with m.If(slot.mark | (slot.first_child != 0)):
                        write("CLOSE", first_child_lanes, first_child=0, mark=0)
                    with m.Else():
                        m.next = "SETTLE"
                with m.Elif(stopping | (leaf & full)):
                    m.d.sync += outcome.eq(RevokeState.STOPPED)
                    with m.If(loose):
                        write("LOOSEN", _lanes("previous", "flag0"), previous=0, flag0=slot.flag0)
                    with m.Elif(ascending):
                        write("CLOSE", first_child_lanes, first_child=0, mark=1)
                    with m.Else():
                        m.next = "SETTLE"
                with m.Elif(leaf):
                    stranger = (slot.object_id != object_id) & ~planted("drop_mixed")
                    m.d.sync += [touched.eq(1), mixed.eq(mixed | stranger)]
                    write("KILL", ~0, parent=self.dead, valid=planted("keep_valid"), first_child=0, mark=1)
                with m.Elif(loose):
                    write("LOOSEN", _lanes("previous", "flag0"), previous=0, flag0=slot.flag0)
                with m.Else():
                    write("MARK", first_child_lanes, first_child=slot.first_child, mark=~planted("skip_mark"))
            with m.State("KILL"):
                def emptied():
                    m.d.comb += self.killed.eq(1)
                    m.d.sync += [self.dead.eq(self.at), self.revoked.eq(self.revoked + 1)]
                    write("TAG", _lanes("tag"), tag=Mux(tag == 0, 1, tag))
                wait(emptied)
            with m.State("TAG"):
                def gone():
                    release()
                    m.d.sync += before.eq(self.at)
                    with m.If((slot.next != 0) & ~planted("skip_siblings")):
                        move(slot.next)
                        m.d.sync += loose.eq(1)
                    with m.Else():
                        move(parent, up=1)
                        m.d.sync += before.eq(0)
                wait(gone)
            with m.State("LOOSEN"):
                def loosened():
                    release()
                    m.next = "TIE"
                wait(loosened)
            with m.State("TIE"):
                # The parent is on the path, so it has the mark.
                m.d.comb += of_parent.eq(1)
                with m.If(~self.enable | lost):
                    m.d.sync += outcome.eq(RevokeState.DISABLED)
                    m.next = "SETTLE"
                with m.Else():
                    write("TIED", first_child_lanes, place=address, first_child=self.at, mark=1)
            with m.State("TIED"):
                def tied():
                    release()
                    m.d.sync += loose.eq(0)
                    with m.If(outcome == RevokeState.RUNNING):
                        # Read again rather than kept: only who has children and elder siblings pays for it.
                        m.d.sync += before.eq(0)
                        m.next = "ADDRESS"
                    with m.Else():
                        m.next = "SETTLE"
                wait(tied)
            with m.State("MARK"):
                def marked():
                    release()
                    move(slot.first_child)
                    m.d.sync += [parent.eq(self.at), before.eq(0)]
                wait(marked)
            with m.State("CLOSE"):
                def closed():
                    release()
                    m.next = "SETTLE"
                wait(closed)
            with m.State("SETTLE"):
                # Nothing that was emptied may be remembered when somebody reads that the run is over.
                m.d.comb += over.eq(1)
                with m.If(planted("early_done")):
                    m.d.sync += self.state.eq(outcome)
                with m.If(~touched | planted("skip_settle")):
                    m.d.sync += self.state.eq(outcome)
                    m.next = "IDLE"
                with m.Else():
                    m.d.comb += self.invalidate.valid.eq(1)
                    with m.If(self.invalidate.start):
                        m.next = "SETTLING"
            with m.State("SETTLING"):
                m.d.comb += over.eq(1)
                with m.If(self.invalidate.done):
                    # A unit of another hart may still remember what was emptied.
                    m.d.sync += self.state.eq(Mux(self.invalidate.failed, RevokeState.TIMEOUT, outcome))
                    m.next = "IDLE"
            # For proofs.
            self._inside = SimpleNamespace(state={state: fsm.ongoing(state) for state in list(fsm.encoding)})
        m.d.comb += [
            # All of a derivation tree name one object; where that is not so, everything goes.
            self.invalidate.request.kind.eq(Mux(mixed, InvalidateKind.ALL, InvalidateKind.OBJECT)),
            self.invalidate.request.name.eq(object_id),
        ]
        return m
