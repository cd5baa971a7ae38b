"""Memory maps: what lies where behind a bus, as data.

A map holds *resources* (registers, memories) and *windows* (other maps). Addresses count bytes, whatever the
bus. The SVD, the C headers and the decoders are made from it.
"""

from bisect import insort
from dataclasses import dataclass

__all__ = ["MemoryBlock", "MemoryMap", "ResourceInfo"]


@dataclass(frozen=True)
class MemoryBlock:
    """A resource that is plain memory.

    Attributes
    ----------
    size : int
        Bytes.
    writable : bool
        False for a ROM.
    """

    size: int
    writable: bool = True


@dataclass(frozen=True)
class ResourceInfo:
    """One resource as seen from the map it was asked of.

    Attributes
    ----------
    resource : object
        What was given to :meth:`MemoryMap.add_resource`.
    path : tuple of str
        Names of the windows it lies in, then its own.
    start, end : int
        Byte addresses; `end` is the first one behind it.
    """

    resource: object
    path: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, order=True)
class _Range:
    start: int
    end: int
    name: str
    content: object = None


class MemoryMap:
    """Resources and windows in one address space.

    Parameters
    ----------
    addr_width : int
        Address bits, in bytes: the map spans ``2 ** addr_width`` bytes.
    alignment : int
        Log2 of the smallest distance that a resource or window is aligned to.

    Raises
    ------
    TypeError, ValueError
        For a width that is not a positive integer or an alignment that is not a non-negative one.
    """

    def __init__(self, *, addr_width, alignment=0):
        if not isinstance(addr_width, int) or addr_width <= 0:
            raise TypeError(f"Address width must be a positive integer, not {addr_width!r}")
        _check_alignment(alignment)
        self.addr_width = addr_width
        self.alignment = alignment
        self._ranges = []
        self._next = 0
        self._frozen = False

    @property
    def size(self):
        """Bytes that the map spans."""
        return 1 << self.addr_width

    def freeze(self):
        """Refuse any later addition; a map becomes a window in this state only."""
        self._frozen = True

    def add_resource(self, resource, *, name, size, addr=None, alignment=None):
        """Place a resource.

        Parameters
        ----------
        resource : object
            A register, a :class:`MemoryBlock`, ...
        name : str
            Unique in this map.
        size : int
            Bytes.
        addr : int, optional
            First byte; default the next free one behind the last addition.
        alignment : int, optional
            Log2, for this resource, when greater than the map's.

        Returns
        -------
        tuple of int
            Start and end.

        Raises
        ------
        TypeError, ValueError
            Bad argument; frozen map; resource twice; name taken; misaligned, out of bounds or overlapping.
        """
        if not isinstance(size, int) or size <= 0:
            raise TypeError(f"Size must be a positive integer, not {size!r}")
        alignment = self.alignment if alignment is None else alignment
        _check_alignment(alignment)
        return self._place(resource, name, size, addr, max(alignment, self.alignment))

    def add_window(self, window, *, name, addr=None):
        """Place another map, aligned to its size. It is frozen by that.

        Parameters
        ----------
        window : MemoryMap
            The map to see through the window.
        name : str
            Unique in this map.
        addr : int, optional
            First byte; default the next free one behind the last addition.

        Returns
        -------
        tuple of int
            Start and end.

        Raises
        ------
        TypeError, ValueError
            As :meth:`add_resource`.
        """
        if not isinstance(window, MemoryMap):
            raise TypeError(f"Window must be a MemoryMap, not {window!r}")
        placed = self._place(window, name, window.size, addr, max(window.addr_width, self.alignment))
        window.freeze()
        return placed

    def align_to(self, alignment):
        """Move the implicit next address up to a multiple of ``2 ** alignment`` and return it."""
        _check_alignment(alignment)
        self._next = _round_up(self._next, max(alignment, self.alignment))
        return self._next

    def resources(self):
        """Resources of this map alone: (resource, name, start, end), by address."""
        for entry in self._ranges:
            if not isinstance(entry.content, MemoryMap):
                yield entry.content, entry.name, entry.start, entry.end

    def windows(self):
        """Windows of this map: (map, name, start, end), by address."""
        for entry in self._ranges:
            if isinstance(entry.content, MemoryMap):
                yield entry.content, entry.name, entry.start, entry.end

    def all_resources(self):
        """Resources of this map and of its windows, by address, as :class:`ResourceInfo`."""
        for entry in self._ranges:
            if not isinstance(entry.content, MemoryMap):
                yield ResourceInfo(entry.content, (entry.name,), entry.start, entry.end)
                continue
            for inner in entry.content.all_resources():
                yield ResourceInfo(inner.resource, (entry.name, *inner.path), entry.start + inner.start,
                                   entry.start + inner.end)

    def find_resource(self, resource):
        """The :class:`ResourceInfo` of a resource. Raises KeyError when it is nowhere."""
        for info in self.all_resources():
            if info.resource is resource:
                return info
        raise KeyError(resource)

    def decode_address(self, address):
        """The resource at a byte address, or None."""
        for info in self.all_resources():
            if info.start <= address < info.end:
                return info.resource
        return None

    def _place(self, content, name, size, addr, alignment):
        if self._frozen:
            raise ValueError("Memory map has been frozen; nothing can be added to it")
        if not isinstance(name, str) or not name:
            raise TypeError(f"Name must be a non-empty string, not {name!r}")
        for entry in self._ranges:
            if entry.content is content:
                raise ValueError(f"{name!r} is already in the memory map as {entry.name!r}")
            if entry.name == name:
                raise ValueError(f"Name {name!r} is already used at {entry.start:#x}..{entry.end:#x}")
        if addr is None:
            addr = _round_up(self._next, alignment)
        if not isinstance(addr, int) or addr < 0:
            raise TypeError(f"Address must be a non-negative integer, not {addr!r}")
        if addr % (1 << alignment):
            raise ValueError(f"Address {addr:#x} of {name!r} must be a multiple of {1 << alignment:#x}")
        end = addr + size
        if end > self.size:
            raise ValueError(f"{name!r} at {addr:#x}..{end:#x} is out of bounds: the map spans "
                             f"{self.size:#x} bytes")
        for entry in self._ranges:
            if addr < entry.end and entry.start < end:
                raise ValueError(f"{name!r} at {addr:#x}..{end:#x} overlaps {entry.name!r} at "
                                 f"{entry.start:#x}..{entry.end:#x}")
        insort(self._ranges, _Range(addr, end, name, content), key=lambda entry: entry.start)
        self._next = _round_up(end, self.alignment)
        return addr, end


def _check_alignment(alignment):
    if not isinstance(alignment, int) or alignment < 0:
        raise TypeError(f"Alignment must be a non-negative integer, not {alignment!r}")


def _round_up(address, alignment):
    return -(-address >> alignment) << alignment
