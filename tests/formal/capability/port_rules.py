"""The core's side of the capability port in proofs: it issues anything within the rules of :mod:`hw.core.port`."""

from types import SimpleNamespace

from amaranth.asserts import AnySeq
from amaranth.hdl import Assume, Mux, Signal

from hw.abi import CUSTOM_0, INSTRUCTIONS, Answer
from hw.capability.check import CheckRequest, CheckResponse
from hw.core.port import Privilege

__all__ = ["CHECKS", "watch_port"]

CHECKS = tuple(each for each in INSTRUCTIONS if each.name in ("cap.check", "cap.object", "cap.badge"))


def watch_port(m, front):
    """Drive the port and watch one check, any one; returns what is known of it and of its answer."""
    issue, commit, result = front.port.issue, front.port.commit, front.port.result
    fire, take = Signal(), Signal()
    untaken, uncommitted = Signal(3), Signal(3)
    killed_untaken = Signal()
    m.d.comb += [
        issue.valid.eq(AnySeq(1)), issue.insn.eq(AnySeq(32)), issue.privilege.as_value().eq(AnySeq(2)),
        issue.rs1.eq(AnySeq(64)), issue.rs2.eq(AnySeq(64)),
        commit.valid.eq(AnySeq(1)), commit.kill.eq(AnySeq(1)), result.ready.eq(AnySeq(1)),
        Assume(~commit.valid | (uncommitted != 0)),
        # The core takes no result in the cycle of a kill.
        Assume(~(commit.valid & commit.kill & result.ready)),
        Assume(((untaken < 4) & (uncommitted < 4)) | ~issue.valid),
        Assume(issue.privilege.as_value() != 2),
        fire.eq(issue.valid & issue.ready & issue.accept),
        take.eq(result.valid & result.ready),
        # Of untaken and uncommitted instructions the younger ones are left: the oldest uncommitted one is
        # untaken if there are at least as many untaken ones.
        killed_untaken.eq(commit.valid & commit.kill & (untaken >= uncommitted)),
    ]
    m.d.sync += [untaken.eq(untaken + fire - take - killed_untaken), uncommitted.eq(uncommitted + fire - commit.valid)]

    watching, number = Signal(), Signal(range(len(CHECKS)))
    older_untaken, older_uncommitted, committed = Signal(3), Signal(3), Signal()
    asked, begin = Signal(CheckRequest), Signal()
    m.d.comb += begin.eq(AnySeq(1))
    for position, instruction in enumerate(CHECKS):
        with m.If(fire & ~watching & begin & (issue.insn[:7] == CUSTOM_0)
                  & (issue.insn[12:15] == instruction.funct3) & (issue.insn[25:] == instruction.funct7)):
            m.d.sync += [
                watching.eq(1), number.eq(position), committed.eq(0),
                older_untaken.eq(untaken - take - killed_untaken),
                older_uncommitted.eq(uncommitted - commit.valid),
                asked.query.eq(issue.rs1),
                asked.space.eq(front.selected if instruction.user else issue.rs2),
            ]
            if not instruction.user:
                # Wider numbers name no space; the directed bench shows that they are refused.
                m.d.comb += Assume(issue.rs2[32:] == 0)
    broken_rules = [
        ~result.we | result.exception,
        # User mode gets at cap.check alone.
        fire & (issue.privilege == Privilege.USER) & ~(
            (issue.insn[25:] == CHECKS[0].funct7) & (issue.insn[12:15] == CHECKS[0].funct3)
            & (issue.insn[:7] == CUSTOM_0)),
        # State changes only after the commit.
        front.invalidate.valid & (untaken <= uncommitted),
        *([front.revoke.valid & (untaken <= uncommitted)] if "revoke" in front.signature.members else []),
    ]
    its_result, its_kill = Signal(), Signal()
    m.d.comb += [
        its_result.eq(watching & result.valid & (older_untaken == 0)),
        its_kill.eq(watching & ~committed & commit.valid & commit.kill & (older_uncommitted == 0)),
    ]
    with m.If(watching):
        with m.If(commit.valid & ~committed):
            with m.If(older_uncommitted == 0):
                m.d.sync += committed.eq(1)
            with m.Else():
                m.d.sync += older_uncommitted.eq(older_uncommitted - 1)
        with m.If(older_untaken != 0):
            m.d.sync += older_untaken.eq(
                older_untaken - take - (killed_untaken & ~committed & (older_uncommitted != 0)))
        with m.If((its_result & result.ready) | its_kill):
            m.d.sync += watching.eq(0)

    answer = Answer(result.data)
    response, shows_object = Signal(CheckResponse), Signal()
    m.d.comb += [
        shows_object.eq(number == [each.name for each in CHECKS].index("cap.object")),
        response.verdict.eq(answer.verdict),
        response.object_id.eq(Mux(shows_object, answer.value, 0)),
        response.badge.eq(Mux(shows_object, 0, answer.value)),
    ]
    return SimpleNamespace(result=its_result, asked=asked, response=response, shows_object=shows_object,
                           watching=watching, committed=committed, older_untaken=older_untaken,
                           older_uncommitted=older_uncommitted, untaken=untaken, uncommitted=uncommitted,
                           broken_rules=broken_rules)
