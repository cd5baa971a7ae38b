import pytest
from amaranth.hdl import Module

from hw.bus import wishbone
from hw.bus.decoder import Decoder
from hw.bus.memory_map import MemoryMap
from hw.bus.sram import Sram
from tests.hw.bus.bench import BusError, Initiator, run


def test_windows():
    m = Module()
    m.submodules.decoder = decoder = Decoder()
    m.submodules.first = first = Sram(64, init=[10, 11], name="words")
    m.submodules.second = second = Sram(256, init=[20, 21], writable=False)
    assert decoder.add(first.bus, addr=0x8000_0000, name="first") == (0x8000_0000, 0x8000_0040)
    assert decoder.add(second.bus, addr=0x100, name="second") == (0x100, 0x200)

    async def testbench(ctx):
        bus = Initiator(ctx, decoder.bus)
        assert await bus.read(0x8000_0008, 8) == 11
        assert bus.cycles == 2
        assert await bus.read(0x100, 8) == 20
        await bus.write(0x8000_0038, 77)
        assert await bus.read(0x8000_0038, 8) == 77
        for hole in (0x0, 0xf8, 0x200, 0x7fff_fff8, 0x8000_0040, 0xffff_fff8):
            with pytest.raises(BusError):
                await bus.read(hole)
            assert bus.cycles == 1
        with pytest.raises(BusError):
            await bus.write(0x100, 1)

    run(m, testbench)
    assert [(info.path, info.start) for info in decoder.bus.memory_map.all_resources()] == [
        (("second", "memory"), 0x100), (("first", "words"), 0x8000_0000)]


def test_optional_signals():
    """Burst signals and lock reach a target that has them; one without them hears classic cycles only."""
    decoder = Decoder()
    full = wishbone.Signature(addr_width=3, data_width=64, granularity=8,
                              features=("err", "lock", "cti", "bte")).create(path=("full",))
    full.memory_map = MemoryMap(addr_width=6)
    bare = wishbone.Signature(addr_width=3, data_width=64, granularity=8).create(path=("bare",))
    bare.memory_map = MemoryMap(addr_width=6)
    decoder.add(full, addr=0, name="full")
    decoder.add(bare, addr=0x40, name="bare")

    async def testbench(ctx):
        ctx.set(decoder.bus.cyc, 1)
        ctx.set(decoder.bus.stb, 1)
        ctx.set(decoder.bus.lock, 1)
        ctx.set(decoder.bus.cti, wishbone.CycleType.INCR_BURST)
        ctx.set(decoder.bus.bte, wishbone.BurstTypeExt.WRAP_8)
        ctx.set(full.err, 1)
        await ctx.delay(1e-9)
        assert (ctx.get(full.cyc), ctx.get(full.lock), ctx.get(bare.cyc)) == (1, 1, 0)
        assert ctx.get(full.cti) == wishbone.CycleType.INCR_BURST
        assert ctx.get(full.bte) == wishbone.BurstTypeExt.WRAP_8
        assert ctx.get(decoder.bus.err)
        ctx.set(decoder.bus.adr, 8)
        ctx.set(full.err, 0)
        ctx.set(bare.ack, 1)
        await ctx.delay(1e-9)
        assert (ctx.get(full.cyc), ctx.get(bare.cyc), ctx.get(bare.stb)) == (0, 1, 1)
        assert (ctx.get(decoder.bus.err), ctx.get(decoder.bus.ack)) == (0, 1)

    run(decoder, testbench, clocked=False)


def test_targets_behind_registers():
    """A cycle more for each transfer, beats of a burst too, and for the error of a hole; none for other targets."""
    m = Module()
    m.submodules.decoder = decoder = Decoder()
    m.submodules.near = near = Sram(64, init=range(8))
    m.submodules.far = far = Sram(64, init=range(20, 28))
    decoder.add(near.bus, addr=0x8000_0000, name="near")
    decoder.add(far.bus, addr=0x1000, name="far", registered=True)

    async def testbench(ctx):
        bus = Initiator(ctx, decoder.bus)
        for turn in range(2):
            assert await bus.read(0x8000_0008, 8) == 1
            assert bus.cycles == 2
            assert await bus.read(0x1008 + 8 * turn, 8) == 21 + turn
            assert bus.cycles == 3
        await bus.write(0x1038, 77)
        assert bus.cycles == 3
        assert await bus.read(0x1038, 8) == 77
        for beat in range(4):
            cti = wishbone.CycleType.END_OF_BURST if beat == 3 else wishbone.CycleType.INCR_BURST
            assert await bus.word(0x1000 + 8 * beat, burst=cti, keep=beat != 3) == 20 + beat
            assert bus.cycles == 3
        for hole in (0x0, 0x1040, 0x8000_0040):
            with pytest.raises(BusError):
                await bus.read(hole)
            assert bus.cycles == 2
        assert await bus.read(0x1008, 8) == 21

    run(m, testbench)


def test_one_window_fills_all():
    signature = wishbone.Signature(addr_width=3, data_width=64, granularity=8, features=("err",))
    m = Module()
    m.submodules.decoder = decoder = Decoder(signature)
    m.submodules.sram = sram = Sram(64, init=range(8))
    decoder.add(sram.bus, name="sram")

    async def testbench(ctx):
        assert await Initiator(ctx, decoder.bus).read(0x38, 8) == 7

    run(m, testbench)


def test_refused():
    decoder = Decoder()
    sram = Sram(64)
    with pytest.raises(TypeError, match="Target must be a wishbone.Interface"):
        decoder.add("bus", name="x")
    with pytest.raises(ValueError, match="multiple of 0x40"):
        decoder.add(sram.bus, addr=0x20, name="x")
    decoder.add(sram.bus, addr=0x40, name="x")
    with pytest.raises(ValueError, match="overlaps"):
        decoder.add(Sram(128).bus, addr=0x0, name="y")
    narrow = wishbone.Signature(addr_width=3, data_width=32, granularity=8).create()
    with pytest.raises(ValueError, match="Target has data_width 32, the decoder 64"):
        decoder.add(narrow, name="y")
    silent = wishbone.Signature(addr_width=3, data_width=64, granularity=8).create()
    with pytest.raises(AttributeError, match="does not have a memory map"):
        decoder.add(silent, name="y")
    silent.memory_map = MemoryMap(addr_width=7)
    with pytest.raises(ValueError, match="more address bits than its port"):
        decoder.add(silent, name="y")
    other = Sram(64)
    two = "Target 'y' is answered for beside the bus, but 'x' is not behind registers"
    with pytest.raises(ValueError, match=two):
        decoder.add(other.bus, addr=0x80, name="y", answers=False)
    with pytest.raises(ValueError, match="Target 'y' is behind registers and must bring its answers"):
        decoder.add(other.bus, addr=0x80, name="y", registered=True, answers=False)
    beside = Decoder()
    beside.add(other.bus, addr=0x80, name="y", answers=False)
    beside.add(Sram(64).bus, addr=0xc0, name="z", registered=True)
    with pytest.raises(ValueError, match=two):
        beside.add(sram.bus, addr=0x40, name="x")
    with pytest.raises(TypeError, match="Signature must be a wishbone.Signature"):
        Decoder(8)
    with pytest.raises(ValueError, match="needs the 'err' feature"):
        Decoder(wishbone.Signature(addr_width=3, data_width=64))
