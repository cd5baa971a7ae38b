"""Instruction front: the capability port of the core (rules in :mod:`hw.core.port`) on one side, lookups and
invalidates on the other.

Two instructions are kept: the older one, which is being answered, and one behind it. A check is looked up in the
cycle of its issue; everything else (walks, invalidates, selecting a space) waits for its commit. An answer that has
not been taken when an invalidate starts is asked for again, so an answer taken after the invalidate is one that the
tables justify after it. No instruction ever waits for one of another requester, whose own wait could be the cause.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from ..abi import CUSTOM_0, INSTRUCTIONS, Answer, Query, RevokeAnswer, Verdict
from ..core.port import CapabilityPort, Privilege
from .engine import InvalidatePort, LookupPort
from .lookaside import InvalidateKind
from .requester import AnswerEvent
from .revoker import StartPort

__all__ = ["Operation", "Command", "ask_to_revoke", "decode", "result_data", "SPACE_LIMIT", "InstructionFront"]

#: A space number that no table reaches stands for every operand above 32 bits.
SPACE_LIMIT = (1 << 32) - 1


class Operation(enum.Enum, shape=3):
    """What an instruction asks of the unit."""

    BADGE = 0
    OBJECT = 1
    INSTALL = 2
    INVALIDATE = 3
    SELECT = 4
    REVOKE = 5


#: Mnemonic to operation, kind of invalidate, and whether rs2 names the space.
_MEANING = {
    "cap.check": (Operation.BADGE, InvalidateKind.SLOT),
    "cap.object": (Operation.OBJECT, InvalidateKind.SLOT),
    "cap.badge": (Operation.BADGE, InvalidateKind.SLOT),
    "cap.install": (Operation.INSTALL, InvalidateKind.SLOT),
    "cap.inv.slot": (Operation.INVALIDATE, InvalidateKind.SLOT),
    "cap.inv.space": (Operation.INVALIDATE, InvalidateKind.SPACE),
    "cap.inv.object": (Operation.INVALIDATE, InvalidateKind.OBJECT),
    "cap.space": (Operation.SELECT, InvalidateKind.SLOT),
    "cap.revoke": (Operation.REVOKE, InvalidateKind.SLOT),
}


class Command(data.Struct):
    """A decoded instruction with its operands."""

    operation: Operation
    kind: InvalidateKind
    operand: Query
    #: The space that it concerns; for SELECT, the one to select; for REVOKE, the limit.
    space: 32

    def is_lookup(self):
        """It is answered by a lookup."""
        return ((self.operation != Operation.INVALIDATE) & (self.operation != Operation.SELECT)
                & (self.operation != Operation.REVOKE))


def decode(m, command, *, name, rs1, rs2, selected):
    """Drive `command` as the instruction `name` means it."""
    operation, kind = _MEANING[name]
    space = rs1 if operation == Operation.SELECT else rs2
    narrowed = Mux(space[32:].any(), SPACE_LIMIT, space[:32])
    m.d.comb += [
        command.operation.eq(operation),
        command.kind.eq(kind),
        command.operand.eq(rs1),
        command.space.eq(selected if name == "cap.check" else narrowed),
    ]


def ask_to_revoke(m, start, command, wanted):
    """Drive a start port as the command says while it is `wanted`."""
    operand = command.operand.as_value()
    links = len(start.request.root)
    m.d.comb += [
        start.valid.eq(wanted),
        # A number that no link can hold stands for all above; none of them is in the table.
        start.request.root.eq(Mux(operand[links:].any(), ~0, operand[:links])),
        start.request.limit.eq(command.space),
        start.stop.eq(wanted & (operand == 0) & (command.space == 1)),
    ]


def result_data(operation, response):
    """What rd receives for a check's response."""
    answer = Signal(Answer)
    value = Mux(operation == Operation.OBJECT, response.object_id, response.badge)
    return answer, [answer.verdict.eq(response.verdict), answer.value.eq(value)]


class _Entry(data.Struct):
    valid: 1
    committed: 1
    command: Command


class _Phase(enum.Enum, shape=3):
    #: To be looked up, or an invalidate to be asked for.
    WANT = 0
    #: Looked up in the previous cycle.
    LOOK = 1
    #: Walk or invalidate under way.
    BUSY = 2
    #: The answer is kept.
    HELD = 3


class InstructionFront(wiring.Component):
    """The instruction front.

    Attributes
    ----------
    port : In(CapabilityPort())
    selected : Out(32)
        Space that user-mode checks look in.
    select_valid, select_space
        Another way to select a space (the window).
    lookup, invalidate
        Towards the engine.
    revoke, revoke_answer
        Towards the revocation engine, and what it answers.
    started : In(1)
        An invalidate of somebody starts.
    clearing : In(1)
        Nothing is answered yet.
    event : Out(AnswerEvent)
    """

    def __init__(self, planted):
        self._planted = planted
        super().__init__({
            "port": In(CapabilityPort()),
            "selected": Out(32),
            "select_valid": In(1),
            "select_space": In(32),
            "lookup": Out(LookupPort()),
            "invalidate": Out(InvalidatePort()),
            "revoke": Out(StartPort()),
            "revoke_answer": In(RevokeAnswer),
            "started": In(1),
            "clearing": In(1),
            "event": Out(AnswerEvent),
        })

    def _decode_issue(self, m, command, known):
        """Decode table of the instructions that are ours; drives accept and fence."""
        issue = self.port.issue
        for instruction in INSTRUCTIONS:
            if instruction.name not in _MEANING:
                continue
            operation, _ = _MEANING[instruction.name]
            encoding = ((issue.insn[:7] == CUSTOM_0) & (issue.insn[12:15] == instruction.funct3)
                        & (issue.insn[25:] == instruction.funct7))
            with m.If(encoding):
                decode(m, command, name=instruction.name, rs1=issue.rs1, rs2=issue.rs2, selected=self.selected)
                m.d.comb += [
                    known.eq(1 if instruction.user else issue.privilege != Privilege.USER),
                    issue.fence.eq(issue.accept & (operation in (Operation.INVALIDATE, Operation.REVOKE))),
                ]

    def elaborate(self, platform):
        m = Module()
        issue, commit, result = self.port.issue, self.port.commit, self.port.result
        lookup, invalidate = self.lookup, self.invalidate
        first, second = Signal(_Entry), Signal(_Entry)
        phase = Signal(_Phase)
        missed, walked = Signal(), Signal()
        kept, kept_verdict = Signal(64), Signal(Verdict)
        #: Results taken before their commit.
        taken_early = Signal(range(5))

        # -- Issue. Ready comes from registers alone. A command that changes state lets nothing follow it.
        offered, known, fire = Signal(Command), Signal(), Signal()
        self._decode_issue(m, offered, known)
        serial = (first.valid & ~first.command.is_lookup()) | (second.valid & ~second.command.is_lookup())
        m.d.comb += [
            issue.accept.eq(known),
            issue.ready.eq(~second.valid & ~serial & (taken_early < 3) & ~self.clearing),
            fire.eq(issue.valid & issue.ready & known),
        ]

        # -- Commit, in issue order: results taken early, then the first entry, then the second.
        to_early, to_first, to_second = Signal(), Signal(), Signal()
        first_killed, first_committed = Signal(), Signal()
        second_stays = Signal()
        m.d.comb += [
            to_early.eq(commit.valid & (taken_early != 0)),
            to_first.eq(commit.valid & (taken_early == 0) & first.valid & ~first.committed),
            to_second.eq(commit.valid & (taken_early == 0) & first.valid & first.committed
                         & second.valid & ~second.committed),
            first_killed.eq(to_first & commit.kill),
            first_committed.eq(first.committed | (to_first & ~commit.kill)),
            second_stays.eq(second.valid & ~(to_second & commit.kill)),
        ]
        may_act = first.committed | self._planted("skip_commit")

        # -- The first entry: result.
        operation = first.command.operation
        answer, answer_logic = result_data(operation, lookup.response)
        looked_up = Mux(operation == Operation.INSTALL, 0, answer.as_value())
        answered = Signal()
        m.d.comb += [
            *answer_logic,
            result.we.eq(1),
            answered.eq(first.valid & first.command.is_lookup()
                        & Mux(phase == _Phase.LOOK, lookup.known, (phase == _Phase.BUSY) & lookup.walked)),
            result.valid.eq(answered | (first.valid & (phase == _Phase.HELD))),
            result.data.eq(Mux(phase == _Phase.HELD, kept, looked_up)),
        ]
        take = Signal()
        m.d.comb += [
            take.eq(result.valid & result.ready & ~first_killed),
            self.event.valid.eq(take & ((operation == Operation.BADGE) | (operation == Operation.OBJECT))),
            self.event.walked.eq(walked),
            self.event.verdict.eq(Mux(phase == _Phase.HELD, kept_verdict, lookup.response.verdict)),
        ]

        # -- Lookups: the first entry if it wants one, else whatever follows it should it leave in this cycle.
        ask_first = first.valid & (phase == _Phase.WANT) & first.command.is_lookup() & (may_act | ~missed)
        next_soon = ~first.valid | (phase == _Phase.LOOK)
        ask_second = next_soon & second.valid & second.command.is_lookup()
        ask_issue = next_soon & ~second.valid & fire & offered.is_lookup()
        asked = Signal(Command)
        m.d.comb += [
            asked.eq(Mux(ask_first, first.command, Mux(second.valid, second.command, offered))),
            lookup.valid.eq(ask_first | ask_second | ask_issue),
            lookup.request.query.eq(asked.operand),
            lookup.request.space.eq(asked.space),
            lookup.walk.eq((first_committed | self._planted("skip_commit")) & (phase == _Phase.LOOK) & first.valid),
        ]

        # -- The first entry: what happens next.
        m.d.comb += [
            invalidate.valid.eq(first.valid & (phase == _Phase.WANT) & (operation == Operation.INVALIDATE) & may_act),
            invalidate.request.kind.eq(first.command.kind),
            invalidate.request.key.space.eq(first.command.space),
            invalidate.request.key.index.eq(first.command.operand.handle[:16]),
            invalidate.request.object_id.eq(first.command.operand.handle),
        ]
        ask_to_revoke(m, self.revoke, first.command,
                      first.valid & (phase == _Phase.WANT) & (operation == Operation.REVOKE) & may_act)
        with m.If(answered):
            m.d.sync += [kept.eq(looked_up), kept_verdict.eq(lookup.response.verdict)]
        with m.Switch(phase):
            with m.Case(_Phase.WANT):
                with m.If(lookup.grant & ask_first):
                    m.d.sync += phase.eq(_Phase.LOOK)
                with m.If(invalidate.start):
                    m.d.sync += phase.eq(_Phase.BUSY)
                with m.If(first.valid & (operation == Operation.SELECT) & may_act):
                    m.d.sync += [phase.eq(_Phase.HELD), kept.eq(self.selected),
                                 self.selected.eq(first.command.space)]
                with m.If(self.revoke.valid):
                    m.d.sync += [phase.eq(_Phase.HELD), kept.eq(self.revoke_answer)]
            with m.Case(_Phase.LOOK):
                with m.If(lookup.known):
                    m.d.sync += phase.eq(_Phase.HELD)
                with m.Elif(lookup.again):
                    m.d.sync += [phase.eq(_Phase.WANT), missed.eq(1)]
                with m.Else():
                    m.d.sync += [phase.eq(_Phase.BUSY), walked.eq(1)]
            with m.Case(_Phase.BUSY):
                with m.If(Mux(first.command.is_lookup(), lookup.walked, invalidate.done)):
                    m.d.sync += phase.eq(_Phase.HELD)
                with m.If(invalidate.done):
                    m.d.sync += kept.eq(0)
            with m.Case(_Phase.HELD):
                with m.If(self.started & first.command.is_lookup()):
                    m.d.sync += [phase.eq(_Phase.WANT), missed.eq(0)]

        # -- Entries move up.
        m.d.sync += [
            taken_early.eq(taken_early - to_early + (take & ~first_committed)),
            first.committed.eq(first_committed),
            second.valid.eq(second_stays),
        ]
        with m.If(to_second):
            m.d.sync += second.committed.eq(1)
        with m.If(take | first_killed | ~first.valid):
            m.d.sync += [
                missed.eq(0), walked.eq(0),
                phase.eq(Mux(lookup.grant & (ask_second | ask_issue), _Phase.LOOK, _Phase.WANT)),
                second.valid.eq(0),
            ]
            with m.If(second.valid):
                m.d.sync += [first.eq(second), first.valid.eq(second_stays),
                             first.committed.eq(second.committed | to_second)]
            with m.Else():
                m.d.sync += [first.valid.eq(fire), first.committed.eq(0), first.command.eq(offered)]
        with m.Elif(fire):
            m.d.sync += [second.valid.eq(1), second.committed.eq(0), second.command.eq(offered)]

        with m.If(self.select_valid):
            m.d.sync += self.selected.eq(self.select_space)
        # For the proof's invariants.
        self._inside = SimpleNamespace(first=first, second=second, phase=phase, missed=missed, kept=kept,
                                       kept_verdict=kept_verdict, taken_early=taken_early)
        return m
