import pytest

from soc import memory_map
from soc.config import SocConfig
from soc.memory_map import layout
from soc.top import SoC

SMALL = [1 << bits for bits in range(16, 25)]


def test_places_in_the_whole_memory():
    """As QEMU has them, which boots the same kernel."""
    whole = layout()
    assert (whole.kernel_base, whole.initrd_base(12345), whole.device_tree_base, whole.loader_base, whole.end) == (
        0x8020_0000, 0x8100_0000, 0x81f0_0000, 0x81ff_c000, 0x8200_0000)
    assert not whole.small


@pytest.mark.parametrize("size", SMALL)
def test_parts_of_a_small_memory_lie_side_by_side(size):
    small = layout(size)
    firmware = small.kernel_base - memory_map.FIRMWARE_BASE
    # One region of physical memory protection, whose granularity is a page.
    assert firmware & (firmware - 1) == 0 and firmware >= 4096 and memory_map.FIRMWARE_BASE % firmware == 0
    assert small.small and small.end == memory_map.FIRMWARE_BASE + size
    assert small.loader_base + memory_map.LOADER_BYTES == small.end
    assert small.kernel_base < small.device_tree_base < small.loader_base
    for bytes_ in (1, 4096, 4097, 20000):
        base = small.initrd_base(bytes_)
        assert base % 4096 == 0 and base + bytes_ <= small.device_tree_base < base + bytes_ + 4096


@pytest.mark.parametrize("size", [0, 1 << 15, 3 << 16, 1 << 26])
def test_sizes_that_are_none(size):
    with pytest.raises(ValueError, match=f"a power of two from 65536 to 33554432 bytes, not {size}"):
        layout(size)


def test_the_bus_ends_where_memory_does():
    soc = SoC(SocConfig.from_json("blockram"))
    soc._MustUse__silence = True
    [window] = [(start, end) for _, name, start, end in soc.memory_map.windows() if name == "memory"]
    assert window == (0x8000_0000, 0x8004_0000)
