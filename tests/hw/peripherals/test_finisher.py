import pytest

from hw.bus.register import registers
from hw.peripherals.finisher import Finisher
from tests.hw.bus.bench import BusError, Initiator, idle, run


@pytest.mark.parametrize(("stored", "size", "failed", "code"), [
    (0x5555, 4, 0, 0),
    (0x5555, 2, 0, 0),
    (0x0007_5555, 4, 0, 0),
    (0x3333 | 42 << 16, 4, 1, 42),
    (0x3333, 4, 1, 0),
    (0x3333, 2, 1, 0),
])
def test_end(stored, size, failed, code):
    dut = Finisher()

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        assert await bus.read(0) == 0
        assert ctx.get(dut.done) == 0
        await bus.write(0, stored, size)
        for _ in range(3):
            assert (ctx.get(dut.done), ctx.get(dut.failed), ctx.get(dut.code)) == (1, failed, code)
            await ctx.tick()
        # The first end counts.
        await bus.write(0, 0x3333 | 7 << 16)
        assert (ctx.get(dut.failed), ctx.get(dut.code), ctx.get(dut.reset)) == (failed, code, 0)

    run(dut, testbench)


def test_reset():
    dut = Finisher()
    strobes = []

    async def watch(ctx):
        async for _, _, reset in ctx.tick().sample(dut.reset):
            strobes.append(reset)

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        await bus.write(0, 0x7777)
        await idle(ctx, 5)
        await bus.write(0, 0x1_7777)
        await idle(ctx, 5)
        assert sum(strobes) == 2
        assert ctx.get(dut.done) == 0

    run(dut, testbench, background=[watch])


def test_nothing_else_ends():
    dut = Finisher()

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        for stored in (0, 0x5554, 0x5555_0000, 0x1234_5678):
            await bus.write(0, stored)
        await bus.write(0, 0x55, 1)
        await bus.write(1, 0x55, 1)
        with pytest.raises(BusError):
            await bus.write(4, 0x5555)
        await idle(ctx, 3)
        assert (ctx.get(dut.done), ctx.get(dut.reset)) == (0, 0)

    run(dut, testbench)


def test_map():
    info, = registers(Finisher().bus.memory_map)
    assert (info.name, info.offset, info.width) == ("control", 0, 32)
    assert dict(info.fields[0].values) == {"NONE": 0, "FAIL": 0x3333, "PASS": 0x5555, "RESET": 0x7777}
