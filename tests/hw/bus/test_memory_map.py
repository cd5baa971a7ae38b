import pytest

from hw.bus.memory_map import MemoryBlock, MemoryMap


def test_resources_and_windows():
    inner = MemoryMap(addr_width=8)
    first, second = object(), object()
    assert inner.add_resource(first, name="first", size=4) == (0, 4)
    assert inner.add_resource(second, name="second", size=8, alignment=3) == (8, 16)
    outer = MemoryMap(addr_width=16, alignment=3)
    block = MemoryBlock(64)
    assert outer.add_resource(block, name="block", size=64, addr=0x400) == (0x400, 0x440)
    assert outer.add_window(inner, name="inner", addr=0x100) == (0x100, 0x200)
    assert [(info.path, info.start, info.end) for info in outer.all_resources()] == [
        (("inner", "first"), 0x100, 0x104), (("inner", "second"), 0x108, 0x110), (("block",), 0x400, 0x440)]
    assert list(outer.resources()) == [(block, "block", 0x400, 0x440)]
    assert list(outer.windows()) == [(inner, "inner", 0x100, 0x200)]
    assert outer.decode_address(0x103) is first
    assert outer.decode_address(0x104) is None
    assert outer.decode_address(0x43f) is block
    assert outer.find_resource(second).start == 0x108
    with pytest.raises(KeyError):
        outer.find_resource(object())


def test_implicit_addresses():
    memory_map = MemoryMap(addr_width=8, alignment=2)
    assert memory_map.add_resource(object(), name="a", size=1) == (0, 1)
    assert memory_map.add_resource(object(), name="b", size=1) == (4, 5)
    assert memory_map.align_to(5) == 32
    assert memory_map.add_resource(object(), name="c", size=4) == (32, 36)
    assert memory_map.add_window(MemoryMap(addr_width=6), name="w") == (64, 128)


def test_windows_are_frozen():
    inner = MemoryMap(addr_width=4)
    MemoryMap(addr_width=8).add_window(inner, name="inner")
    with pytest.raises(ValueError, match="frozen"):
        inner.add_resource(object(), name="late", size=1)


def test_refused():
    memory_map = MemoryMap(addr_width=8, alignment=2)
    known = object()
    memory_map.add_resource(known, name="known", size=8, addr=0x10)
    for arguments, error, message in [
        ({"name": "x", "size": 8, "addr": 0x14}, ValueError, "overlaps 'known' at 0x10..0x18"),
        ({"name": "x", "size": 32, "addr": 0x0}, ValueError, "overlaps"),
        ({"name": "x", "size": 4, "addr": 0x16}, ValueError, "multiple of 0x4"),
        ({"name": "x", "size": 4, "addr": 0x14, "alignment": 3}, ValueError, "multiple of 0x8"),
        ({"name": "x", "size": 4, "addr": 0x100}, ValueError, "out of bounds"),
        ({"name": "x", "size": 257}, ValueError, "out of bounds"),
        ({"name": "known", "size": 4}, ValueError, "already used"),
        ({"name": "", "size": 4}, TypeError, "non-empty string"),
        ({"name": "x", "size": 0}, TypeError, "Size must be a positive integer, not 0"),
        ({"name": "x", "size": 4, "addr": -4}, TypeError, "Address must be a non-negative"),
        ({"name": "x", "size": 4, "alignment": -1}, TypeError, "Alignment must be"),
    ]:
        with pytest.raises(error, match=message):
            memory_map.add_resource(object(), **arguments)
    with pytest.raises(ValueError, match="already in the memory map as 'known'"):
        memory_map.add_resource(known, name="again", size=4)
    with pytest.raises(TypeError, match="Window must be a MemoryMap"):
        memory_map.add_window(known, name="again")
    with pytest.raises(ValueError, match="multiple of 0x40"):
        memory_map.add_window(MemoryMap(addr_width=6), name="w", addr=0x20)
    # Nothing refused has left a trace.
    assert len(list(memory_map.all_resources())) == 1


@pytest.mark.parametrize(("arguments", "message"), [
    ({"addr_width": 0}, "Address width must be a positive integer, not 0"),
    ({"addr_width": "a"}, "Address width must be a positive integer, not 'a'"),
    ({"addr_width": 8, "alignment": -1}, "Alignment must be a non-negative integer, not -1"),
])
def test_bad_parameters(arguments, message):
    with pytest.raises(TypeError, match=message):
        MemoryMap(**arguments)
