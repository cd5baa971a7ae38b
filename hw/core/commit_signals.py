"""What the memory and writeback stages show those who watch or divert them."""

from dataclasses import dataclass

from amaranth.hdl import Value
from amaranth.lib import data

__all__ = ["CommitSignals"]


@dataclass(frozen=True)
class CommitSignals:
    """Signals inside :class:`hw.core.commit.CommitStage`.

    Attributes
    ----------
    instruction : what is in the memory stage; `is_return`: it is mret or sret.
    active, go : it moves on in this cycle; and it happens.
    interrupted, diverted, exception : an interrupt takes its place; nothing of it happens; it has an exception.
    frozen : writeback holds the memory stage.
    vectored : fetch is redirected to an entry of a vector table, in the next cycle.
    next_cause : cause of the trap that would be taken in the next cycle.
    record : what writeback knows of its instruction; `slow`, `slow_memory`: it stays there, as a memory access.
    valid, trap : it retires in this cycle, or traps; `interrupt`, `cause`, `value`: how.
    """

    instruction: data.View
    is_return: Value
    active: Value
    go: Value
    interrupted: Value
    diverted: Value
    exception: Value
    frozen: Value
    vectored: Value
    next_cause: Value
    record: data.View
    slow: Value
    slow_memory: Value
    valid: Value
    trap: Value
    interrupt: Value
    cause: Value
    value: Value
