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
           "Image", "ImageError", "Segment", "kernel_bytes", "pack", "parse", "system_image"]

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


def _checked(segments: Iterable[Segment], entry: int, layout: memory_map.Layout) -> tuple[Segment, ...]:
    """The segments by address, if the boot ROM would take them; else :class:`ImageError`."""
    segments = tuple(sorted(segments, key=lambda segment: segment.address))
    memory = memory_map.region("memory")
    end = layout.loader_base
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


def pack(image: Image, layout: memory_map.Layout = memory_map.layout()) -> bytes:
    """The image as bytes, for a main memory with `layout`.

    Raises
    ------
    ImageError
        For segments or an entry that the boot ROM would refuse, or an argument that is no register's contents.
    """
    segments = _checked(image.segments, image.entry, layout)
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


#: RISC-V boot image header (Linux, Documentation/arch/riscv/boot-image-header.rst): where it holds the memory that the
#: kernel wants, and what it is known by.
_KERNEL_SIZE, _KERNEL_MAGIC, _KERNEL_MAGIC_AT = struct.Struct("<Q"), b"RISCV\0\0\0RSC\5", 48
_KERNEL_SIZE_AT = 16


def kernel_bytes(kernel: bytes) -> int:
    """How much memory a flat kernel image wants, with what is not in the file; without a header its own size."""
    if kernel[_KERNEL_MAGIC_AT:].startswith(_KERNEL_MAGIC):
        return max(len(kernel), _KERNEL_SIZE.unpack_from(kernel, _KERNEL_SIZE_AT)[0])
    return len(kernel)


def system_image(firmware: bytes, kernel: bytes, initrd: bytes, tree: bytes,
                 layout: memory_map.Layout = memory_map.layout()) -> Image:
    """Firmware, kernel, initrd and device tree at their places, entered at the firmware.

    Raises
    ------
    ImageError
        When one reaches into the next, or into the boot ROM's memory, with the size that all want and the limit.
    """
    start, initrd_base = memory_map.FIRMWARE_BASE, layout.initrd_base(len(initrd))
    sizes = {"firmware": len(firmware), "kernel": kernel_bytes(kernel), "initrd": len(initrd), "device tree": len(tree)}
    places = (start, layout.kernel_base, initrd_base, layout.device_tree_base)
    limits = (layout.kernel_base, initrd_base, layout.device_tree_base, layout.loader_base)
    for (name, size), place, limit in zip(sizes.items(), places, limits, strict=True):
        if place + size > limit:
            parts = ", ".join(f"{part} {bytes_}" for part, bytes_ in sizes.items())
            if layout.small:
                wanted = sum(limits[i] - places[i] for i in (0, 3)) + sum(
                    -(-sizes[part] // memory_map.PAGE_BYTES) * memory_map.PAGE_BYTES for part in ("kernel", "initrd"))
                raise ImageError(f"the image wants {wanted} bytes of main memory with each part on its own pages "
                                 f"({parts}), and there are {layout.loader_base - start} of {layout.memory_bytes} "
                                 "below the boot ROM's own")
            raise ImageError(f"the {name} of {size} bytes at {place:#x} reaches beyond {limit:#x} ({parts})")
    contents = zip(places, (firmware, kernel, initrd, tree), strict=True)
    return Image(tuple(Segment(address, content) for address, content in contents if content), start,
                 layout.device_tree_base)
