"""The image that the boot ROM loads, from flash or over the UART: a header and segments of main memory.

All numbers are little-endian; everything is a multiple of eight bytes. The header (:data:`HEADER_BYTES`) has fields and
a table of segments, whose contents follow in the order of the table without gaps. The last field is the CRC-32 of
everything before it, each segment has its own (zlib's: IEEE 802.3, reflected). Unused fields and entries are zero.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from . import memory_map

__all__ = ["HEADER_BYTES", "HEADER_FIELDS", "MAGIC", "REASONS", "SEGMENTS_MAX", "SEGMENT_FIELDS", "VERSION",
           "Image", "ImageError", "Segment", "pack", "parse", "system_image"]

MAGIC = int.from_bytes(b"VERIDIMG", "little")
VERSION = 1
SEGMENTS_MAX = 8
#: Fields before the table: name, bytes.
HEADER_FIELDS = (
    ("magic", 8),
    ("version", 4),
    ("segments", 4),    # how many
    ("length", 8),      # bytes of header and segments
    ("entry", 8),       # first instruction, in one of the segments
    ("argument", 8),    # handed to it in a1: the device tree
)
SEGMENT_FIELDS = (("address", 8), ("bytes", 4), ("crc", 4))
#: Why an image is refused, in the order of the loader's error numbers from 1 on; the last three only in an upload.
REASONS = {
    "NONE": "no image",
    "VERSION_ERROR": "unknown version",
    "HEADER_CRC": "checksum of the header",
    "SEGMENTS": "number of segments",
    "SEGMENT": "address or size of a segment",
    "LENGTH": "length",
    "ENTRY": "entry outside the segments",
    "SEGMENT_CRC": "checksum of a segment",
    "TRUNCATED": "truncated",
    "TOO_LONG": "longer than its header says",
    "CANCELLED": "cancelled by the sender",
    "LOST": "too many errors on the line",
}
_CODES = {4: "I", 8: "Q"}
_HEADER = struct.Struct("<" + "".join(_CODES[size] for _, size in HEADER_FIELDS))
_SEGMENT = struct.Struct("<" + "".join(_CODES[size] for _, size in SEGMENT_FIELDS))
#: Behind the table: CRC-32, and four bytes of zero.
_END = struct.Struct("<II")
HEADER_BYTES = _HEADER.size + SEGMENTS_MAX * _SEGMENT.size + _END.size
_WORD = 8


class ImageError(ValueError):
    """The bytes are no image, or the contents cannot become one; one line."""


@dataclass(frozen=True)
class Segment:
    """Contents of main memory.

    Attributes
    ----------
    address : int
        First byte, a multiple of eight.
    contents : bytes
        At least one; padded with zeros to a multiple of eight.
    """

    address: int
    contents: bytes

    @property
    def end(self) -> int:
        """First byte behind it, with the padding."""
        return self.address + len(_padded(self.contents))


@dataclass(frozen=True)
class Image:
    """What the loader puts into memory and enters: a0 is the hart, a1 is `argument`."""

    segments: tuple[Segment, ...]
    entry: int
    argument: int = 0


def _padded(contents: bytes) -> bytes:
    return contents + bytes(-len(contents) % _WORD)


def _checked(segments: Iterable[Segment], entry: int) -> tuple[Segment, ...]:
    """The segments by address, if the boot ROM would take them; else :class:`ImageError`."""
    segments = tuple(sorted(segments, key=lambda segment: segment.address))
    memory = memory_map.region("memory")
    end = memory_map.LOADER_BASE
    if not 1 <= len(segments) <= SEGMENTS_MAX:
        raise ImageError(f"an image has 1 to {SEGMENTS_MAX} segments, not {len(segments)}")
    for segment in segments:
        if not segment.contents:
            raise ImageError(f"the segment at {segment.address:#x} is empty")
        if segment.address % _WORD:
            raise ImageError(f"the segment at {segment.address:#x} does not begin at a multiple of {_WORD}")
        if segment.address < memory.base or segment.end > end:
            raise ImageError(f"the segment from {segment.address:#x} to {segment.end:#x} is not in main memory below "
                             f"the boot ROM's own, {memory.base:#x} to {end:#x}")
    for one, other in pairwise(segments):
        if one.end > other.address:
            raise ImageError(f"the segments at {one.address:#x} and {other.address:#x} overlap")
    if entry % 2 or not any(segment.address <= entry < segment.end for segment in segments):
        raise ImageError(f"the entry {entry:#x} is in no segment")
    return segments


def pack(image: Image) -> bytes:
    """The image as bytes.

    Raises
    ------
    ImageError
        For segments or an entry that the boot ROM would refuse, or an argument that is no register's contents.
    """
    segments = _checked(image.segments, image.entry)
    if not 0 <= image.argument < 1 << 64:
        raise ImageError(f"the argument {image.argument:#x} has not 64 bits")
    bodies = [_padded(segment.contents) for segment in segments]
    length = HEADER_BYTES + sum(map(len, bodies))
    header = _HEADER.pack(MAGIC, VERSION, len(segments), length, image.entry, image.argument)
    for segment, body in zip(segments, bodies, strict=True):
        header += _SEGMENT.pack(segment.address, len(body), zlib.crc32(body))
    header = header.ljust(HEADER_BYTES - _END.size, b"\0")
    return header + _END.pack(zlib.crc32(header), 0) + b"".join(bodies)


def parse(content: bytes, *, bounds: tuple[int, int] | None = None) -> Image:
    """The image in `content`; bytes behind its end do not matter.

    Parameters
    ----------
    bounds : tuple of int, optional
        Where segments may lie; default main memory below the boot ROM's own.

    Raises
    ------
    ImageError
        For everything that the boot ROM refuses, with the boot ROM's reason.
    """
    if len(content) < HEADER_BYTES:
        raise ImageError(REASONS["TRUNCATED"])
    magic, version, count, length, entry, argument = _HEADER.unpack_from(content)
    if magic != MAGIC:
        raise ImageError(REASONS["NONE"])
    if version != VERSION:
        raise ImageError(REASONS["VERSION_ERROR"])
    crc, zero = _END.unpack_from(content, HEADER_BYTES - _END.size)
    if zlib.crc32(content[:HEADER_BYTES - _END.size]) != crc or zero:
        raise ImageError(REASONS["HEADER_CRC"])
    if not 1 <= count <= SEGMENTS_MAX:
        raise ImageError(REASONS["SEGMENTS"])
    table = [_SEGMENT.unpack_from(content, _HEADER.size + index * _SEGMENT.size) for index in range(count)]
    lowest, bound = bounds or (memory_map.region("memory").base, memory_map.LOADER_BASE)
    entered = False
    for address, size, _ in table:
        if not size or address % _WORD or size % _WORD or address < lowest or address + size > bound:
            raise ImageError(REASONS["SEGMENT"])
        lowest = address + size
        entered = entered or address <= entry < lowest
    if length != HEADER_BYTES + sum(size for _, size, _ in table):
        raise ImageError(REASONS["LENGTH"])
    if not entered or entry % 2:
        raise ImageError(REASONS["ENTRY"])
    segments, at = [], HEADER_BYTES
    for address, size, crc in table:
        body = content[at:at + size]
        if len(body) < size:
            raise ImageError(REASONS["TRUNCATED"])
        if zlib.crc32(body) != crc:
            raise ImageError(REASONS["SEGMENT_CRC"])
        segments.append(Segment(address, body))
        at += size
    return Image(tuple(segments), entry, argument)


def system_image(firmware: bytes, kernel: bytes, initrd: bytes, tree: bytes) -> Image:
    """Firmware, kernel, initrd and device tree at their places of the memory map, entered at the firmware."""
    parts = ((memory_map.FIRMWARE_BASE, firmware), (memory_map.KERNEL_BASE, kernel),
             (memory_map.INITRD_BASE, initrd), (memory_map.DEVICE_TREE_BASE, tree))
    return Image(tuple(Segment(address, contents) for address, contents in parts if contents),
                 memory_map.FIRMWARE_BASE, memory_map.DEVICE_TREE_BASE)
