"""Derivation trees in the tables of a bench, linked as the kernel links them (kernel/cap/tree.c)."""

from hw.abi import SLOTS_PER_PAGE, CapType, Rights, Slot
from hw.capability import model
from hw.capability.revoke_model import following_tag, read_slot, slot_place, write_slot

__all__ = ["Forest", "copy_of", "visible"]

#: Word of a slot whose content is not specified once the slot is dead.
_LAST = Slot.as_shape()["next"].offset // 64


class Forest:
    """Capabilities with their derivation tree.

    Parameters
    ----------
    kernel : KernelTables
        Spaces 1 to `spaces` are made in it, with `pages` each; page 0 of the slots stays unused, as in the kernel.
    random : random.Random
        Of the tags and places.
    spaces, pages, first : int
        How many spaces of how many pages, and the first one's number.

    Attributes
    ----------
    places : dict
        Space and index of each slot number in use.
    children : dict
        Slot numbers, as the tree should be; parent 0 for roots.
    """

    def __init__(self, kernel, random, *, spaces=3, pages=1, first=1):
        self.kernel, self.memory, self.tables, self.random = kernel, kernel.memory, kernel.tables, random
        kernel.space(0)
        for space in range(first, first + spaces):
            kernel.space(space, pages=pages)
        self._free = [(space, index) for space in range(first, first + spaces)
                      for index in range(pages * SLOTS_PER_PAGE)]
        random.shuffle(self._free)
        self.places, self.parents, self.children = {}, {}, {0: []}

    def number(self, space, index):
        """Slot number of a place."""
        return (self.kernel.slot_address(space, index) - self.tables.slot_base) // 32

    def add(self, parent=0, *, object_id=1, rights=Rights.SEND | Rights.GRANT):
        """A capability derived from `parent`, which becomes its first child; returns its slot number."""
        space, index = self._free.pop()
        number = self.number(space, index)
        self.kernel.slot(space, index, cap_type=CapType.ENDPOINT, object_id=object_id, rights=rights,
                         tag=self.random.choice([1, 2, 0x7fff, 0xffff]), badge=number, parent=parent)
        if parent:
            first = self.read(parent)["first_child"]
            self.write(number, next=first)
            if first:
                self.write(first, previous=number)
            self.write(parent, first_child=number)
        self.places[number], self.parents[number], self.children[number] = (space, index), parent, []
        self.children[parent].insert(0, number)
        return number

    def grow(self, root, count):
        """`count` capabilities below `root`, each below one of the latest few of them."""
        made = [root]
        for _ in range(count):
            made.append(self.add(self.random.choice(made[-4:])))
        return made[1:]

    def star(self, root, count):
        """Each derived from `root` itself."""
        return [self.add(root) for _ in range(count)]

    def chain(self, root, count):
        """Each derived from the one before."""
        made = [root]
        for _ in range(count):
            made.append(self.add(made[-1]))
        return made[1:]

    def below(self, root):
        """All descendants."""
        return [number for child in self.children[root] for number in (child, *self.below(child))]

    def read(self, number):
        """Fields of a slot."""
        return read_slot(self.memory, self.tables, number)

    def write(self, number, **changes):
        """Change fields of a slot."""
        write_slot(self.memory, self.tables, number, **changes)

    def query(self, number, *, rights=Rights.SEND):
        """Space and query for the capability as it is now, or was before it was emptied."""
        space, index = self.places[number]
        return space, model.query(model.handle(index, self.read(number)["tag"]), CapType.ENDPOINT, rights)

    def dead_list(self, first):
        """The list of emptied slots from `first` on. Raises LookupError when it is not one."""
        found = []
        while first:
            slot = self.read(first)
            if slot["valid"] or not slot["mark"] or first in found:
                raise LookupError(f"Slot {first} is not dead, or listed twice")
            found.append(first)
            first = slot["parent"]
        return found

    def collect(self, first):
        """Take dead slots back as the kernel does: their words are cleared, their tags stay."""
        for number in self.dead_list(first):
            tag, address = self.read(number)["tag"], slot_place(self.tables, number)
            for word in range(4):
                self.memory.write(address + 8 * word, 0)
            self.write(number, tag=tag)
            self._forget(number)

    def _forget(self, number):
        parent = self.parents.pop(number)
        self.children[parent].remove(number)
        self._free.insert(0, self.places.pop(number))

    def check_whole(self, root):
        """The tree below `root` is consistent: every link has its counterpart. Returns the descendants."""
        found, work = [], [(root, self.read(root)["first_child"])]
        while work:
            parent, at = work.pop()
            before = 0
            while at:
                slot = self.read(at)
                assert slot["valid"] and slot["parent"] == parent and slot["previous"] == before, (at, slot)
                assert at not in found and at != root
                found.append(at)
                work.append((at, slot["first_child"]))
                before, at = at, slot["next"]
        return found


def old_tag(tag):
    """The tag before it was changed."""
    return next(before for before in (tag - 1, 0xffff) if before and following_tag(before) == tag)


def copy_of(memory):
    """Another memory of the same content."""
    copy = model.Memory()
    copy.words, copy.refused = dict(memory.words), set(memory.refused)
    return copy


def visible(memory, tables, *, marks=True):
    """Slots by number, without what is not specified; without marks where they may differ."""
    found = {}
    for address in {address - (address - tables.slot_base) % 32 for address in memory.words
                    if tables.slot_base <= address < tables.slot_base + 32 * tables.slot_count}:
        number = (address - tables.slot_base) // 32
        slot = read_slot(memory, tables, number)
        if not slot["valid"] and slot["mark"]:
            slot = {name: value for name, value in slot.items() if Slot.as_shape()[name].offset // 64 != _LAST}
        elif not marks:
            slot.pop("mark")
        found[number] = slot
    return found
