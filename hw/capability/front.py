"""Instruction front: the capability port of the core (rules in :mod:`hw.core.port`) on one side, lookups and
invalidates on the other.

Two instructions are kept: the older one, which is being answered, and one behind it. A check is looked up in the
cycle of its issue; everything else (walks, invalidates, selecting a space) waits for its commit. That a check hits is
known so late that little can follow from it in that cycle: places to keep things are chosen and filled before.

An answer that has not been taken when an invalidate starts is asked for again, so an answer taken after the invalidate
is one that the tables justify after it. No instruction ever waits for one of another requester, whose own wait could be
the cause.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..abi import CUSTOM_0, INSTRUCTIONS, Answer, RevokeAnswer, Verdict
from ..core.port import CapabilityPort, Privilege
from ..mapping import SEPARATE
from .command import Command, Operation, ask_to_revoke, decode, meaning, narrowed
from .engine import InvalidatePort, LookupPort
from .lookaside import SPACE_LIMIT, place_of
from .requester import AnswerEvent
from .revoker import StartPort

__all__ = ["InstructionFront"]


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

    Parameters
    ----------
    planted : callable
        Value that says whether a fault, given by its name, is planted.
    revocation : bool
        Whether `cap.revoke` is one of the instructions.

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
        Only with `revocation`: towards the revocation engine, and what it answers.
    started : In(1)
        An invalidate of somebody starts.
    clearing : In(1)
        Nothing is answered yet.
    event : Out(AnswerEvent)
    """

    def __init__(self, planted, revocation=True):
        self._planted = planted
        self._meaning = meaning(revocation)
        self._revocation = revocation
        super().__init__({
            "port": In(CapabilityPort()),
            "selected": Out(32),
            "select_valid": In(1),
            "select_space": In(32),
            "lookup": Out(LookupPort()),
            "invalidate": Out(InvalidatePort()),
            **({"revoke": Out(StartPort()), "revoke_answer": In(RevokeAnswer)} if revocation else {}),
            "started": In(1),
            "clearing": In(1),
            "event": Out(AnswerEvent),
        })

    def _decode_issue(self, m, command, place, known):
        """Decode table of the instructions that are ours; drives accept and fence, and `place` of a lookup."""
        issue = self.port.issue
        space = Signal(32)
        wide = Signal()
        m.d.comb += [
            command.operand.eq(issue.rs1), command.space.eq(Mux(wide, SPACE_LIMIT, space)), space.eq(issue.rs2),
            wide.eq(issue.rs2[32:].any()),
            # Of a number that is too wide this is another's: then nothing is found, wherever it is looked for.
            place.eq(place_of(issue.rs1, space)),
        ]
        with m.Switch(Cat(issue.insn[:7], issue.insn[12:15], issue.insn[25:])):
            for instruction in INSTRUCTIONS:
                if instruction.name not in self._meaning:
                    continue
                operation, _ = self._meaning[instruction.name]
                with m.Case(CUSTOM_0 | instruction.funct3 << 7 | instruction.funct7 << 10):
                    decode(m, command, name=instruction.name)
                    m.d.comb += [
                        known.eq(1 if instruction.user else issue.privilege != Privilege.USER),
                        issue.fence.eq(known & (operation in (Operation.INVALIDATE, Operation.REVOKE))),
                    ]
                    if instruction.name == "cap.check":
                        m.d.comb += [space.eq(self.selected), wide.eq(0)]

    def elaborate(self, platform):
        m = Module()
        issue, commit, result = self.port.issue, self.port.commit, self.port.result
        lookup, invalidate = self.lookup, self.invalidate
        #: Two entries, of which `head` is the older one. The next command goes to the place that is free, and is
        #: written there before it is known to come.
        entries = [Signal(Command, name=f"entry{number}") for number in range(2)]
        head = Signal()
        first, second = (SimpleNamespace(valid=Signal(name=f"{name}_valid"), committed=Signal(name=f"{name}_committed"),
                                         command=Signal(Command, name=f"{name}_command"))
                         for name in ("first", "second"))
        m.d.comb += [
            first.command.eq(Mux(head, *reversed(entries))),
            second.command.eq(Mux(head, *entries)),
        ]
        #: The command that is no lookup: there is one at most, and nothing behind it.
        serial = Signal(Command)
        phase = Signal(_Phase)
        missed, walked = Signal(), Signal()
        kept = Signal(64)
        #: Results taken before their commit.
        taken_early = Signal(range(5))

        # -- Issue. Ready comes from registers alone. A command that changes state lets nothing follow it.
        offered, known, fire = Signal(Command), Signal(), Signal()
        offered_place = Signal(16)
        self._decode_issue(m, offered, offered_place, known)
        is_serial = (first.valid & ~first.command.is_lookup()) | (second.valid & ~second.command.is_lookup())
        m.d.comb += [
            issue.accept.eq(known),
            issue.ready.eq(~second.valid & ~is_serial & (taken_early < 3) & ~self.clearing),
            fire.eq(issue.valid & issue.ready & known),
        ]
        with m.If(~second.valid):
            for number, entry in enumerate(entries):
                with m.If((head ^ first.valid) == number):
                    m.d.sync += entry.eq(offered)
        with m.If(~is_serial):
            m.d.sync += serial.eq(offered)

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

        # -- The first entry: result. A hit's goes to the core in the cycle in which the line is read, all others are
        # kept before.
        operation = first.command.operation
        shows = (operation == Operation.BADGE) | (operation == Operation.OBJECT)
        looking, valid, sure = (Signal(name=name, attrs=SEPARATE) for name in ("looking", "valid", "sure"))
        seen, found, kept_before = Signal(Answer), Signal(Answer), Signal(64)
        held = Signal(64, attrs=SEPARATE)
        found_verdict, found_value = Signal.like(lookup.found.verdict), Signal.like(lookup.found.badge)
        m.d.comb += [
            lookup.wants_value.eq((phase == _Phase.LOOK) & shows),
            lookup.wants_object.eq(operation == Operation.OBJECT),
            seen.verdict.eq(Mux(lookup.wants_value, lookup.seen.verdict, 0)),
            seen.value.eq(lookup.value),
            found.verdict.eq(found_verdict), found.value.eq(found_value),
            result.we.eq(1),
            looking.eq(first.valid & (phase == _Phase.LOOK)),
            # Whatever the buffer holds.
            sure.eq((looking & lookup.closed) | (first.valid & (phase == _Phase.HELD))),
            valid.eq((looking & lookup.hit) | sure),
            result.valid.eq(valid),
            held.eq(Mux(phase == _Phase.HELD, kept, 0)),
            result.data.eq(seen.as_value() | held),
        ]
        take = Signal()
        #: The first entry will be another one's, or nobody's.
        leaves, not_taken = Signal(attrs=SEPARATE), Signal(attrs=SEPARATE)
        m.d.comb += [
            not_taken.eq(first_killed | ~first.valid),
            leaves.eq((valid & result.ready) | not_taken),
            take.eq(leaves & ~not_taken),
            self.event.valid.eq(take & shows),
            self.event.walked.eq(walked),
            self.event.verdict.eq(Answer(result.data).verdict),
        ]

        # -- Lookups: the first entry if it wants one, else whatever follows it should it leave in this cycle.
        ask_first = first.valid & (phase == _Phase.WANT) & first.command.is_lookup() & (may_act | ~missed)
        next_soon = ~first.valid | (phase == _Phase.LOOK)
        ask_second = next_soon & second.valid & second.command.is_lookup()
        ask_issue = next_soon & ~second.valid & fire & offered.is_lookup()
        # What is no lookup, or no instruction of ours, is looked up all the same, to no effect: nobody waits for
        # decoding.
        may_ask_issue = next_soon & ~second.valid & issue.valid & issue.ready
        again = Signal(Command)
        from_issue = ~ask_first & ~second.valid
        m.d.comb += [
            again.eq(Mux(head ^ ~ask_first, *reversed(entries))),
            lookup.valid.eq(ask_first | ask_second | may_ask_issue),
            lookup.request.query.eq(Mux(from_issue, offered.operand.as_value(), again.operand.as_value())),
            lookup.request.space.eq(Mux(from_issue, offered.space, again.space)),
            lookup.place.eq(Mux(from_issue, offered_place, place_of(again.operand.handle, again.space))),
            lookup.walk.eq((first_committed | self._planted("skip_commit")) & looking),
        ]

        # -- The first entry: what happens next.
        m.d.comb += [
            invalidate.valid.eq(first.valid & (phase == _Phase.WANT) & (operation == Operation.INVALIDATE) & may_act),
            invalidate.request.kind.eq(serial.kind),
            invalidate.request.space.eq(serial.space),
            invalidate.request.name.eq(serial.operand.handle),
        ]
        if self._revocation:
            ask_to_revoke(m, self.revoke, serial,
                          first.valid & (phase == _Phase.WANT) & (operation == Operation.REVOKE) & may_act)
        with m.If(phase != _Phase.HELD):
            m.d.sync += kept.eq(seen.as_value() | kept_before)

        # What follows is chosen by signals that are late, so that the registers have neither enables nor resets but
        # that of the system: their ways are longer.
        stays, goes = Signal(_Phase, attrs=SEPARATE), Signal(_Phase, attrs=SEPARATE)
        m.d.comb += [
            stays.eq(phase),
            goes.eq(Mux(lookup.grant & (ask_second | ask_issue), _Phase.LOOK, _Phase.WANT)),
        ]
        with m.If(shows):
            m.d.comb += [
                found_verdict.eq(lookup.found.verdict),
                found_value.eq(Mux(operation == Operation.OBJECT, lookup.found.object_id, lookup.found.badge)),
            ]
        with m.Elif(invalidate.failed):
            m.d.comb += found_verdict.eq(Verdict.UNDECIDED)
        with m.Switch(phase):
            with m.Case(_Phase.WANT):
                m.d.comb += kept_before.eq(Mux(operation == Operation.SELECT, self.selected, self.revoke_answer)
                                           if self._revocation else self.selected)
                with m.If(lookup.grant & ask_first):
                    m.d.comb += stays.eq(_Phase.LOOK)
                with m.If(invalidate.start):
                    m.d.comb += stays.eq(_Phase.BUSY)
                with m.If(first.valid & (operation == Operation.SELECT) & may_act):
                    m.d.comb += stays.eq(_Phase.HELD)
                    m.d.sync += self.selected.eq(narrowed(serial.operand.as_value()))
                if self._revocation:
                    with m.If(self.revoke.valid):
                        m.d.comb += stays.eq(_Phase.HELD)
            with m.Case(_Phase.LOOK):
                # Unless it is known.
                m.d.comb += stays.eq(Mux(lookup.again, _Phase.WANT, _Phase.BUSY))
            with m.Case(_Phase.BUSY):
                # An invalidate's result is 0, unless it failed.
                m.d.comb += kept_before.eq(found)
                with m.If(Mux(first.command.is_lookup(), lookup.walked, invalidate.done)):
                    m.d.comb += stays.eq(_Phase.HELD)
            with m.Case(_Phase.HELD):
                with m.If(self.started & first.command.is_lookup()):
                    m.d.comb += stays.eq(_Phase.WANT)

        def late(register, value):
            """The register's next value, by a signal that synthesis leaves alone."""
            following = Signal(register.shape(), name=f"next_{register.name}", attrs=SEPARATE)
            m.d.comb += following.eq(value)
            m.d.sync += register.eq(following)

        looked_up, closed, kept_now = (Signal(name=name, attrs=SEPARATE) for name in (
            "looked_up", "closed", "kept_now"))
        m.d.comb += [
            looked_up.eq(phase == _Phase.LOOK),
            closed.eq(looked_up & lookup.closed),
            kept_now.eq((looked_up & lookup.hit) | closed),
        ]
        phase_bits = phase.as_value()
        late(phase_bits, Mux(leaves, goes, Mux(kept_now, _Phase.HELD, stays)))
        # After a lookup that found nothing. Of no account if it did: then nothing is asked again before an invalidate.
        late(missed, ~leaves & (missed | (phase == _Phase.LOOK)) & ~((phase == _Phase.HELD) & self.started))
        late(walked, ~leaves & (walked | (phase == _Phase.BUSY)))

        # -- Entries move up.
        follows, follows_committed, second_before = (Signal(name=name, attrs=SEPARATE) for name in (
            "follows", "follows_committed", "second_before"))
        early_less, early_more = Signal(3, attrs=SEPARATE), Signal(3, attrs=SEPARATE)
        early_counts = Signal(attrs=SEPARATE)
        m.d.comb += [
            follows.eq(Mux(second.valid, second_stays, fire)),
            follows_committed.eq(second.valid & (second.committed | to_second)),
            second_before.eq(second_stays | fire),
            early_less.eq(taken_early - to_early),
            early_more.eq(taken_early - to_early + 1),
            early_counts.eq(~not_taken & ~first_committed),
        ]
        late(taken_early, Mux(leaves & early_counts, early_more, early_less))
        late(head, head ^ (leaves & first.valid))
        late(first.valid, Mux(leaves, follows, first.valid))
        late(first.committed, Mux(leaves, follows_committed, first_committed))
        late(second.valid, ~leaves & second_before)
        m.d.sync += second.committed.eq(second.valid & (second.committed | to_second))

        with m.If(self.select_valid):
            m.d.sync += self.selected.eq(self.select_space)
        # For the proof's invariants.
        self._inside = SimpleNamespace(first=first, second=second, serial=serial, phase=phase, missed=missed,
                                       kept=kept, taken_early=taken_early)
        return m
