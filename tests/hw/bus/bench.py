"""What the tests of bus users share: an initiator as test bench code, and a way to run a design."""

import warnings

from amaranth.hdl import UnusedElaboratable
from amaranth.sim import Simulator

from hw.bus.wishbone import CycleType

__all__ = ["BusError", "Initiator", "idle", "run"]

PATIENCE = 100
RUBBISH = 0x5aa5_c33c_9669_f00f


class BusError(Exception):
    """The target answered with `err`."""


class Initiator:
    """Drives a target port. Addresses are bytes; sizes are 1, 2, 4 or 8 bytes, naturally aligned.

    Parameters
    ----------
    ctx, bus
    patience : int
        Cycles after which a target that does not answer is a failure.

    Attributes
    ----------
    cycles : int
        Clock cycles of the last transfer, that of the answer included.
    """

    def __init__(self, ctx, bus, patience=PATIENCE):
        self.ctx = ctx
        self.bus = bus
        self.patience = patience
        self.cycles = 0

    async def word(self, address, *, write=None, sel=0xff, burst=CycleType.CLASSIC, keep=False):
        """One beat of 64 bits: returns what was read."""
        ctx, bus = self.ctx, self.bus
        ctx.set(bus.adr, address >> 3)
        ctx.set(bus.sel, sel)
        ctx.set(bus.we, write is not None)
        ctx.set(bus.dat_w, write or 0)
        if hasattr(bus, "cti"):
            ctx.set(bus.cti, burst)
        ctx.set(bus.cyc, 1)
        ctx.set(bus.stb, 1)
        self.cycles = 0
        while True:
            _, _, ack, err, data = await ctx.tick().sample(bus.ack, bus.err, bus.dat_r)
            self.cycles += 1
            assert not (ack and err)
            if ack or err:
                break
            assert self.cycles < self.patience, f"no answer at {address:#x}"
        ctx.set(bus.stb, 0)
        if not keep or err:
            ctx.set(bus.cyc, 0)
        if err:
            raise BusError(f"{address:#x}")
        return data

    async def read(self, address, size=4):
        lane = address & 7
        assert lane % size == 0
        data = await self.word(address, sel=((1 << size) - 1) << lane)
        return data >> 8 * lane & ((1 << 8 * size) - 1)

    async def write(self, address, value, size=4):
        lane = address & 7
        assert lane % size == 0
        assert value < 1 << 8 * size
        # Lanes that are not named carry rubbish.
        named = ((1 << 8 * size) - 1) << 8 * lane
        await self.word(address, write=RUBBISH & ~named | value << 8 * lane, sel=((1 << size) - 1) << lane)


async def idle(ctx, cycles):
    """Let `cycles` clock cycles pass, none if zero."""
    for _ in range(cycles):
        await ctx.tick()


def run(design, *testbenches, background=(), clocked=True):
    """Simulate until every test bench has returned. Warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Raised when an earlier test's blocks are collected, which may happen here.
        warnings.simplefilter("ignore", UnusedElaboratable)
        simulator = Simulator(design)
        if clocked:
            simulator.add_clock(1e-6)
        for process in background:
            simulator.add_testbench(process, background=True)
        for testbench in testbenches:
            simulator.add_testbench(testbench)
        simulator.run()
