"""Each field action on its own port, cycle by cycle."""

import pytest

from hw.bus.field import RW, RW1C, Access, External, R, Reserved, W
from tests.hw.bus.bench import idle, run


async def write(ctx, field, value, mask):
    """One cycle of a write."""
    ctx.set(field.port.w_data, value)
    ctx.set(field.port.w_mask, mask)
    ctx.set(field.port.w_stb, 1)
    await ctx.tick()
    ctx.set(field.port.w_stb, 0)


def test_storage():
    dut = RW(8, init=0x5a)

    async def testbench(ctx):
        assert (ctx.get(dut.data), ctx.get(dut.port.r_data), ctx.get(dut.w_stb)) == (0x5a, 0x5a, 0)
        await write(ctx, dut, 0xff, 0x0f)
        assert (ctx.get(dut.data), ctx.get(dut.w_stb)) == (0x5f, 1)
        await idle(ctx, 1)
        assert (ctx.get(dut.port.r_data), ctx.get(dut.w_stb)) == (0x5f, 0)
        # A store beside the field is none to it.
        await write(ctx, dut, 0, 0)
        assert (ctx.get(dut.data), ctx.get(dut.w_stb)) == (0x5f, 0)

    run(dut, testbench)


def test_sticky():
    dut = RW1C(4, init=0b1000)

    async def testbench(ctx):
        ctx.set(dut.set, 0b0011)
        await ctx.tick()
        ctx.set(dut.set, 0)
        assert ctx.get(dut.data) == 0b1011
        await write(ctx, dut, 0b1001, 0b1110)
        assert ctx.get(dut.port.r_data) == 0b0011
        # Set and cleared in one cycle: an event is not lost.
        ctx.set(dut.set, 0b0001)
        await write(ctx, dut, 0b0011, 0b1111)
        ctx.set(dut.set, 0)
        assert ctx.get(dut.data) == 0b0001

    run(dut, testbench)


def test_strobes():
    for dut in (W(8), R(8)):
        async def testbench(ctx, dut=dut):
            if isinstance(dut, W):
                ctx.set(dut.port.w_data, 0x42)
                ctx.set(dut.port.w_stb, 1)
                for mask, strobe in ((0, 0), (0x7f, 0), (0xff, 1)):
                    ctx.set(dut.port.w_mask, mask)
                    assert (ctx.get(dut.w_stb), ctx.get(dut.w_data)) == (strobe, 0x42)
            else:
                ctx.set(dut.r_data, 0x24)
                ctx.set(dut.port.r_stb, 1)
                assert (ctx.get(dut.port.r_data), ctx.get(dut.r_stb)) == (0x24, 1)

        run(dut, testbench, clocked=False)


def test_external():
    dut = External(8, "w")

    async def testbench(ctx):
        ctx.set(dut.port.w_data, 0x42)
        ctx.set(dut.port.w_mask, 0xf0)
        ctx.set(dut.port.w_stb, 1)
        ctx.set(dut.bus.r_data, 7)
        assert (ctx.get(dut.bus.w_data), ctx.get(dut.bus.w_mask), ctx.get(dut.bus.w_stb)) == (0x42, 0xf0, 1)
        assert ctx.get(dut.port.r_data) == 7

    run(dut, testbench, clocked=False)


def test_access():
    assert [(access.readable(), access.writable()) for access in Access] == [
        (True, False), (False, True), (True, True)]
    assert (External(1, "w").access, Reserved(3).access, RW1C(1).access) == (Access.W, Access.R, Access.RW)


@pytest.mark.parametrize("action", [R, W, RW, RW1C, Reserved])
def test_no_bits(action):
    with pytest.raises(ValueError, match="has no bits"):
        action(0)


def test_bad_access():
    with pytest.raises(ValueError, match="'x' is not a valid Access"):
        External(8, "x")
