import random

import pytest

from hw.bus.register import registers
from hw.peripherals.plic import Plic
from tests.hw.bus.bench import BusError, Initiator, idle, run

PENDING, ENABLE, CONTEXT = 0x1000, 0x2000, 0x20_0000


def enable(context):
    return ENABLE + 0x80 * context


def threshold(context):
    return CONTEXT + 0x1000 * context


def claim(context):
    return threshold(context) + 4


def test_claim_and_complete():
    dut = Plic(sources=10, contexts=2)

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        for source in range(1, 11):
            await bus.write(4 * source, 1)
        await bus.write(enable(1), 1 << 10 | 1 << 8 | 1)
        assert await bus.read(enable(1)) == 1 << 10 | 1 << 8
        assert await bus.read(claim(1)) == 0
        ctx.set(dut.source, 1 << 10)
        await idle(ctx, 3)
        assert ctx.get(dut.irq) == 0b10
        assert await bus.read(PENDING) == 1 << 10
        # Not enabled in the other context
        assert await bus.read(claim(0)) == 0
        assert await bus.read(claim(1)) == 10
        await idle(ctx, 2)
        assert ctx.get(dut.irq) == 0
        assert await bus.read(PENDING) == 0
        # The line is still high: deaf until completion, then pending at once
        await idle(ctx, 5)
        assert await bus.read(claim(1)) == 0
        await bus.write(claim(0), 10)   # not enabled there: ignored
        await idle(ctx, 5)
        assert ctx.get(dut.irq) == 0
        await bus.write(claim(1), 10)
        await idle(ctx, 3)
        assert ctx.get(dut.irq) == 0b10
        assert await bus.read(claim(1)) == 10
        ctx.set(dut.source, 0)
        await bus.write(claim(1), 10)
        await idle(ctx, 3)
        assert ctx.get(dut.irq) == 0
        # A source that fell before its claim stays pending
        ctx.set(dut.source, 1 << 8)
        await idle(ctx, 1)
        ctx.set(dut.source, 0)
        await idle(ctx, 3)
        assert await bus.read(claim(1)) == 8
        assert await bus.read(claim(1)) == 0
        # Completing what does not exist
        for number in (0, 11, 31, 0xffff_ffff):
            await bus.write(claim(1), number)
        ctx.set(dut.source, 1 << 8)
        await idle(ctx, 5)
        assert await bus.read(claim(1)) == 0

    run(dut, testbench)


def test_priorities_and_threshold():
    dut = Plic(sources=31, contexts=4)

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        await bus.write(enable(2), 0xffff_ffff)
        for source, level in ((3, 2), (5, 7), (9, 7), (31, 0), (30, 1)):
            await bus.write(4 * source, level)
        await bus.write(threshold(2), 1)
        ctx.set(dut.source, 1 << 31 | 1 << 30)
        await idle(ctx, 4)
        assert ctx.get(dut.irq) == 0
        # A claim does not look at the threshold (specification chapter 6.1)
        assert await bus.read(claim(2)) == 30
        ctx.set(dut.source, 0xffff_ffff)
        await idle(ctx, 4)
        assert ctx.get(dut.irq) == 0b0100
        assert [await bus.read(claim(2)) for _ in range(4)] == [5, 9, 3, 0]
        assert await bus.read(threshold(2), 8) == 1

    run(dut, testbench)


def test_one_claim_wins():
    """Two contexts that claim one after the other never get the same source."""
    dut = Plic(sources=3, contexts=2)

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        for source in (1, 2, 3):
            await bus.write(4 * source, 3)
        for context in (0, 1):
            await bus.write(enable(context), 0xe)
        ctx.set(dut.source, 0xe)
        await idle(ctx, 3)
        assert ctx.get(dut.irq) == 0b11
        got = [await bus.read(claim(turn % 2)) for turn in range(4)]
        assert got == [1, 2, 3, 0]

    run(dut, testbench)


class Model:
    """The specification in words of Python."""

    def __init__(self, sources, contexts):
        self.priority = [0] * (sources + 1)
        self.enable = [0] * contexts
        self.pending = self.service = 0

    def step(self, lines):
        self.pending |= lines & ~self.service & ~1

    def best(self, context):
        ready = [n for n in range(1, len(self.priority)) if (self.pending & self.enable[context]) >> n & 1]
        ready = [n for n in ready if self.priority[n]]
        return max(ready, key=lambda n: (self.priority[n], -n), default=0)

    def claim(self, context):
        number = self.best(context)
        self.pending &= ~(1 << number)
        self.service |= 1 << number & ~1
        return number

    def complete(self, context, number):
        if self.enable[context] >> number & 1:
            self.service &= ~(1 << number)


@pytest.mark.parametrize("seed", range(3))
def test_against_model(seed):
    sources, contexts = 7, 3
    dut = Plic(sources=sources, contexts=contexts)
    model = Model(sources, contexts)
    choose = random.Random(seed)

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        lines = 0
        for _ in range(400):
            context = choose.randrange(contexts)
            what = choose.choice(["priority", "enable", "lines", "lines", "claim", "claim", "complete", "irq"])
            if what == "priority":
                number, level = choose.randint(1, sources), choose.randrange(8)
                await bus.write(4 * number, level)
                model.priority[number] = level
            elif what == "enable":
                model.enable[context] = choose.randrange(256) & 0xfe
                await bus.write(enable(context), model.enable[context])
            elif what == "lines":
                lines = choose.randrange(256) & choose.randrange(256)
                ctx.set(dut.source, lines)
            elif what == "claim":
                assert await bus.read(claim(context)) == model.claim(context)
            elif what == "complete":
                number = choose.randint(0, sources)
                await bus.write(claim(context), number)
                model.complete(context, number)
            else:
                expected = sum((model.priority[model.best(c)] > 0) << c for c in range(contexts))
                assert ctx.get(dut.irq) == expected
            await idle(ctx, 3)
            model.step(lines)
            assert await bus.read(PENDING) == model.pending

    run(dut, testbench)


def test_map():
    offsets = {info.name: info.offset for info in registers(Plic(sources=2, contexts=3).bus.memory_map)}
    assert offsets == {
        "priority_1": 4, "priority_2": 8, "pending": 0x1000, "enable_0": 0x2000, "enable_1": 0x2080,
        "enable_2": 0x2100, "threshold_0": 0x20_0000, "claim_0": 0x20_0004, "threshold_1": 0x20_1000,
        "claim_1": 0x20_1004, "threshold_2": 0x20_2000, "claim_2": 0x20_2004}


def test_unmapped():
    dut = Plic(sources=2, contexts=1)

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        for hole in (0, 12, 0x1004, 0x2004, 0x2080, 0x20_0008, 0x3ff_fff8):
            with pytest.raises(BusError):
                await bus.read(hole)

    run(dut, testbench)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"sources": 0, "contexts": 1}, "Number of sources must be an integer from 1 to 31, not 0"),
    ({"sources": 32, "contexts": 1}, "Number of sources must be an integer from 1 to 31, not 32"),
    ({"sources": "a", "contexts": 1}, "Number of sources must be an integer from 1 to 31, not 'a'"),
    ({"sources": 1, "contexts": 0}, "Number of contexts must be an integer from 1 to 15872, not 0"),
])
def test_bad_parameters(arguments, message):
    with pytest.raises(ValueError, match=message):
        Plic(**arguments)
