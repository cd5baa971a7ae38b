"""What the branch predictor says, and what it is told."""

from amaranth import *
from amaranth.lib import data, enum

__all__ = ["REGION_BITS", "BranchKind", "Prediction", "Training"]

#: A target lies in the same naturally aligned region of 1 MiB as its branch; others are not predicted.
REGION_BITS = 20


class BranchKind(enum.Enum, shape=3):
    """How the next address comes about."""

    #: No branch, or one that cannot be predicted.
    NONE = 0
    CONDITIONAL = 1
    JUMP = 2
    CALL = 3
    #: `jalr` without an offset that by convention returns or calls (unprivileged specification, 2.5.1), or neither.
    RETURN = 4
    INDIRECT = 5
    INDIRECT_CALL = 6
    #: With an offset: it has no place in the table, but its return is foreseen.
    FAR_CALL = 7


class Prediction(data.Struct):
    """What the predictor knows of a word of eight bytes.

    All of it is a guess: tags are partial and ignore address spaces. The pipeline checks what it acts on.
    """

    #: Fetch goes on at the target of the branch that ends in halfword `position`.
    taken: 1
    position: 2
    #: Without its lowest bit.
    half_target: REGION_BITS - 1
    #: For each halfword, whether a branch is known to end there.
    known: 4

    @property
    def target(self):
        return Cat(C(0, 1), self.half_target)


class Training(data.Struct):
    """What execution has learned of the instruction that ends at `end`."""

    end: REGION_BITS
    kind: BranchKind
    #: A conditional branch has left execute; whether it, or any jump, was `taken`, and where to.
    conditional: 1
    taken: 1
    target: REGION_BITS
    #: Its target is a register's value, and deserves a place in the table of those.
    indirect: 1
    #: It belongs into the table; what the table knows of its word is wrong.
    insert: 1
    forget: 1
    #: For the stack of return addresses: what happened, and whether fetch had not foreseen the call.
    call: 1
    surprise: 1
    returned: 1
    return_to: REGION_BITS
