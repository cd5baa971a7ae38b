"""The second-level cache by directed tests: timing, order of words, victims, errors, flush."""

from dataclasses import replace

import pytest

from hw.bus.memory_map import MemoryBlock
from hw.bus.wishbone import BurstTypeExt, CycleType
from hw.memory.l2_cache import L2Cache
from hw.memory.l2_config import FAULTS, L2Config
from tests.hw.bus.bench import BusError, Initiator, idle, run
from tests.hw.memory.memory_bench import MemoryProcess

BASE = 0x8000_0000 >> 3
#: Two ways of four lines of 32 bytes: lines 0x80 bytes apart share a set.
SMALL = L2Config(size=256, ways=2, memory_bytes=4096)
SET = 0x80
OTHER_LINES = (1 * SET, 2 * SET, 3 * SET, 4 * SET)


def bench(test, *, config=SMALL, latency=3, gap=0, **memory):
    """Run `test(ctx, bus, memory)` on a cache with a memory behind it."""
    dut = L2Cache(config)
    model = MemoryProcess(dut.memory, latency=latency, gap=gap)
    for name, value in memory.items():
        setattr(model, name, value)

    async def testbench(ctx):
        await test(ctx, dut, Initiator(ctx, dut.bus), model)

    run(dut, testbench, background=(model.serve,))


async def burst(ctx, bus, start, count, *, pauses=(), write=None, bte=BurstTypeExt.LINEAR):
    """(words, cycles of each beat) of a burst from byte address `start` on."""
    words, cycles = [], []
    ctx.set(bus.bus.bte, bte)
    span = {BurstTypeExt.WRAP_4: 4, BurstTypeExt.WRAP_8: 8, BurstTypeExt.WRAP_16: 16}.get(bte)
    first = start >> 3
    for number in range(count):
        word = first + number if span is None else first // span * span + (first + number) % span
        last = number == count - 1
        words.append(await bus.word(8 * word, burst=CycleType.END_OF_BURST if last else CycleType.INCR_BURST,
                                    keep=not last, write=None if write is None else write + number))
        cycles.append(bus.cycles)
        if number in pauses:
            await idle(ctx, pauses[number])
    ctx.set(bus.bus.bte, BurstTypeExt.LINEAR)
    ctx.set(bus.bus.cti, CycleType.CLASSIC)
    return words, cycles


def numbers(start, count):
    """What a memory that nobody wrote holds."""
    return [BASE * 8 + start + 8 * number for number in range(count)]


def test_clearing_takes_a_cycle_for_each_set():
    async def test(ctx, dut, bus, memory):
        for _ in range(SMALL.sets):
            assert ctx.get(dut.clearing)
            await ctx.tick()
        assert not ctx.get(dut.clearing)

    bench(test)


def test_timing_of_hits():
    """First word two cycles behind the request, then a word a cycle; writes to dirty lines a cycle each."""
    async def test(ctx, dut, bus, memory):
        await bus.word(0)
        await idle(ctx, 10)
        assert await bus.word(8) == BASE * 8 + 8
        assert bus.cycles == 3
        words, cycles = await burst(ctx, bus, 0, 4)
        assert (words, cycles) == (numbers(0, 4), [3, 1, 1, 1])
        cycles = []
        for word in (*range(4), *range(4)):
            await bus.word(8 * word, write=100 + word)
            cycles.append(bus.cycles)
        # The first ones mark the line dirty.
        assert cycles == [1, 1, 1, 3, 1, 1, 1, 1]
        assert (await burst(ctx, bus, 0, 4))[0] == [100, 101, 102, 103]
        assert memory.reads == [BASE, BASE + 1, BASE + 2, BASE + 3] and not memory.writes

    bench(test)


def test_timing_of_misses():
    """The word asked for comes first, a cycle behind the memory's; the rest of the line is brought all the same."""
    async def test(ctx, dut, bus, memory):
        words, cycles = await burst(ctx, bus, 0x50, 2)
        # Look-up, compare, serve; request, three wait cycles, word; shown.
        assert (words, cycles) == (numbers(0x50, 2), [8, 1])
        await idle(ctx, 10)
        assert memory.reads == [BASE + word for word in (10, 11, 8, 9)]
        assert (await burst(ctx, bus, 0x40, 4)) == (numbers(0x40, 4), [3, 1, 1, 1])

    async def setup(ctx, dut, bus, memory):
        await idle(ctx, SMALL.sets)
        await test(ctx, dut, bus, memory)

    bench(setup)


@pytest.mark.parametrize("line_bytes", [32, 64, 128])
@pytest.mark.parametrize("gap", [0, 3])
@pytest.mark.parametrize(("bte", "start", "count", "order"), [
    (BurstTypeExt.LINEAR, 0x28, 30, None),
    (BurstTypeExt.WRAP_4, 0x30, 4, [6, 7, 4, 5]),
    (BurstTypeExt.WRAP_8, 0x28, 8, [5, 6, 7, 0, 1, 2, 3, 4]),
    (BurstTypeExt.WRAP_16, 0x78, 16, [15, *range(15)]),
])
def test_bursts(line_bytes, gap, bte, start, count, order):
    """Any burst, over any number of lines, hitting or not, with pauses."""
    expected = [BASE * 8 + 8 * word for word in order] if order else numbers(start, count)

    async def test(ctx, dut, bus, memory):
        assert (await burst(ctx, bus, start, count, bte=bte))[0] == expected
        await idle(ctx, 60)
        words, cycles = await burst(ctx, bus, start, count, bte=bte)
        assert words == expected and cycles == [3] + [1] * (count - 1)
        assert (await burst(ctx, bus, start, count, bte=bte, pauses={0: 1, 2: 3, 3: 1}))[0] == expected
        other = start + 0x400
        words, _ = await burst(ctx, bus, other, count, bte=bte, pauses={0: 2, 1: 1, 2: 9})
        assert words == [word + 0x400 for word in expected]
        await burst(ctx, bus, start, count, bte=bte, write=1)
        assert (await burst(ctx, bus, start, count, bte=bte))[0] == list(range(1, count + 1))

    bench(test, config=L2Config(size=2048, ways=2, line_bytes=line_bytes, memory_bytes=8192), gap=gap)


def test_constant_burst():
    async def test(ctx, dut, bus, memory):
        for _ in range(3):
            assert await bus.word(8, burst=CycleType.CONST_BURST, keep=True) == BASE * 8 + 8
        assert await bus.word(8, burst=CycleType.END_OF_BURST) == BASE * 8 + 8
        assert await bus.word(16) == BASE * 8 + 16

    bench(test)


@pytest.mark.parametrize("distance", range(4))
@pytest.mark.parametrize("dirty", [False, True])
def test_read_after_write(distance, dirty):
    """A read sees a write however close behind it."""
    async def test(ctx, dut, bus, memory):
        await bus.word(0)
        if dirty:
            await bus.word(24, write=5)
        await idle(ctx, 10)
        await bus.word(8, write=0x11)
        await bus.word(8, write=0x2200, sel=2)
        await idle(ctx, distance)
        assert await bus.word(8) == 0x2211
        await bus.word(0, write=1)
        await idle(ctx, distance)
        assert (await burst(ctx, bus, 0, 4))[0] == [1, 0x2211, BASE * 8 + 16, 5 if dirty else BASE * 8 + 24]

    bench(test)


def test_byte_lanes():
    async def test(ctx, dut, bus, memory):
        await bus.write(3, 0xab, 1)
        await bus.write(4, 0xcdef, 2)
        await bus.write(0, 0x12, 1)
        assert await bus.word(0) == 0x0000_cdef_ab00_0012
        assert await bus.word(0, sel=0) is not None
        await bus.word(0, write=~0 & (1 << 64) - 1, sel=0)
        assert await bus.word(0) == 0x0000_cdef_ab00_0012

    bench(test)


@pytest.mark.parametrize("latency", [0, 1, 7])
def test_victims_are_written_back(latency):
    """What falls out of a set is in memory, byte by byte, and comes back; clean lines are not written."""
    async def test(ctx, dut, bus, memory):
        await bus.write(0x13, 0xab, 1)
        for line in OTHER_LINES[:2]:
            await bus.word(line)
        await idle(ctx, 40)
        # The burst begins with the word that made the line leave.
        assert sorted(memory.writes) == [BASE + word for word in range(4)]
        assert memory.words[BASE + 2] == (BASE + 2) * 8 & ~(0xff << 24) | 0xab << 24
        memory.writes.clear()
        for line in OTHER_LINES:
            await bus.word(line + 8)
        assert await bus.word(0x10) == memory.words[BASE + 2]
        await idle(ctx, 20)
        assert not memory.writes

    bench(test, latency=latency)


def test_invalid_ways_are_filled_first():
    config = L2Config(size=512, ways=4, memory_bytes=4096)

    async def test(ctx, dut, bus, memory):
        await bus.word(0x20, write=1)
        for line in range(4):
            await bus.word(line * SET, write=line)
        await bus.word(0x20)
        await idle(ctx, 20)
        assert not memory.writes

    bench(test, config=config)


@pytest.mark.parametrize("latency", [0, 5])
def test_writes_behind_a_miss(latency):
    """Writes are acknowledged at once until the pipeline is full; none is lost when a line is replaced under them."""
    async def test(ctx, dut, bus, memory):
        await bus.word(0, write=0)
        for line in OTHER_LINES:
            await bus.word(line, write=line)
        await idle(ctx, 100)
        for number in range(40):
            line = (number * 7 % 5) * SET
            await bus.word(line + 8, write=number)
        for line in range(5):
            last = max(number for number in range(40) if number * 7 % 5 == line)
            assert await bus.word(line * SET + 8) == last
            assert await bus.word(line * SET) == line * SET

    bench(test, latency=latency)


def test_hits_while_a_line_is_written_back():
    async def test(ctx, dut, bus, memory):
        await bus.word(0, write=1)
        await bus.word(OTHER_LINES[0])
        await bus.word(OTHER_LINES[1])
        while not ctx.get(dut.memory.we):
            await ctx.tick()
        memory.latency = memory.gap = 50
        await bus.word(OTHER_LINES[0])
        assert bus.cycles == 3
        await bus.word(OTHER_LINES[1], write=3)
        assert bus.cycles == 1
        assert ctx.get(dut.memory.cyc)

    bench(test)


def test_read_errors():
    """The reader of the word that memory refuses gets the error; what else is in the line can be read."""
    async def test(ctx, dut, bus, memory):
        with pytest.raises(BusError):
            await bus.word(0x10)
        assert await bus.word(0x18) == BASE * 8 + 0x18
        assert await bus.word(0x00) == BASE * 8
        words = [await bus.word(8 * word, burst=CycleType.INCR_BURST, keep=True) for word in range(2)]
        assert words == numbers(0, 2)
        with pytest.raises(BusError):
            await bus.word(0x10, burst=CycleType.INCR_BURST, keep=True)
        await idle(ctx, 20)
        memory.bad_reads.clear()
        assert (await burst(ctx, bus, 0, 4))[0] == numbers(0, 4)
        assert not ctx.get(dut.status.store_error) and not ctx.get(dut.status.write_back_error)

    bench(test, bad_reads={BASE + 2})


def test_a_failed_fill_does_not_lose_the_victim():
    async def test(ctx, dut, bus, memory):
        await bus.word(0, write=7)
        await bus.word(OTHER_LINES[0], write=8)
        for _ in range(3):
            with pytest.raises(BusError):
                await bus.word(OTHER_LINES[1] + 8)
        assert await bus.word(0) == 7
        assert await bus.word(OTHER_LINES[0]) == 8

    bench(test, bad_reads={BASE + OTHER_LINES[1] // 8 + 1})


def test_errors_of_stores():
    """A store that cannot be done is told by status, with the address of the first."""
    async def test(ctx, dut, bus, memory):
        await bus.word(0x200, write=1)
        await bus.word(0x308, write=1)
        await idle(ctx, 40)
        assert ctx.get(dut.status.store_error) and not ctx.get(dut.status.write_back_error)
        assert ctx.get(dut.status.address) == 0x8000_0200
        ctx.set(dut.error_clear, 1)
        await ctx.tick()
        ctx.set(dut.error_clear, 0)
        assert not ctx.get(dut.status.store_error)
        await bus.word(0x308, write=1)
        await idle(ctx, 40)
        assert ctx.get(dut.status.address) == 0x8000_0308

    bench(test, bad_reads={BASE + 0x200 // 8, BASE + 0x308 // 8 - 1})


@pytest.mark.parametrize("fault", [(), ("lose_error",)])
def test_errors_of_write_backs(fault):
    """The words that memory takes are written; what the planted fault hides is seen."""
    async def test(ctx, dut, bus, memory):
        if fault:
            ctx.set(dut.fault, 1)
        await burst(ctx, bus, 0, 4, write=1)
        for line in OTHER_LINES[:2]:
            await bus.word(line)
        await idle(ctx, 60)
        assert ctx.get(dut.status.write_back_error) == (not fault) and not ctx.get(dut.status.store_error)
        assert ctx.get(dut.status.address) == (0 if fault else 0x8000_0008)
        assert [memory.word(BASE + word) for word in range(4)] == [1, BASE * 8 + 8, BASE * 8 + 16, 4]

    bench(test, config=replace(SMALL, faults=fault), bad_writes={BASE + 1, BASE + 2})


@pytest.mark.parametrize("invalidate", [False, True])
@pytest.mark.parametrize("wait", [0, 30])
def test_flush(invalidate, wait):
    """Afterwards memory has everything; the lines stay, unless they are to be forgotten."""
    lines = [0, 0x20, 0x40 + OTHER_LINES[0], 0x40 + OTHER_LINES[1], 0x60]

    async def flush(ctx, dut):
        ctx.set(dut.flush, 1)
        ctx.set(dut.invalidate, invalidate)
        await ctx.tick()
        ctx.set(dut.flush, 0)
        ctx.set(dut.invalidate, 0)
        while ctx.get(dut.flushing):
            await ctx.tick()

    async def test(ctx, dut, bus, memory):
        for line in lines:
            await bus.word(line + 8, write=line)
        await idle(ctx, wait)
        await flush(ctx, dut)
        assert sorted(memory.writes) == sorted(BASE + line // 8 + word for line in lines for word in range(4))
        assert all(memory.words[BASE + line // 8 + 1] == line for line in lines)
        memory.reads.clear()
        memory.writes.clear()
        await flush(ctx, dut)
        assert not memory.writes
        for line in lines:
            assert await bus.word(line + 8) == line
        await idle(ctx, 20)
        assert len(memory.reads) == (4 * len(lines) if invalidate else 0)

    bench(test)


def test_request_during_flush_waits():
    async def test(ctx, dut, bus, memory):
        await bus.word(0, write=5)
        ctx.set(dut.flush, 1)
        ctx.set(dut.invalidate, 1)
        await ctx.tick()
        ctx.set(dut.flush, 0)
        await bus.word(8, write=6)
        assert bus.cycles > 2 * SMALL.sets
        assert (await burst(ctx, bus, 0, 2))[0] == [5, 6]

    bench(test)


def test_events():
    counts = {"access": 0, "fill": 0, "write_back": 0}
    dut = L2Cache(SMALL)
    model = MemoryProcess(dut.memory)

    async def count(ctx):
        async for _, _, *values in ctx.tick().sample(*(getattr(dut.events, name) for name in counts)):
            for name, value in zip(counts, values, strict=True):
                counts[name] += value

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        await bus.word(0, write=1)
        await burst(ctx, bus, 0, 4)
        for line in OTHER_LINES[:2]:
            await burst(ctx, bus, line, 4)
        await bus.word(OTHER_LINES[1])
        await idle(ctx, 20)
        assert counts == {"access": 14, "fill": 3, "write_back": 1}

    run(dut, testbench, background=(model.serve, count))


def test_memory_map():
    info, = L2Cache().bus.memory_map.all_resources()
    assert (info.resource, info.path, info.start, info.end) == (MemoryBlock(32 << 20), ("main",), 0, 32 << 20)


def test_configuration_must_be_one():
    with pytest.raises(TypeError, match="Configuration must be an L2Config, not 'big'"):
        L2Cache("big")


@pytest.mark.parametrize(("fields", "error", "message"), [
    ({"size": "64"}, TypeError, "size must be an integer, not '64'"),
    ({"size": True}, TypeError, "size must be an integer, not True"),
    ({"size": 65000}, ValueError, "size must be a power of two from 256 to 262144, not 65000"),
    ({"size": 512 << 10}, ValueError, "size must be a power of two from 256 to 262144, not 524288"),
    ({"size": 256, "ways": 8}, ValueError, "size must be a power of two from 512 to 262144, not 256"),
    ({"ways": 3}, ValueError, "ways must be a power of two from 1 to 8, not 3"),
    ({"ways": 16}, ValueError, "ways must be a power of two from 1 to 8, not 16"),
    ({"line_bytes": 16}, ValueError, "line_bytes must be a power of two from 32 to 128, not 16"),
    ({"line_bytes": 256}, ValueError, "line_bytes must be a power of two from 32 to 128, not 256"),
    ({"memory_bytes": 16 << 10}, ValueError, "memory_bytes must be a power of two from 32768 to 4294967296, not 16384"),
    ({"memory_base": 4096}, ValueError, "memory_base must be a multiple of memory_bytes 0x2000000 below 2**32"),
    ({"memory_base": None}, TypeError, "memory_base must be an integer, not None"),
    ({"memory_base": 1 << 32}, ValueError, "memory_base must be a multiple of memory_bytes"),
    ({"counters": 1}, TypeError, "counters must be True or False, not 1"),
    ({"data_width": 128}, ValueError, "data_width must be a power of two from 8 to 64, not 128"),
    ({"faults": ("rust",)}, ValueError, "Unknown fault 'rust'; there are "),
])
def test_bad_parameters(fields, error, message):
    with pytest.raises(error) as caught:
        L2Config(**fields)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("size", [16 << 10, 64 << 10, 256 << 10])
@pytest.mark.parametrize("ways", [1, 2, 4, 8])
def test_geometry(size, ways):
    config = L2Config(size=size, ways=ways)
    assert config.sets * config.ways * config.line_bytes == size
    assert config.tag_bits + config.set_bits + config.word_bits == 22
    assert set(L2Config(faults=FAULTS).faults) == set(FAULTS)
