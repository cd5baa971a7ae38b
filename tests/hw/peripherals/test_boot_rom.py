import pytest

from hw.peripherals.boot_rom import BootRom
from tests.hw.bus.bench import BusError, Initiator, run


def test_contents():
    contents = bytes(range(1, 30))
    dut = BootRom(contents)

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        for address in range(0, 28, 4):
            assert await bus.read(address) == int.from_bytes(contents[address:address + 4], "little")
        assert await bus.read(28, 1) == 29
        assert await bus.read(0xff8, 8) == 0
        with pytest.raises(BusError):
            await bus.write(0, 0)
        assert await bus.read(0) == 0x04030201

    run(dut, testbench)


def test_map():
    info, = BootRom(b"\x13").bus.memory_map.all_resources()
    assert (info.path, info.start, info.end, info.resource.writable) == (("boot_rom",), 0, 0x1000, False)


@pytest.mark.parametrize(("contents", "size", "error", "message"), [
    ("text", 4096, TypeError, "Contents must be bytes, not 'text'"),
    (b"", 4096, ValueError, "Contents are empty"),
    (bytes(4097), 4096, ValueError, "do not fit 4096 bytes"),
    (b"x", 3000, ValueError, "Size must be a power of two"),
])
def test_bad_parameters(contents, size, error, message):
    with pytest.raises(error, match=message):
        BootRom(contents, size=size)
