"""The cache behind its register window: flush, errors and their interrupt, counters."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from hw.bus.register import registers
from hw.memory.l2_cache import L2Cache
from hw.memory.l2_config import L2Config
from hw.memory.l2_registers import L2Registers
from tests.hw.bus.bench import BusError, Initiator, idle, run
from tests.hw.memory.memory_bench import MemoryProcess

BASE = 0x8000_0000 >> 3
CONFIG = L2Config(size=256, ways=2, memory_bytes=4096, counters=True)
IDENTITY, COMMAND, STATUS, ERROR_ADDRESS, INTERRUPT_ENABLE, ACCESSES, FILLS, WRITE_BACKS = range(0, 64, 8)
FLUSH, INVALIDATE, CLEAR = 1, 2, 4


def bench(test, *, config=CONFIG, **memory):
    """Run `test(window's initiator, cache's initiator, memory, window)` on a cache with its window."""
    m = Module()
    m.submodules.cache = cache = L2Cache(config)
    m.submodules.window = window = L2Registers(config)
    for name, member in window.signature.members.items():
        if name in ("bus", "irq"):
            continue
        inside, outside = getattr(cache, name), getattr(window, name)
        m.d.comb += inside.eq(outside) if member.flow == wiring.Out else outside.eq(inside)
    model = MemoryProcess(cache.memory)
    for name, value in memory.items():
        setattr(model, name, value)

    async def testbench(ctx):
        await test(ctx, Initiator(ctx, window.bus), Initiator(ctx, cache.bus), model, window)

    run(m, testbench, background=(model.serve,))


def test_identity():
    async def test(ctx, registers, bus, memory, window):
        assert await registers.read(IDENTITY, 8) == 256 << 32 | 32 << 16 | 2 << 8 | 1

    bench(test)


@pytest.mark.parametrize("command", [FLUSH, FLUSH | INVALIDATE])
def test_flush(command):
    async def test(ctx, registers, bus, memory, window):
        await bus.word(8, write=7)
        await registers.write(COMMAND, command, 8)
        assert await registers.read(STATUS, 8) == 1
        while await registers.read(STATUS, 8) & 1:
            pass
        assert memory.words[BASE + 1] == 7
        memory.reads.clear()
        assert await bus.word(8) == 7
        await idle(ctx, 20)
        assert bool(memory.reads) == bool(command & INVALIDATE)

    bench(test)


def test_invalidate_alone_does_nothing():
    async def test(ctx, registers, bus, memory, window):
        await bus.word(8, write=7)
        await registers.write(COMMAND, INVALIDATE, 8)
        assert await registers.read(STATUS, 8) == 0
        assert await bus.word(8) == 7 and not memory.writes

    bench(test)


def test_errors_and_interrupt():
    async def test(ctx, registers, bus, memory, window):
        await bus.word(0x100, write=1)
        await idle(ctx, 30)
        assert await registers.read(STATUS, 8) == 4
        assert await registers.read(ERROR_ADDRESS, 8) == 0x8000_0100
        assert not ctx.get(window.irq)
        await registers.write(INTERRUPT_ENABLE, 1, 8)
        assert ctx.get(window.irq)
        await registers.write(COMMAND, CLEAR, 8)
        await ctx.tick()
        assert not ctx.get(window.irq)
        assert await registers.read(STATUS, 8) == 0
        await bus.word(0x208, write=1)
        await registers.write(COMMAND, FLUSH, 8)
        await idle(ctx, 60)
        assert ctx.get(window.irq)
        assert await registers.read(STATUS, 8) == 2
        assert await registers.read(ERROR_ADDRESS, 8) == 0x8000_0208

    bench(test, bad_reads={BASE + 0x20}, bad_writes={BASE + 0x41})


def test_counters():
    async def test(ctx, registers, bus, memory, window):
        await bus.word(0, write=1)
        for line in (0, 0x80, 0x100):
            for word in range(4):
                await bus.word(line + 8 * word)
        await idle(ctx, 30)
        assert [await registers.read(place, 8) for place in (ACCESSES, FILLS, WRITE_BACKS)] == [13, 3, 1]

    bench(test)


def test_without_counters():
    async def test(ctx, registers, bus, memory, window):
        with pytest.raises(BusError):
            await registers.read(ACCESSES, 8)

    bench(test, config=L2Config(size=256, ways=2, memory_bytes=4096))


def test_register_map():
    assert [(info.name, info.offset) for info in registers(L2Registers(CONFIG).bus.memory_map)] == [
        ("identity", IDENTITY), ("command", COMMAND), ("status", STATUS), ("error_address", ERROR_ADDRESS),
        ("interrupt_enable", INTERRUPT_ENABLE), ("accesses", ACCESSES), ("fills", FILLS), ("write_backs", WRITE_BACKS)]


def test_configuration_must_be_one():
    with pytest.raises(TypeError, match="Configuration must be an L2Config, not 5"):
        L2Registers(5)
