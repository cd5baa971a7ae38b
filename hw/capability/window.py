"""Register window of the capability unit: table registers, commands for masters without our instructions, statistics.

A command is an instruction written by hand: operands first, then the command, then poll `status.busy`; the verdicts
are the instructions' own. The store of a command is acknowledged at once and never waits for the lookup.
"""

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..abi import INSTRUCTIONS, Answer, RevokeAnswer, RevokeState, Verdict
from ..bus.bridge import Bridge
from ..bus.field import RW, RW1C, External, R, Reserved, W
from ..bus.register import Field, Register, RegisterBank
from .command import Command, Operation, ask_to_revoke, decode, meaning, narrowed
from .engine import InvalidatePort, LookupPort
from .lookaside import InvalidateKind, LineFlip, place_of
from .requester import AnswerEvent
from .revoker import SLOT_BITS, StartPort
from .walker import TableRegisters

__all__ = ["ADDRESS_BITS", "UNIT_VERSION", "WindowCommand", "Window"]

#: The window spans 4 KiB.
ADDRESS_BITS = 12
UNIT_VERSION = 3

_PRIVILEGED = {instruction.name: instruction.funct3 for instruction in INSTRUCTIONS
               if instruction.name.startswith("cap.") and not instruction.user}


class WindowCommand(enum.Enum, shape=4):
    """What can be written to `command`: the funct3 of an instruction, or more."""

    OBJECT = _PRIVILEGED["cap.object"]
    BADGE = _PRIVILEGED["cap.badge"]
    INSTALL = _PRIVILEGED["cap.install"]
    INVALIDATE_SLOT = _PRIVILEGED["cap.inv.slot"]
    INVALIDATE_SPACE = _PRIVILEGED["cap.inv.space"]
    INVALIDATE_OBJECT = _PRIVILEGED["cap.inv.object"]
    SELECT = _PRIVILEGED["cap.space"]
    REVOKE = _PRIVILEGED["cap.revoke"]
    #: Forget everything.
    INVALIDATE_ALL = 8


class Window(wiring.Component):
    """The window.

    Parameters
    ----------
    config : CapabilityUnitConfig

    Attributes
    ----------
    bus : In(wishbone)
        Target; its memory map lists the registers.
    enable, tables
        To the engine. Writing any of them makes the unit forget everything, and nothing is decided until it has.
    lookup, invalidate
        Towards the engine.
    selected, select_valid, select_space
        Of the instruction front.
    clearing : In(1)
    events : array of AnswerEvent
        Of the other requesters.
    invalidated, restarted : In(1)
        To count.
    own : Out(1)
        Only with several harts: the invalidate asked for is about this unit alone, as its tables have moved.
    hart, late, remote, unanswered
        Only with several harts: number of this unit; which units have not forgotten in time what they were told; to
        count: an invalidate of another hart is done, one of this hart has failed.
    thrown_out : In(ways)
        To count, each bit.
    flip_valid, flip, flip_done
        Only with `config.error_injection`: of the lookaside buffer.
    revoke, revoke_answer, progress, revoked_at, dead, dead_valid, dead_value, killed
        Only with `config.revocation`: of the revocation engine.
    """

    class Identity(Register, access="r", width=64):
        """What unit this is."""

        version: Field(R, 16, description="version of the unit's interface")
        ways: Field(R, 16, description="lines of a set of the lookaside buffer")
        lines: Field(R, 31, description="lines of the lookaside buffer")
        software_revocation: Field(R, 1, description="there is no revocation engine: neither cap.revoke, nor command "
                                                     "REVOKE, nor the registers revocation, revoked_at, dead, revoked")

    class Control(Register, access="rw", width=64):
        """Switches."""

        enable: Field(RW, 1, description="decide checks; clear: every verdict is UNDECIDED")

    class Status(Register, access="rw", width=64):
        """State of the unit."""

        busy: Field(R, 1, description="a command is under way")
        clearing: Field(R, 1, description="the unit is forgetting everything, and every verdict is UNDECIDED")
        dropped: Field(RW1C, 1, description="a command came while another was under way, or was unknown, "
                                            "and was dropped")

    class SpaceBase(Register, access="rw", width=64):
        """Physical address of the space table."""

        zero: Field(Reserved, 3)
        words: Field(RW, 29, description="address in units of 8 bytes")

    class SpaceCount(Register, access="rw", width=64):
        """Size of the space table."""

        count: Field(RW, 32, description="spaces")

    class SlotBase(Register, access="rw", width=64):
        """Physical address of the slot table."""

        zero: Field(Reserved, 5)
        slots: Field(RW, 27, description="address in units of 32 bytes")

    class SlotCount(Register, access="rw", width=64):
        """Size of the slot table."""

        count: Field(RW, 32, description="slots")

    class ObjectBase(Register, access="rw", width=64):
        """Physical address of the object table."""

        zero: Field(Reserved, 4)
        entries: Field(RW, 28, description="address in units of 16 bytes")

    class ObjectCount(Register, access="rw", width=64):
        """Size of the object table."""

        count: Field(RW, 32, description="objects")

    class Selected(Register, access="r", width=64):
        """Capability space that cap.check looks in."""

        space: Field(R, 32, description="space number")

    class Operand(Register, access="rw", width=64):
        """Operand of a command: rs1 or rs2 of the instruction."""

        value: Field(RW, 64, description="operand")

    class CommandRegister(Register, access="w", width=64):
        """Begin a command on the operands."""

        command: Field(W, WindowCommand, description="which")

    class Result(Register, access="r", width=64):
        """What rd of the instruction would hold."""

        value: Field(R, 64, description="result of the last command")

    class Answered(Register, access="r", width=64):
        """Both values of the last check that was OK, zero after a refusal."""

        object_id: Field(R, 32, description="object that the capability names")
        badge: Field(R, 32, description="its badge")

    class Revocation(Register, access="r", width=64):
        """Progress of the revocation engine."""

        state: Field(R, RevokeState, description="RevokeState of the last run")
        zero: Field(Reserved, 24)
        revoked: Field(R, 32, description="slots that this or the last run has emptied")

    class RevokedAt(Register, access="r", width=64):
        """Where the revocation engine is or has ended: with an error, the slot that is wrong."""

        slot: Field(R, SLOT_BITS, description="slot number")

    class Dead(Register, access="rw", width=64):
        """Slots that were emptied and that the kernel has not taken back: a list by their parent links."""

        slot: Field(External, SLOT_BITS, "rw", description="first slot number, 0: none; stores count between runs only")

    class Harts(Register, access="r", width=64):
        """Which of several units this is. A unit alone has no such register."""

        hart: Field(R, 8, description="hart that this unit belongs to")
        harts: Field(R, 8, description="units that stay coherent")
        late: Field(R, 8, description="units that have not forgotten in time what they were told, one bit each; "
                                      "they answer nothing until they have")

    class Flip(Register, access="rw", width=64):
        """Flips one bit of the lookaside buffer, once: for tests, and only in a unit that was built with it."""

        bit: Field(RW, 16, description="number of the bit in its line, from the valid bit up; a store begins")
        way: Field(RW, 16, description="way")
        set: Field(RW, 16, description="set")
        pending: Field(R, 1, description="not yet done")

    class Counter(Register, access="r", width=64):
        """Statistics; wraps."""

        count: Field(R, 32, description="events since reset")

    def __init__(self, config):
        self._config = config
        bank = RegisterBank(addr_width=ADDRESS_BITS)
        self._identity = bank.add("identity", self.Identity(), offset=0)
        self._control = bank.add("control", self.Control())
        self._status = bank.add("status", self.Status())
        self._space_base = bank.add("space_base", self.SpaceBase())
        self._space_count = bank.add("space_count", self.SpaceCount())
        self._slot_base = bank.add("slot_base", self.SlotBase())
        self._slot_count = bank.add("slot_count", self.SlotCount())
        self._object_base = bank.add("object_base", self.ObjectBase())
        self._object_count = bank.add("object_count", self.ObjectCount())
        self._selected = bank.add("selected", self.Selected())
        self._operand1 = bank.add("operand1", self.Operand())
        self._operand2 = bank.add("operand2", self.Operand())
        self._command = bank.add("command", self.CommandRegister())
        self._result = bank.add("result", self.Result())
        self._answered = bank.add("answered", self.Answered())
        if config.revocation:
            self._revocation = bank.add("revocation", self.Revocation(), offset=0x80)
            self._revoked_at = bank.add("revoked_at", self.RevokedAt())
            self._dead = bank.add("dead", self.Dead())
        several = config.harts > 1
        self._harts = bank.add("harts", self.Harts(), offset=0xa0) if several else None
        self._counters = {}
        if config.counters:
            refusals = [f"refused_{verdict.name.lower()}" for verdict in Verdict if verdict != Verdict.OK]
            for offset, name in enumerate(["hits", "misses", *refusals, "invalidations", "restarts", "revoked",
                                           "parity_errors",
                                           *(["remote_invalidations", "unanswered"] if several else [])]):
                if name == "revoked" and not config.revocation:
                    continue
                self._counters[name] = bank.add(name, self.Counter(), offset=0x100 + 8 * offset)
        self._flip = bank.add("flip", self.Flip(), offset=0x200) if config.error_injection else None
        self._bridge = Bridge(bank)
        members = {
            "bus": In(self._bridge.bus.signature.flip()),
            "enable": Out(1),
            "tables": Out(TableRegisters),
            "lookup": Out(LookupPort()),
            "invalidate": Out(InvalidatePort()),
            "selected": In(32),
            "select_valid": Out(1),
            "select_space": Out(32),
            "clearing": In(1),
            "events": In(AnswerEvent).array(2),
            "invalidated": In(1),
            "restarted": In(1),
            "thrown_out": In(config.ways),
        }
        if config.revocation:
            members |= {
                "revoke": Out(StartPort()),
                "revoke_answer": In(RevokeAnswer),
                "progress": In(RevokeAnswer),
                "revoked_at": In(SLOT_BITS),
                "dead": In(SLOT_BITS),
                "dead_valid": Out(1),
                "dead_value": Out(SLOT_BITS),
                "killed": In(1),
            }
        if several:
            members |= {"own": Out(1), "hart": In(8), "late": In(8), "remote": In(1), "unanswered": In(1)}
        if config.error_injection:
            members |= {"flip_valid": Out(1), "flip": Out(LineFlip), "flip_done": In(1)}
        super().__init__(members)
        self.bus.memory_map = bank.memory_map

    def elaborate(self, platform):
        m = Module()
        m.submodules.bridge = self._bridge
        wiring.connect(m, wiring.flipped(self.bus), self._bridge.bus)
        # A transfer begins for the registers in its second cycle: so what was counted in the cycle before the first is
        # in its counter, and who decodes addresses for us has the first cycle for it.
        bus, begun = self._bridge.bus, Signal()
        m.d.sync += begun.eq(self.bus.cyc & self.bus.stb & ~self.bus.ack & ~self.bus.err)
        m.d.comb += bus.stb.eq(self.bus.stb & begun)
        tables, lookup, invalidate = self.tables, self.lookup, self.invalidate

        # Table registers. What was cached under other tables is worth nothing: forget it all before deciding again.
        table_fields = [self._space_base.f.words, self._space_count.f.count, self._slot_base.f.slots,
                        self._slot_count.f.count, self._object_base.f.entries, self._object_count.f.count]
        m.d.comb += [
            tables.space_base.eq(self._space_base.f.words.data << 3),
            tables.space_count.eq(self._space_count.f.count.data),
            tables.slot_base.eq(self._slot_base.f.slots.data << 5),
            tables.slot_count.eq(self._slot_count.f.count.data),
            tables.object_base.eq(self._object_base.f.entries.data << 4),
            tables.object_count.eq(self._object_count.f.count.data),
        ]
        changed, dirty, forget_all = Signal(), Signal(), Signal()
        m.d.comb += [
            changed.eq(Cat(field.w_stb for field in [self._control.f.enable, *table_fields]).any()),
            self.enable.eq(self._control.f.enable.data & ~changed & ~dirty & ~forget_all),
        ]
        with m.If(changed):
            m.d.sync += dirty.eq(1)

        # Commands.
        # A command begins in the cycle after its store has reached the register.
        wanted, asked = Signal(WindowCommand), Signal()
        operand1, operand2 = self._operand1.f.value.data, self._operand2.f.value.data
        command, known = Signal(Command), Signal()
        kept = Signal(Command)
        m.d.sync += [wanted.eq(self._command.f.command.w_data), asked.eq(self._command.f.command.w_stb)]
        with m.Switch(wanted):
            for name, funct3 in _PRIVILEGED.items():
                if name not in meaning(self._config.revocation):
                    continue
                with m.Case(funct3):
                    m.d.comb += known.eq(1)
                    decode(m, command, name=name)
            with m.Case(WindowCommand.INVALIDATE_ALL):
                m.d.comb += [known.eq(1), command.operation.eq(Operation.INVALIDATE),
                             command.kind.eq(InvalidateKind.ALL)]
        begin = Signal()
        busy = Signal()
        result = Signal(64)
        last = lookup.last
        #: Both values of the last check; whether it took a walk.
        answered, walked = Signal(64), Signal()
        m.d.comb += [
            command.operand.eq(operand1),
            command.space.eq(narrowed(operand2)),
            begin.eq(asked & known & ~busy),
            self._status.f.dropped.set.eq(asked & ~begin),
            lookup.request.query.eq(kept.operand),
            lookup.request.space.eq(kept.space),
            lookup.place.eq(place_of(kept.operand.handle, kept.space)),
            lookup.walk.eq(1),
            invalidate.request.kind.eq(Mux(forget_all, InvalidateKind.ALL, kept.kind)),
            invalidate.request.space.eq(kept.space),
            invalidate.request.name.eq(kept.operand.handle),
            self.select_space.eq(narrowed(operand1)),
        ]
        with m.If(~busy):
            m.d.sync += kept.eq(command)
        answer, event, failure = Signal(Answer), Signal(AnswerEvent), Signal(Answer)
        m.d.comb += [
            failure.verdict.eq(Verdict.UNDECIDED),
            answer.verdict.eq(last.verdict),
            answer.value.eq(Mux(kept.operation == Operation.OBJECT, last.object_id, last.badge)),
            event.walked.eq(walked),
            event.verdict.eq(last.verdict),
        ]
        with m.FSM() as fsm:
            with m.State("IDLE"):
                with m.If(dirty):
                    m.d.sync += forget_all.eq(1)
                    m.next = "INVALIDATE"
                with m.Elif(begin):
                    with m.Switch(command.operation):
                        with m.Case(Operation.INVALIDATE):
                            m.next = "INVALIDATE"
                        with m.Case(Operation.SELECT):
                            m.d.comb += self.select_valid.eq(1)
                            m.d.sync += result.eq(self.selected)
                        if self._config.revocation:
                            with m.Case(Operation.REVOKE):
                                m.d.sync += result.eq(self.revoke_answer)
                        with m.Default():
                            m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += lookup.valid.eq(1)
                m.d.sync += walked.eq(0)
                with m.If(lookup.grant):
                    m.next = "LOOK"
            with m.State("LOOK"):
                with m.If(lookup.known):
                    m.next = "ANSWER"
                with m.Elif(lookup.again):
                    m.next = "ASK"
                with m.Else():
                    m.next = "WALK"
            with m.State("WALK"):
                m.d.sync += walked.eq(1)
                with m.If(lookup.walked):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                with m.If(kept.operation == Operation.INSTALL):
                    m.d.sync += [answered.eq(0), result.eq(0)]
                with m.Else():
                    m.d.comb += event.valid.eq(1)
                    m.d.sync += [answered.eq(Cat(last.object_id, last.badge)), result.eq(answer)]
                m.next = "IDLE"
            with m.State("INVALIDATE"):
                m.d.comb += invalidate.valid.eq(1)
                with m.If(invalidate.start):
                    with m.If(forget_all):
                        m.d.sync += dirty.eq(changed)
                    m.next = "INVALIDATING"
            with m.State("INVALIDATING"):
                with m.If(invalidate.done):
                    m.d.sync += forget_all.eq(0)
                    with m.If(~forget_all):
                        m.d.sync += result.eq(Mux(invalidate.failed, failure, 0))
                    m.next = "IDLE"
        if self._config.revocation:
            ask_to_revoke(m, self.revoke, command,
                          fsm.ongoing("IDLE") & ~dirty & begin & (command.operation == Operation.REVOKE))
        m.d.comb += busy.eq(~fsm.ongoing("IDLE") | dirty | changed)

        m.d.comb += [
            self._identity.f.version.r_data.eq(UNIT_VERSION),
            self._identity.f.ways.r_data.eq(self._config.ways),
            self._identity.f.lines.r_data.eq(self._config.lines),
            self._identity.f.software_revocation.r_data.eq(not self._config.revocation),
            self._status.f.busy.r_data.eq(busy | asked),
            self._status.f.clearing.r_data.eq(self.clearing | changed | dirty | forget_all),
            self._selected.f.space.r_data.eq(self.selected),
            self._result.f.value.r_data.eq(result),
            self._answered.f.object_id.r_data.eq(answered[:32]),
            self._answered.f.badge.r_data.eq(answered[32:]),
        ]
        if self._config.revocation:
            m.d.comb += [
                self._revocation.f.state.r_data.eq(self.progress.state),
                self._revocation.f.revoked.r_data.eq(self.progress.revoked),
                self._revoked_at.f.slot.r_data.eq(self.revoked_at),
                self._dead.f.slot.bus.r_data.eq(self.dead),
                self.dead_valid.eq(self._dead.f.slot.bus.w_stb & self._dead.f.slot.bus.w_mask.all()),
                self.dead_value.eq(self._dead.f.slot.bus.w_data),
            ]
        self._count(m, event)
        if self._harts is not None:
            fields = self._harts.f
            m.d.comb += [self.own.eq(forget_all), fields.hart.r_data.eq(self.hart),
                         fields.harts.r_data.eq(self._config.harts), fields.late.r_data.eq(self.late)]
        if self._flip is not None:
            fields, pending = self._flip.f, Signal()
            with m.If(fields.bit.w_stb):
                m.d.sync += pending.eq(1)
            with m.Elif(self.flip_done):
                m.d.sync += pending.eq(0)
            m.d.comb += [
                fields.pending.r_data.eq(pending | fields.bit.w_stb),
                self.flip_valid.eq(pending),
                *(getattr(self.flip, name).eq(getattr(fields, name).data) for name in ("bit", "way", "set")),
            ]
        return m

    def _count(self, m, own):
        """Statistics: up to one event of each requester in a cycle, counted in the next; `own` is the window's."""
        events = [Signal(AnswerEvent, name=f"event{number}") for number in range(len(self.events) + 1)]
        m.d.sync += [event.eq(now) for event, now in zip(events, [*self.events, own], strict=True)]
        sources = {"invalidations": [self.invalidated], "restarts": [self.restarted],
                   "revoked": [self.killed] if self._config.revocation else [],
                   "parity_errors": list(self.thrown_out),
                   "hits": [event.valid & ~event.walked for event in events],
                   "misses": [event.valid & event.walked for event in events]}
        for verdict in Verdict:
            sources[f"refused_{verdict.name.lower()}"] = [event.valid & (event.verdict == verdict)
                                                          for event in events]
        if self._harts is not None:
            sources |= {"remote_invalidations": [self.remote], "unanswered": [self.unanswered]}
        for name, register in self._counters.items():
            count = Signal(32, name=name)
            m.d.sync += count.eq(count + sum(sources[name]))
            m.d.comb += register.f.count.r_data.eq(count)
