"""Reference model of recursive revocation: what the engine must leave behind in memory (DESIGN 5).

:func:`revoke` works on the same :class:`hw.capability.model.Memory` as the check, one slot after the other, and takes
each out of the tree at once. Nothing here knows how the hardware goes about it.
"""

from dataclasses import dataclass

from ..abi import SLOT_BYTES, RevokeState, Slot
from .model import BusError, pack, unpack

__all__ = ["Revocation", "following_tag", "read_slot", "revoke", "slot_place", "write_slot"]

_SHAPE = Slot.as_shape()


@dataclass(frozen=True)
class Revocation:
    """What a run came to.

    Attributes
    ----------
    state : RevokeState
    revoked : int
        Slots that this run has emptied.
    dead : int
        First of the slots that were emptied and not taken back yet; 0: none.
    """

    state: RevokeState
    revoked: int
    dead: int


class _End(Exception):
    """The run ends in this state."""

    def __init__(self, state):
        super().__init__(state)
        self.state = state


def following_tag(tag):
    """The tag of a slot after it was emptied: never zero, and another one."""
    return (tag + 1) % (1 << 16) or 1


def slot_place(tables, number):
    """Address of a slot, None if the table has no such slot."""
    address = tables.slot_base + SLOT_BYTES * number
    inside = number < tables.slot_count and tables.readable(address)
    return address if inside else None


def read_slot(memory, tables, number):
    """Fields of a slot by its number. Raises BusError where there is none."""
    address = slot_place(tables, number)
    if address is None:
        raise BusError(f"slot {number}")
    return unpack(Slot, sum(memory.read(address + 8 * word) << 64 * word for word in range(SLOT_BYTES // 8)))


def write_slot(memory, tables, number, **changes):
    """Change fields of a slot; words without them are left alone."""
    fields = read_slot(memory, tables, number) | changes
    value = pack(Slot, **fields)
    for word in sorted({_SHAPE[name].offset // 64 for name in changes}):
        memory.write(slot_place(tables, number) + 8 * word, value >> 64 * word)


def revoke(memory, tables, root, *, limit=None, dead=0):
    """Empty all descendants of slot number `root`, children before their parent, first children first.

    Parameters
    ----------
    memory : Memory
    tables : Tables
    root : int
        Slot number.
    limit : int, optional
        Stop before another slot is emptied once so many have been.
    dead : int
        First of the dead slots of earlier runs.

    Returns
    -------
    Revocation

    Notes
    -----
    An emptied slot is not valid, has the mark, the following tag, no first child, and the dead slot before it as its
    parent link; its token and badge are still there for the kernel. The slots whose descendants are being emptied have
    the mark. What the link fields of an emptied slot's last word hold is not specified.
    """
    revoked = 0
    #: From the root down to the slot whose children are being emptied.
    path = [root]

    def read(number):
        return read_slot(memory, tables, number)

    def kill(number):
        nonlocal dead, revoked
        if revoked == limit:
            raise _End(RevokeState.STOPPED)
        slot = read(number)
        write_slot(memory, tables, number, parent=dead, valid=0, first_child=0, mark=1, tag=following_tag(slot["tag"]))
        write_slot(memory, tables, path[-1], first_child=slot["next"])
        dead, revoked = number, revoked + 1
        return slot["next"]

    def check(number, before):
        """The slot is what the links that lead to it say; `before` is the sibling in front of it."""
        if number == root:
            raise _End(RevokeState.BAD_TREE)
        if slot_place(tables, number) is None:
            raise _End(RevokeState.OUTSIDE)
        slot = read(number)
        if not slot["valid"] or slot["parent"] != path[-1] or slot["previous"] != before:
            raise _End(RevokeState.BAD_TREE)
        return slot

    try:
        if slot_place(tables, root) is None or not read(root)["valid"]:
            raise _End(RevokeState.BAD_ROOT)
        at, before = read(root)["first_child"], 0
        if at != 0:
            write_slot(memory, tables, root, mark=1)
        while True:
            if at == 0:
                # All children of the last one of the path are gone.
                parent = path.pop()
                if parent == root:
                    write_slot(memory, tables, root, mark=0)
                    raise _End(RevokeState.DONE)
                at, before = kill(parent), parent
                continue
            slot = check(at, before)
            if before != 0:
                # It has become the first child.
                write_slot(memory, tables, at, previous=0)
            if slot["first_child"] != 0:
                write_slot(memory, tables, at, mark=1)
                path.append(at)
                at, before = slot["first_child"], 0
            else:
                at, before = kill(at), at
    except _End as end:
        return Revocation(end.state, revoked, dead)
    except BusError:
        return Revocation(RevokeState.BUS_ERROR, revoked, dead)
