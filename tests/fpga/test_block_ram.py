from amaranth.sim import Simulator

from fpga.block_ram import BlockRamMemory
from hw.bus.wishbone import CycleType
from soc.memory_map import region

BASE, SIZE = region("memory").base, 256


def run(bench):
    dut = BlockRamMemory(SIZE)
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)

    async def access(ctx, address, value=None, cti=CycleType.CLASSIC):
        """Data, and whether it was an error."""
        bus = dut.bus
        ctx.set(bus.adr, address >> 3)
        ctx.set(bus.dat_w, value or 0)
        ctx.set(bus.we, value is not None)
        ctx.set(bus.sel, 0xff)
        ctx.set(bus.cti, cti)
        ctx.set(bus.cyc, 1)
        ctx.set(bus.stb, 1)
        data, error = await ctx.tick().sample(bus.dat_r, bus.err).until(bus.ack | bus.err)
        if cti != CycleType.INCR_BURST:
            ctx.set(bus.cyc, 0)
            ctx.set(bus.stb, 0)
            await ctx.tick()
        return data, bool(error)

    async def whole(ctx):
        await bench(ctx, access)
    simulator.add_testbench(whole)
    simulator.run()


def test_words_and_bursts_come_back():
    async def bench(ctx, access):
        for word in range(SIZE // 8):
            assert not (await access(ctx, BASE + 8 * word, word + 1))[1]
        for word in range(SIZE // 8):
            last = word == SIZE // 8 - 1
            assert await access(ctx, BASE + 8 * word, cti=CycleType.END_OF_BURST if last else CycleType.INCR_BURST) == (
                word + 1, False)
    run(bench)
