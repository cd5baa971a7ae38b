import pytest

from hw.bus.memory_map import MemoryBlock
from hw.bus.sram import Sram
from hw.bus.wishbone import BurstTypeExt, CycleType
from tests.hw.bus.bench import BusError, Initiator, idle, run


def test_read_and_write():
    dut = Sram(256, init=bytes(range(20)))

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        assert await bus.read(0, 8) == 0x0706050403020100
        assert bus.cycles == 2
        assert await bus.read(0x10, 8) == 0x13121110
        await bus.write(0x13, 0xab, 1)
        await bus.write(0x14, 0xdeadbeef)
        await bus.write(0xf8, 0x0123456789abcdef, 8)
        assert await bus.read(0x10, 8) == 0xdeadbeefab121110
        assert await bus.read(0xfe, 2) == 0x0123

    run(dut, testbench)


@pytest.mark.parametrize(("mode", "start", "order"), [
    (BurstTypeExt.LINEAR, 3, [3, 4, 5, 6, 7]),
    (BurstTypeExt.WRAP_4, 6, [6, 7, 4, 5]),
    (BurstTypeExt.WRAP_8, 13, [13, 14, 15, 8, 9, 10, 11, 12]),
    (BurstTypeExt.WRAP_16, 15, [15, *range(15)]),
])
@pytest.mark.parametrize("waits", [False, True])
def test_bursts(mode, start, order, waits):
    """A beat a cycle behind the first; wait cycles of the initiator lose nothing."""
    dut = Sram(256, init=[100 + word for word in range(32)])

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        ctx.set(dut.bus.bte, mode)
        for number, word in enumerate(order):
            last = number == len(order) - 1
            cti = CycleType.END_OF_BURST if last else CycleType.INCR_BURST
            assert await bus.word(8 * word, burst=cti, keep=not last) == 100 + word
            assert bus.cycles == (2 if number == 0 else 1)
            if waits and not last:
                ctx.set(dut.bus.adr, 0)
                await idle(ctx, number)
        for number, word in enumerate(order):
            last = number == len(order) - 1
            cti = CycleType.END_OF_BURST if last else CycleType.INCR_BURST
            await bus.word(8 * word, write=word << 32, sel=0xf0, burst=cti, keep=not last)
            assert bus.cycles == (2 if number == 0 else 1)
        for word in order:
            assert await bus.read(8 * word, 8) == word << 32 | 100 + word

    run(dut, testbench)


def test_constant_burst():
    dut = Sram(64, init=[7, 8, 9])

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        for _ in range(3):
            assert await bus.word(8, burst=CycleType.CONST_BURST, keep=True) == 8
        assert await bus.word(8, burst=CycleType.END_OF_BURST) == 8
        assert bus.cycles == 1
        assert await bus.read(16, 8) == 9

    run(dut, testbench)


def test_rom():
    dut = Sram(64, init=[1, 2], writable=False, name="rom")

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        with pytest.raises(BusError):
            await bus.write(0, 5, 8)
        assert await bus.read(0, 8) == 1
        assert await bus.read(8, 8) == 2

    run(dut, testbench)


def test_memory_map():
    info, = Sram(64, writable=False, name="rom").bus.memory_map.all_resources()
    assert (info.resource, info.path, info.start, info.end) == (MemoryBlock(64, False), ("rom",), 0, 64)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"size": 100}, "Size must be a power of two of at least 16 bytes, not 100"),
    ({"size": 8}, "Size must be"),
    ({"size": "64"}, "Size must be"),
    ({"size": 16, "init": bytes(17)}, "Contents of 24 bytes do not fit 16 bytes"),
    ({"size": 16, "init": [1, 2, 3]}, "do not fit"),
])
def test_bad_parameters(arguments, message):
    with pytest.raises(ValueError, match=message):
        Sram(**arguments)
