"""Reference model of the capability check: what hardware, kernel and tests must all agree with.

:func:`check` is a function of memory, the table registers, a space and a query. :class:`KernelTables` builds
tables in memory as the kernel lays them out (DESIGN 5), for benches and for the kernel's own tests. Nothing
here knows how the hardware works.
"""

from dataclasses import dataclass

from ..abi import (
    DIRECTORY_ENTRY_BYTES,
    OBJECT_ENTRY_BYTES,
    PAGE_BYTES,
    SLOT_BYTES,
    SLOTS_PER_PAGE,
    SPACE_ENTRY_BYTES,
    Answer,
    CapType,
    DirectoryEntry,
    Handle,
    ObjectEntry,
    Query,
    Rights,
    Slot,
    SpaceEntry,
    Verdict,
)

__all__ = ["BusError", "KernelTables", "Memory", "Outcome", "Tables", "answer", "check", "handle", "pack", "query",
           "unpack"]


class BusError(Exception):
    """Memory refuses an address."""


def pack(layout, **fields):
    """Value of a layout with these fields; those not named are 0. Raises ValueError for one that does not fit."""
    value = 0
    shape = layout.as_shape()
    for name, number in fields.items():
        number = getattr(number, "value", number)
        field = shape[name]
        if not 0 <= number < 1 << field.width:
            raise ValueError(f"{name} of {layout.__name__} must fit in {field.width} bits, not {number!r}")
        value |= number << field.offset
    return value


def unpack(layout, value):
    """Fields of a layout's value by name."""
    return {name: value >> field.offset & (1 << field.width) - 1 for name, field in layout.as_shape()}


def handle(index, tag):
    """A handle."""
    return pack(Handle, index=index, tag=tag)


def query(handle, cap_type, rights=0):
    """A query."""
    return pack(Query, handle=handle, cap_type=cap_type, rights=rights)


def answer(verdict, value=0):
    """What an instruction returns for a verdict."""
    return pack(Answer, verdict=verdict, value=value if verdict == Verdict.OK else 0)


class Memory:
    """Words of 64 bits by byte address; those never written are 0.

    Attributes
    ----------
    refused : set of int
        Addresses at which a read fails.
    """

    def __init__(self):
        self.words = {}
        self.refused = set()

    def read(self, address):
        """The word at `address`. Raises BusError where memory refuses."""
        if address % 8 or address in self.refused:
            raise BusError(f"{address:#x}")
        return self.words.get(address, 0)

    def write(self, address, value):
        """Store a word."""
        if address % 8:
            raise ValueError(f"Address must be a multiple of 8, not {address:#x}")
        self.words[address] = value & (1 << 64) - 1


@dataclass(frozen=True)
class Tables:
    """The table registers: physical bases, and numbers of entries (slots, not pages, for the slot table).

    `memory_base` and `memory_bytes` say where any table may lie.
    """

    space_base: int = 0
    space_count: int = 0
    slot_base: int = 0
    slot_count: int = 0
    object_base: int = 0
    object_count: int = 0
    memory_base: int = 0x8000_0000
    memory_bytes: int = 0x8000_0000

    def readable(self, address):
        """Whether a table may lie at this address."""
        return self.memory_base <= address < self.memory_base + self.memory_bytes


@dataclass(frozen=True)
class Outcome:
    """Result of a check; object and badge are 0 unless it is OK."""

    verdict: Verdict
    object_id: int = 0
    badge: int = 0


def check(memory, tables, space, query):
    """The verdict on `query` (an integer, :class:`hw.abi.Query`) in `space`, with object and badge.

    Tables that contradict themselves or that memory refuses to read give UNDECIDED; a space that does not exist
    has no slots, so all its handles are bad.
    """
    def read(address):
        if not tables.readable(address):
            raise BusError(f"{address:#x}")
        return memory.read(address)

    asked = unpack(Query, query)
    named = unpack(Handle, asked["handle"])
    try:
        slot_address = _slot_address(read, tables, space, named["index"])
        if slot_address is None:
            return Outcome(Verdict.BAD_HANDLE)
        words = [read(slot_address + 8 * word) for word in range(3)]
        slot = unpack(Slot, words[0] | words[1] << 64 | words[2] << 128)
        if named["tag"] == 0 or slot["tag"] != named["tag"]:
            return Outcome(Verdict.BAD_HANDLE)
        if not slot["valid"]:
            return Outcome(Verdict.EMPTY)
        if slot["object_id"] >= tables.object_count:
            return Outcome(Verdict.UNDECIDED)
        entry = unpack(ObjectEntry, read(tables.object_base + OBJECT_ENTRY_BYTES * slot["object_id"]))
    except BusError:
        return Outcome(Verdict.UNDECIDED)
    if not entry["live"] or entry["generation"] != slot["generation"]:
        return Outcome(Verdict.STALE)
    if asked["cap_type"] == CapType.NONE.value or asked["cap_type"] != slot["cap_type"]:
        return Outcome(Verdict.WRONG_TYPE)
    if asked["rights"] & ~slot["rights"]:
        return Outcome(Verdict.MISSING_RIGHTS)
    return Outcome(Verdict.OK, slot["object_id"], slot["badge"])


def _slot_address(read, tables, space, index):
    """Where the slot lies, None when the space has no such slot. Raises BusError for impossible tables."""
    if space >= tables.space_count:
        return None
    entry = unpack(SpaceEntry, read(tables.space_base + SPACE_ENTRY_BYTES * space))
    page, offset = divmod(index, SLOTS_PER_PAGE)
    if not entry["valid"] or page >= entry["pages"]:
        return None
    directory = unpack(DirectoryEntry, read(PAGE_BYTES * entry["directory"] + DIRECTORY_ENTRY_BYTES * page))
    if not directory["valid"]:
        return None
    number = directory["page"] * SLOTS_PER_PAGE + offset
    if number >= tables.slot_count:
        raise BusError(f"slot {number}")
    return tables.slot_base + SLOT_BYTES * number


class KernelTables:
    """Capability tables in a :class:`Memory`, laid out as the kernel does.

    Parameters
    ----------
    memory : Memory
    base : int
        Physical address of the first table; a multiple of PAGE_BYTES.
    spaces, pages, objects : int
        Entries of the space table, pages of slots, entries of the object table.

    Attributes
    ----------
    tables : Tables
        What the table registers must hold.
    """

    def __init__(self, memory, *, base=0x8010_0000, spaces=16, pages=16, objects=256):
        if base % PAGE_BYTES:
            raise ValueError(f"Base must be a multiple of {PAGE_BYTES}, not {base:#x}")
        self.memory = memory
        self._directories = base
        slot_base = base + PAGE_BYTES * spaces
        object_base = slot_base + PAGE_BYTES * pages
        space_base = object_base + _pages(OBJECT_ENTRY_BYTES * objects)
        self.end = space_base + _pages(SPACE_ENTRY_BYTES * spaces)
        self.tables = Tables(space_base, spaces, slot_base, pages * SLOTS_PER_PAGE, object_base, objects)
        self._free_pages = list(range(pages))

    def check(self, space, query):
        """:func:`check` on these tables."""
        return check(self.memory, self.tables, space, query)

    def space(self, space, *, pages=1, valid=1):
        """Make a capability space of `pages` directory entries, each with a page of slots of its own."""
        directory = self._directories + PAGE_BYTES * space
        for entry in range(pages):
            self.directory(space, entry, page=self._free_pages.pop(0))
        self.memory.write(self.space_address(space),
                          pack(SpaceEntry, valid=valid, pages=pages, directory=directory // PAGE_BYTES))

    def directory(self, space, entry, *, page=0, valid=1):
        """Write one directory entry."""
        self.memory.write(self.directory_address(space, entry), pack(DirectoryEntry, page=page, valid=valid))

    def slot(self, space, index, *, cap_type=CapType.ENDPOINT, object_id=1, rights=Rights(0), generation=1, tag=1,
             badge=0, valid=1, address=None, **links):
        """Write one slot; `address` for one that its directory does not lead to at the moment."""
        value = pack(Slot, cap_type=cap_type, object_id=object_id, rights=rights, generation=generation, tag=tag,
                     badge=badge, valid=valid, **links)
        address = self.slot_address(space, index) if address is None else address
        for word in range(SLOT_BYTES // 8):
            self.memory.write(address + 8 * word, value >> 64 * word)

    def object(self, object_id, *, generation=1, cap_type=CapType.ENDPOINT, live=1):
        """Write one object entry."""
        self.memory.write(self.object_address(object_id),
                          pack(ObjectEntry, generation=generation, cap_type=cap_type, live=live) & (1 << 64) - 1)

    def space_address(self, space):
        """Where a space's entry lies."""
        return self.tables.space_base + SPACE_ENTRY_BYTES * space

    def directory_address(self, space, entry):
        """Where an entry of a space's directory lies."""
        return self._directories + PAGE_BYTES * space + DIRECTORY_ENTRY_BYTES * entry

    def slot_address(self, space, index):
        """Where a slot lies. Raises LookupError when the space has no such slot."""
        try:
            address = _slot_address(self.memory.read, self.tables, space, index)
        except BusError:
            address = None
        if address is None:
            raise LookupError(f"Space {space} has no slot {index}")
        return address

    def object_address(self, object_id):
        """Where an object's entry lies."""
        return self.tables.object_base + OBJECT_ENTRY_BYTES * object_id


def _pages(count):
    return -(-count // PAGE_BYTES) * PAGE_BYTES
