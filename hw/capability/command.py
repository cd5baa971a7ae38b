"""Commands of the capability unit, decoded: what its instructions and the window's commands mean."""

from amaranth import *
from amaranth.lib import data, enum

from ..abi import Query
from .lookaside import SPACE_LIMIT, InvalidateKind

__all__ = ["MEANING", "Operation", "Command", "ask_to_revoke", "decode", "meaning", "narrowed"]


class Operation(enum.Enum, shape=3):
    """What an instruction asks of the unit."""

    BADGE = 0
    OBJECT = 1
    INSTALL = 2
    INVALIDATE = 3
    SELECT = 4
    REVOKE = 5


#: Mnemonic to operation, kind of invalidate, and whether rs2 names the space.
MEANING = {
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


def meaning(revocation):
    """The part of :data:`MEANING` that a unit has, with or without `revocation` engine."""
    return {name: (operation, kind) for name, (operation, kind) in MEANING.items()
            if revocation or operation != Operation.REVOKE}


class Command(data.Struct):
    """A decoded instruction with its operands."""

    operation: Operation
    kind: InvalidateKind
    operand: Query
    #: The space that it concerns; for REVOKE, the limit. SELECT has it in its operand.
    space: 32

    def is_lookup(self):
        """It is answered by a lookup."""
        return ((self.operation != Operation.INVALIDATE) & (self.operation != Operation.SELECT)
                & (self.operation != Operation.REVOKE))


def narrowed(operand):
    """A space number out of an operand."""
    return Mux(operand[32:].any(), SPACE_LIMIT, operand[:32])


def decode(m, command, *, name):
    """Drive operation and kind of `command` as the instruction `name` means it."""
    operation, kind = MEANING[name]
    m.d.comb += [command.operation.eq(operation), command.kind.eq(kind)]


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
