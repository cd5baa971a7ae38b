import pytest
from amaranth.hdl import Module

from hw.bus import wishbone
from hw.bus.arbiter import Arbiter
from hw.bus.sram import Sram
from hw.bus.wishbone import CycleType
from tests.hw.bus.bench import Initiator, idle, run

SIGNATURE = wishbone.Signature(addr_width=6, data_width=64, granularity=8,
                               features=("err", "lock", "cti", "bte"))
PLAIN = wishbone.Signature(addr_width=6, data_width=64, granularity=8, features=("err",))


def bench(*signatures):
    m = Module()
    m.submodules.arbiter = arbiter = Arbiter(SIGNATURE)
    m.submodules.sram = sram = Sram(512, init=range(64))
    initiators = [signature.create(path=(f"initiator_{number}",)) for number, signature in enumerate(signatures)]
    for initiator in initiators:
        arbiter.add(initiator)
    for name in ("adr", "dat_w", "sel", "cyc", "stb", "we", "cti", "bte"):
        m.d.comb += getattr(sram.bus, name).eq(getattr(arbiter.bus, name))
    for name in ("dat_r", "ack", "err"):
        m.d.comb += getattr(arbiter.bus, name).eq(getattr(sram.bus, name))
    return m, initiators


def test_round_robin():
    """Initiators that want the bus at every moment get it in turn, and each its own data."""
    design, initiators = bench(SIGNATURE, PLAIN, SIGNATURE)
    order = []

    def user(number):
        async def testbench(ctx):
            bus = Initiator(ctx, initiators[number])
            for turn in range(5):
                word = 16 * number + turn
                assert await bus.word(8 * word) == word
                order.append(number)
                await ctx.tick()
        return testbench

    run(design, *(user(number) for number in range(3)))
    assert order == [0, 1, 2] * 5


def test_another_owner_costs_a_cycle():
    """Who had the bus last pays nothing for having it again."""
    design, initiators = bench(SIGNATURE, SIGNATURE)

    async def testbench(ctx):
        for initiator, cycles in ((0, 2), (1, 3), (1, 2), (0, 3)):
            bus = Initiator(ctx, initiators[initiator])
            assert await bus.word(8 * 5) == 5
            assert bus.cycles == cycles

    run(design, testbench)


def test_burst_is_not_cut():
    design, initiators = bench(SIGNATURE, SIGNATURE)
    seen = []

    async def burst(ctx):
        bus = Initiator(ctx, initiators[0])
        for beat in range(8):
            cti = CycleType.END_OF_BURST if beat == 7 else CycleType.INCR_BURST
            assert await bus.word(8 * beat, burst=cti, keep=beat != 7) == beat
            seen.append("burst")

    async def other(ctx):
        await ctx.tick()
        bus = Initiator(ctx, initiators[1])
        assert await bus.word(8 * 40) == 40
        seen.append("other")

    run(design, burst, other)
    assert seen == ["burst"] * 8 + ["other"]


def test_cycle_is_kept_between_transfers():
    """A read-modify-write under one `cyc` is atomic, whether the initiator pauses `stb` or not."""
    design, initiators = bench(SIGNATURE, SIGNATURE, PLAIN)

    def user(number):
        async def testbench(ctx):
            bus = Initiator(ctx, initiators[number])
            for turn in range(10):
                ctx.set(initiators[number].lock, 1)
                value = await bus.word(0, keep=True)
                await idle(ctx, turn % 3)
                await bus.word(0, write=value + 1)
                ctx.set(initiators[number].lock, 0)
                await ctx.tick()
        return testbench

    async def check(ctx):
        await idle(ctx, 400)
        assert await Initiator(ctx, initiators[2]).word(0) == 20

    run(design, user(0), user(1), check)


def test_refused():
    arbiter = Arbiter(SIGNATURE)
    with pytest.raises(TypeError, match="Initiator must be a wishbone.Interface"):
        arbiter.add(5)
    with pytest.raises(ValueError, match="Initiator has addr_width 5, the arbiter 6"):
        arbiter.add(wishbone.Signature(addr_width=5, data_width=64, granularity=8, features=("err",)).create())
    with pytest.raises(ValueError, match="lacks 'err'"):
        arbiter.add(wishbone.Signature(addr_width=6, data_width=64, granularity=8).create())
    with pytest.raises(TypeError, match="Signature must be a wishbone.Signature"):
        Arbiter("x")
    for window in ((0x10, 0x30), (0, 0x30), (0x20, 0x20), (0x30, 0x20)):
        with pytest.raises(ValueError, match="Near window .* must be a power of two and a multiple of it"):
            Arbiter(SIGNATURE, near=window)
    with pytest.raises(ValueError, match="Arbiter needs the 'err' feature"):
        Arbiter(wishbone.Signature(addr_width=6, data_width=64, granularity=8), near=(0, 0x20))
