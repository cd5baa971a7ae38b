"""The capability port: how a unit attaches to the pipeline.

The shape is CV-X-IF's (OpenHW CORE-V-XIF specification), cut down for one in-order issue. A unit sees custom-0
instructions when they are *issued*, learns for each in order whether it is *committed* or killed, and returns one
*result* for each committed instruction, in order.

Rules
-----
- Issue: an instruction is offered while `issue.valid`; it is taken in a cycle where `issue.ready` is also high.
  `issue.context` is the thread context (register bank) that it runs in. In that cycle the unit drives `issue.accept`
  (low: the core raises illegal instruction, and no commit or result follows) and `issue.fence` (high: the core drains
  its store buffer before it commits).
- Commit: one `commit.valid` for each accepted instruction, in issue order, in the cycle after issue at the earliest.
  `commit.kill` high: the instruction never happened and has no result. The unit changes state only after a commit
  without kill. At most `MAX_IN_FLIGHT` instructions are issued and not yet finished.
- Result: `result.valid` is held until `result.ready`. A result may be offered before the commit of its instruction,
  so that a hit is usable two cycles after issue; if the commit then kills, the offer is withdrawn in the next cycle
  and the core takes no result in the kill's cycle. The core takes a result together with the commit at the
  earliest, so what is taken is committed.
- `exception` makes the core trap at the instruction with `cause`; `we` low leaves rd unchanged.
"""

from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["CONTEXT_BITS", "MAX_IN_FLIGHT", "Privilege", "CapabilityPort", "connect_closed"]

#: Enough for the thread contexts of any core (:class:`hw.core.config.CoreConfig`).
CONTEXT_BITS = 4
#: Instructions that are issued and not yet finished, at most.
MAX_IN_FLIGHT = 4


class Privilege(enum.Enum, shape=2):
    """Privilege levels (RISC-V privileged specification, table 1.1)."""

    USER = 0
    SUPERVISOR = 1
    MACHINE = 3


class CapabilityPort(wiring.Signature):
    """Port signature, seen from the core."""

    def __init__(self):
        super().__init__({
            "issue": Out(wiring.Signature({
                "valid": Out(1),
                "ready": In(1),
                "insn": Out(32),
                "privilege": Out(Privilege),
                "context": Out(CONTEXT_BITS),
                "rs1": Out(64),
                "rs2": Out(64),
                "accept": In(1),
                "fence": In(1),
            })),
            "commit": Out(wiring.Signature({
                "valid": Out(1),
                "kill": Out(1),
            })),
            "result": Out(wiring.Signature({
                "valid": In(1),
                "ready": Out(1),
                "data": In(64),
                "we": In(1),
                "exception": In(1),
                "cause": In(6),
            })),
        })


def connect_closed(m, port, inner, closed):
    """Connect a unit's side of the port to another one within; while `closed` nothing is issued and nothing answered.

    Commits pass: what is within may still have to know of them.
    """
    issue, commit, result = port.issue, port.commit, port.result
    m.d.comb += [
        inner.issue.valid.eq(issue.valid & ~closed),
        issue.ready.eq(inner.issue.ready & ~closed),
        result.valid.eq(inner.result.valid & ~closed),
        inner.result.ready.eq(result.ready & ~closed),
        inner.commit.valid.eq(commit.valid),
        inner.commit.kill.eq(commit.kill),
    ]
    for name in ("insn", "privilege", "context", "rs1", "rs2"):
        m.d.comb += getattr(inner.issue, name).eq(getattr(issue, name))
    for name in ("accept", "fence"):
        m.d.comb += getattr(issue, name).eq(getattr(inner.issue, name))
    for name in ("data", "we", "exception", "cause"):
        m.d.comb += getattr(result, name).eq(getattr(inner.result, name))
