import zlib

import pytest

from soc import memory_map
from soc.image import HEADER_BYTES, REASONS, Image, ImageError, Segment, kernel_bytes, pack, parse, system_image

BASE = memory_map.region("memory").base


def test_round_trip_sorts_and_pads():
    image = Image((Segment(BASE + 64, b"later"), Segment(BASE, bytes(16))), BASE + 64, 5)
    content = pack(image)
    assert len(content) == HEADER_BYTES + 24
    assert parse(content) == Image((Segment(BASE, bytes(16)), Segment(BASE + 64, b"later\0\0\0")), BASE + 64, 5)


def test_header_is_as_documented():
    content = pack(Image((Segment(BASE, b"12345678"),), BASE, 7))
    assert content[:8] == b"VERIDIMG"
    numbers = [(8, 4, 1), (12, 4, 1), (16, 8, HEADER_BYTES + 8), (24, 8, BASE), (32, 8, 7), (40, 8, BASE), (48, 4, 8),
               (52, 4, zlib.crc32(b"12345678")), (168, 4, zlib.crc32(content[:168])), (172, 4, 0)]
    assert all(int.from_bytes(content[at:at + size], "little") == value for at, size, value in numbers)
    assert HEADER_BYTES == 176


@pytest.mark.parametrize("segments, entry, message", [
    ((), BASE, "an image has 1 to 8 segments, not 0"),
    ((Segment(BASE, b""),), BASE, "the segment at 0x80000000 is empty"),
    ((Segment(BASE + 4, b"x"),), BASE, "the segment at 0x80000004 does not begin at a multiple of 8"),
    ((Segment(0x1000, b"x"),), 0x1000, "the segment from 0x1000 to 0x1008 is not in main memory below"),
    ((Segment(memory_map.LOADER_BASE, b"x"),), BASE, "is not in main memory below"),
    ((Segment(BASE, bytes(9)), Segment(BASE + 8, b"x")), BASE, "the segments at 0x80000000 and 0x80000008 overlap"),
    ((Segment(BASE, b"x"),), BASE + 8, "the entry 0x80000008 is in no segment"),
    ((Segment(BASE, b"x"),), BASE + 1, "the entry 0x80000001 is in no segment"),
])
def test_what_cannot_be_packed(segments, entry, message):
    with pytest.raises(ImageError) as caught:
        pack(Image(segments, entry))
    assert message in str(caught.value)


@pytest.mark.parametrize("argument", [-1, 1 << 64])
def test_argument_that_is_no_register(argument):
    with pytest.raises(ImageError, match="the argument .* has not 64 bits"):
        pack(Image((Segment(BASE, b"x"),), BASE, argument))


@pytest.mark.parametrize("change, reason", [
    (lambda content: content[:100], "TRUNCATED"),
    (lambda content: content[:-8], "TRUNCATED"),
    (lambda content: b"v" + content[1:], "NONE"),
    (lambda content: content[:8] + b"\2" + content[9:], "VERSION_ERROR"),
    (lambda content: content[:100] + b"\1" + content[101:], "HEADER_CRC"),
    (lambda content: content[:-1] + b"\1", "SEGMENT_CRC"),
])
def test_what_is_refused(change, reason):
    with pytest.raises(ImageError) as caught:
        parse(change(pack(Image((Segment(BASE, bytes(24)),), BASE))))
    assert str(caught.value) == REASONS[reason]


def test_system_image():
    image = system_image(b"firmware", b"kernel", b"", b"tree")
    assert [segment.address for segment in image.segments] == [
        memory_map.FIRMWARE_BASE, memory_map.KERNEL_BASE, memory_map.DEVICE_TREE_BASE]
    assert (image.entry, image.argument) == (memory_map.FIRMWARE_BASE, memory_map.DEVICE_TREE_BASE)


def kernel_of(memory, file=64):
    """A kernel image that says how much memory it wants."""
    return (bytes(16) + memory.to_bytes(8, "little") + bytes(24) + b"RISCV\0\0\0RSC\5" + bytes(4)).ljust(file, b"k")


def test_memory_that_a_kernel_wants():
    assert kernel_bytes(kernel_of(0x1_d000)) == 0x1_d000
    assert kernel_bytes(kernel_of(5, file=100)) == 100
    assert kernel_bytes(b"anything") == 8


SMALL = memory_map.layout(256 << 10)


def test_system_image_for_a_small_memory():
    image = system_image(b"firmware", kernel_of(0x1_d000), bytes(5000), b"tree", SMALL)
    assert [segment.address for segment in image.segments] == [0x8000_0000, 0x8000_2000, 0x8003_9000, 0x8003_b000]
    assert (image.entry, image.argument) == (0x8000_0000, 0x8003_b000)
    assert parse(pack(image, SMALL), bounds=(BASE, SMALL.loader_base)).argument == 0x8003_b000


def test_segments_end_where_the_boot_rom_begins():
    with pytest.raises(ImageError, match="is not in main memory below"):
        pack(Image((Segment(SMALL.loader_base, b"x"),), SMALL.loader_base), SMALL)


def test_the_largest_that_fits_and_what_does_not():
    """By a page: what is wanted, of how much."""
    room = SMALL.device_tree_base - SMALL.kernel_base
    system_image(b"f", kernel_of(room - 8192), bytes(8192), b"t", SMALL)
    with pytest.raises(ImageError) as caught:
        system_image(b"f", kernel_of(room - 8191), bytes(8192), b"t", SMALL)
    assert str(caught.value) == (
        f"the image wants {SMALL.loader_base - BASE + 4096} bytes of main memory with each part on its own pages "
        f"(firmware 1, kernel {room - 8191}, initrd 8192, device tree 1), and there are 245760 of 262144 below the "
        "boot ROM's own")
    with pytest.raises(ImageError, match="the image wants"):
        system_image(bytes(8193), b"k", b"i", b"t", SMALL)
    with pytest.raises(ImageError, match="the kernel of 14680065 bytes at 0x80200000 reaches beyond 0x81000000"):
        system_image(b"f", kernel_of((14 << 20) + 1), b"i", b"t")
