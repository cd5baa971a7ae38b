"""Pads of the SDRAM between the controller and a chip whose clock is later by a part of a period."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from amaranth import ClockDomain, Module
from amaranth.lib import io
from amaranth.sim import Simulator

from fpga.board import Pin
from fpga.pads import SDRAM_REGISTERS, find_pin, sdram_pads
from hw.bus.wishbone import CycleType
from hw.memory.sdram import Command, SdramController
from hw.memory.sdram_config import AS4C16M16SA_7, BURST_LENGTH, SdramConfig

CLOCK_HZ = 60_000_000
PERIOD_NS = 1e9 / CLOCK_HZ
#: From the chip's clock at its pin to valid data, and how long data stays after the next edge (AS4C16M16SA-7, CL 2).
ACCESS_NS, HOLD_NS = 6, 2.5
#: From an output register to the pin, and from a pin to the input register with its setup time: LVCMOS33 of an ECP5 of
#: speed grade 6, rounded up. They come to the way there and back, as the chip's clock leaves by an output register too.
OUT_NS, IN_NS = 3.5, 1.5


class Chip:
    """The rows that are open, and words: what the pins say at each edge of the clock at the chip."""

    def __init__(self, port, latency):
        self.port, self.latency = port, latency
        self.rows, self.words, self.coming = {}, {}, {}
        self.edge = 0
        self.write = None

    def _at(self, bank, column):
        return self.rows[bank], bank, column

    def clock(self, ctx):
        """One edge. Returns the datum that the chip drives after it, or None."""
        port = self.port
        levels = [1 - ctx.get(getattr(port, name).o) for name in ("ras", "cas", "we")]
        command = Command(levels[0] << 2 | levels[1] << 1 | levels[2])
        bank, address = ctx.get(port.ba.o), ctx.get(port.a.o)
        assert ctx.get(port.cs.o) and ctx.get(port.clk_en.o)
        if command == Command.ACTIVATE:
            self.rows[bank] = address
        elif command == Command.PRECHARGE:
            for closed in list(self.rows) if address >> 10 & 1 else [bank]:
                self.rows.pop(closed, None)
        elif command == Command.READ:
            for beat in range(BURST_LENGTH):
                self.coming[self.edge + self.latency - 1 + beat] = self._at(bank, (address & 0x1ff) + beat)
        elif command == Command.WRITE:
            self.write = [bank, address & 0x1ff, 0]
        if self.write is not None:
            bank, column, beat = self.write
            assert ctx.get(port.dq.oe), "nobody drives the data of a write"
            assert not ctx.get(port.dqm.o)
            self.words[self._at(bank, column + beat)] = ctx.get(port.dq.o)
            self.write = [bank, column, beat + 1] if beat + 1 < BURST_LENGTH else None
        place = self.coming.pop(self.edge, None)
        self.edge += 1
        if place is None:
            return None
        assert not ctx.get(port.dq.oe), "both sides drive the data"
        return self.words.get(place, 0)


def run(registers, *, degrees=90):
    """Writes and reads words, single and in bursts. Returns what was written and what was read."""
    config = SdramConfig(chip=replace(AS4C16M16SA_7, t_power_up=1000), clock_hz=CLOCK_HZ, input_registers=registers)
    m = Module()
    m.domains.sync = ClockDomain("sync")
    m.domains.memory = ClockDomain("memory", reset_less=True)
    m.submodules.controller = controller = SdramController(config)
    widths = {"clk": 1, "clk_en": 1, "cs": 1, "ras": 1, "cas": 1, "we": 1, "ba": 2, "a": 13, "dqm": 2}
    port = SimpleNamespace(**{name: io.SimulationPort("o", width) for name, width in widths.items()},
                           dq=io.SimulationPort("io", 16))
    platform = SimpleNamespace(request=lambda name, number, dir: port)
    assert find_pin(platform, Pin("sdram")) is port
    sdram_pads(m, platform, controller.pins)
    chip = Chip(port, config.cas_latency)
    bus = controller.bus
    bases = [0, 3, 1 << 8, 1 << 15]
    written = {base + word: (base << 48) ^ (0x0123_4567_89ab_cdef << word & (1 << 64) - 1)
               for base in bases for word in range(4)}
    read, ended = {}, []

    async def access(ctx, address, value=None, last=True):
        ctx.set(bus.cyc, 1)
        ctx.set(bus.stb, 1)
        ctx.set(bus.sel, 0xff)
        ctx.set(bus.adr, address)
        ctx.set(bus.we, value is not None)
        ctx.set(bus.dat_w, value or 0)
        ctx.set(bus.cti, CycleType.END_OF_BURST if last else CycleType.INCR_BURST)
        data, = await ctx.tick().sample(bus.dat_r).until(bus.ack)
        if last:
            ctx.set(bus.cyc, 0)
            ctx.set(bus.stb, 0)
            await ctx.tick()
        return data

    async def master(ctx):
        await ctx.tick().until(controller.ready)
        for address, value in written.items():
            await access(ctx, address, value)
        for base in bases:
            for word in range(4):
                read[base + word] = await access(ctx, base + word, last=word == 3)
        ended.append(True)

    async def memory(ctx):
        while not ended:
            await ctx.tick("memory")
            # Clock and commands leave by the same kind of register, so their ways out cancel; of data that come back
            # both ways count. Until then the pins hold what was there, for as long as the chip promises, then anything.
            datum = chip.clock(ctx)
            await ctx.delay((OUT_NS + HOLD_NS) * 1e-9)
            ctx.set(port.dq.i, 0xdead)
            await ctx.delay((ACCESS_NS + IN_NS - HOLD_NS) * 1e-9)
            if datum is not None:
                ctx.set(port.dq.i, datum)

    simulator = Simulator(m)
    simulator.add_clock(PERIOD_NS * 1e-9, domain="sync", phase=PERIOD_NS * 1e-9 / 2)
    simulator.add_clock(PERIOD_NS * 1e-9, domain="memory", phase=PERIOD_NS * 1e-9 * (1 / 2 + degrees / 360))
    simulator.add_testbench(master)
    simulator.add_testbench(memory)
    simulator.run()
    assert any(written.values()) and set(read) == set(written)
    return written, read


def test_every_word_comes_back():
    written, read = run(SDRAM_REGISTERS)
    assert read == written


@pytest.mark.parametrize("registers", [SDRAM_REGISTERS - 1, SDRAM_REGISTERS + 1])
def test_any_other_number_of_registers_reads_nonsense(registers):
    written, read = run(registers)
    assert read != written


def test_the_opposite_phase_leaves_no_time_for_the_way_back():
    written, read = run(SDRAM_REGISTERS, degrees=180)
    assert read != written
