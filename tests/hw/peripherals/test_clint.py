import pytest

from hw.bus.register import registers
from hw.peripherals.clint import Clint
from tests.hw.bus.bench import BusError, Initiator, idle, run

MTIMECMP, MTIME = 0x4000, 0xbff8


def test_time():
    dut = Clint(divider=3)

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        await idle(ctx, 30)
        assert ctx.get(dut.time) == 10
        await bus.write(MTIME, 0xffff_fff0_ffff_fffe, 8)
        await idle(ctx, 6)
        assert await bus.read(MTIME + 4) == 0xffff_fff1
        await bus.write(MTIME + 4, 5)
        low = await bus.read(MTIME)
        assert await bus.read(MTIME, 8) >> 32 == 5
        assert low < 8
        before, cycle = ctx.get(dut.time), 0
        while ctx.get(dut.time) == before:
            await ctx.tick()
        before = ctx.get(dut.time)
        while ctx.get(dut.time) == before:
            await ctx.tick()
            cycle += 1
        assert cycle == 3

    run(dut, testbench)


def test_every_clock():
    dut = Clint()

    async def testbench(ctx):
        await idle(ctx, 25)
        assert ctx.get(dut.time) == 25

    run(dut, testbench)


def test_timer_interrupt():
    dut = Clint(harts=2)
    answered = []

    async def watch(ctx):
        async for _, _, ack, we, mtip in ctx.tick().sample(dut.bus.ack, dut.bus.we, dut.mtip):
            if ack and we:
                answered.append(mtip)

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        assert await bus.read(MTIMECMP, 8) == 2**64 - 1
        await bus.write(MTIMECMP + 8, 100, 8)
        while not ctx.get(dut.mtip):
            await ctx.tick()
        assert ctx.get(dut.mtip) == 0b10
        assert ctx.get(dut.time) in (100, 101)
        # From the cycle of the answer on, the line is low.
        await bus.write(MTIMECMP + 8, 1000, 8)
        assert ctx.get(dut.mtip) == 0
        await idle(ctx, 1)
        assert answered[-1] == 0
        # As RV32 software does it: high half first.
        await bus.write(MTIMECMP + 12, 0xffff_ffff)
        await bus.write(MTIMECMP + 8, 0)
        await bus.write(MTIMECMP + 12, 0)
        await idle(ctx, 2)
        assert ctx.get(dut.mtip) == 0b10
        await bus.write(MTIMECMP, 0, 8)
        await idle(ctx, 2)
        assert ctx.get(dut.mtip) == 0b11

    run(dut, testbench, background=[watch])


def test_software_interrupt():
    dut = Clint(harts=3)

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        for hart in range(3):
            await bus.write(4 * hart, 0xffff_ffff)
            assert ctx.get(dut.msip) == 1 << hart
            assert await bus.read(4 * hart) == 1
            await bus.write(4 * hart, 0)
        assert ctx.get(dut.msip) == 0
        with pytest.raises(BusError):
            await bus.read(12)
        with pytest.raises(BusError):
            await bus.write(MTIMECMP + 24, 0)

    run(dut, testbench)


def test_map():
    found = [(info.name, info.offset, info.width) for info in registers(Clint(harts=2).bus.memory_map)]
    assert found == [("msip_0", 0, 32), ("msip_1", 4, 32), ("mtimecmp_0", 0x4000, 64),
                     ("mtimecmp_1", 0x4008, 64), ("mtime", 0xbff8, 64)]


@pytest.mark.parametrize(("arguments", "message"), [
    ({"harts": 0}, "Number of harts must be an integer from 1 to 4095, not 0"),
    ({"harts": 4096}, "Number of harts must be an integer from 1 to 4095, not 4096"),
    ({"divider": 0}, "Divider must be a positive integer, not 0"),
    ({"divider": 1.5}, "Divider must be a positive integer, not 1.5"),
])
def test_bad_parameters(arguments, message):
    with pytest.raises(ValueError, match=message):
        Clint(**arguments)
