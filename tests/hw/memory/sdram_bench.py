"""Random traffic on the SDRAM controller, with a chip that checks its timing."""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

from hw.bus.wishbone import BurstTypeExt, CycleType
from hw.memory.sdram import Command
from hw.memory.sdram_config import AS4C16M16SA_7, IS42S16160G_7, SdramConfig
from tests.hw.memory.l2_bench import SPANS, Port, following, lanes, pause, request
from tests.hw.memory.sdram_chip import ChipModel

STEPS = int(os.environ.get("STEPS", "400"))

#: The controllers that test_sdram.py builds, by name.
CONFIGS = {
    "as4c_60": SdramConfig(chip=AS4C16M16SA_7, clock_hz=60_000_000),
    "as4c_133": SdramConfig(chip=AS4C16M16SA_7, clock_hz=133_000_000),
    "is42_100_registers": SdramConfig(chip=IS42S16160G_7, clock_hz=100_000_000, input_registers=2),
}
COLUMN_WORDS = 128
BANKS = 4


class Bench:
    """A controller and a chip, out of reset."""

    def __init__(self, dut):
        self.dut = dut
        self.config = CONFIGS[os.environ["SDRAM"]]
        # A timing that the chip may be stricter about than the controller knows.
        chip = self.config.chip
        if name := os.environ.get("STRICTER"):
            from dataclasses import replace
            chip = replace(chip, **{name: getattr(chip, name) + 2.5e9 / self.config.clock_hz})
        self.chip = ChipModel(chip, self.config.clock_hz)
        self.port = Port(dut, "bus")
        self.data = [0] * self.config.input_registers
        self.took = 0

    @classmethod
    async def start(cls, dut):
        self = cls(dut)
        self.port.drive(cyc=0, stb=0, we=0, lock=0, adr=0, dat_w=0, sel=0, cti=0, bte=0)
        dut.pins_dq_i.value = 0
        dut.rst.value = 1
        Clock(dut.clk, 10, unit="ns").start()
        await FallingEdge(dut.clk)
        await FallingEdge(dut.clk)
        dut.rst.value = 0
        while not int(dut.ready.value):
            await self.cycle()
        return self

    async def cycle(self, **values):
        """One cycle with these values on the bus; returns (ack, data)."""
        dut, chip = self.dut, self.chip
        await FallingEdge(dut.clk)
        self.port.drive(**values)
        self.data.append(chip.drive())
        dut.pins_dq_i.value = self.data.pop(0)
        await Timer(4, "ns")
        chip.step(int(dut.pins_command.value), int(dut.pins_bank.value), int(dut.pins_address.value),
                  int(dut.pins_dqm.value), int(dut.pins_dq_o.value), bool(int(dut.pins_dq_oe.value)))
        return int(dut.bus_ack.value), int(dut.bus_dat_r.value)

    def word(self, address):
        """What the chip holds at a word address."""
        column, bank, row = self.place(address)
        return sum(self.chip.cell(bank, row, 4 * column + beat) << 16 * beat for beat in range(4))

    @staticmethod
    def place(address):
        return address % COLUMN_WORDS, address // COLUMN_WORDS % BANKS, address // COLUMN_WORDS // BANKS

    async def transfer(self, expected, asked):
        """One beat; compares what is read with what was written."""
        self.took = 0
        while True:
            ack, data = await self.cycle(**asked)
            self.took += 1
            if ack:
                break
            assert self.took < 200, "no answer"
        address = asked["adr"]
        if asked["we"]:
            mask = lanes(asked["sel"])
            old = expected[address] if address in expected else self.word(address)
            expected[address] = old & ~mask | asked["dat_w"] & mask
        else:
            value = expected.setdefault(address, data)
            assert data == value, f"word {address:#x} reads {data:#x}, not {value:#x}"

    async def idle(self, cycles):
        for _ in range(cycles):
            await self.cycle(cyc=0, stb=0)


def any_word():
    """Few columns of few rows, so that rows meet in banks; and anywhere."""
    row, bank, column = random.choice([0, 1, 2, 8191]), random.randrange(BANKS), random.choice([0, 1, 124, 127])
    return random.choice([(row * BANKS + bank) * COLUMN_WORDS + column, random.randrange(1 << 22)])


async def burst(bench, expected, write):
    bte = random.choice([BurstTypeExt.LINEAR, BurstTypeExt.WRAP_4, BurstTypeExt.WRAP_4, BurstTypeExt.WRAP_8])
    length = random.choice([SPANS[bte] or 4, random.randint(2, 12)])
    word = min(any_word(), (1 << 22) - length)
    for beat in range(length):
        last = beat == length - 1
        asked = request(word, write=random.getrandbits(64) if write else None, bte=bte,
                        sel=random.getrandbits(8) if write and random.random() < 0.5 else 0xff,
                        cti=CycleType.END_OF_BURST if last else CycleType.INCR_BURST)
        await bench.transfer(expected, asked)
        if not last and random.random() < 0.1:
            for _ in range(random.randint(1, 12)):
                await bench.cycle(**pause(asked))
        word = following(word, bte)


@cocotb.test()
async def any_traffic(dut):
    """What is read is what was written, and the chip has no complaint."""
    bench = await Bench.start(dut)
    expected = {}
    for _ in range(STEPS):
        write = random.random() < 0.5
        if random.random() < 0.5:
            await burst(bench, expected, write)
        else:
            for _ in range(random.randint(1, 5)):
                await bench.transfer(expected, request(
                    any_word(), write=random.getrandbits(64) if write else None, sel=random.getrandbits(8)))
        await bench.idle(random.choice([0, 1, 1, 3, random.randint(0, 40)]) if random.random() < 0.9 else 600)
    await bench.idle(20)
    for word, value in expected.items():
        assert bench.word(word) == value
    bench.chip.check_refreshes()
    assert min(bench.chip.counts[command] for command in (Command.READ, Command.WRITE, Command.ACTIVATE,
                                                          Command.PRECHARGE)) > STEPS // 4


@cocotb.test()
async def timing(dut):
    """Cycles of a line: rows open, closed, and another one open; the data pins busy in every cycle."""
    bench = await Bench.start(dut)
    config, expected = bench.config, {}
    word = (5 * BANKS + 1) * COLUMN_WORDS

    async def line(word, write=False):
        cycles = []
        for beat in range(4):
            await bench.transfer(expected, request(
                word + beat, bte=BurstTypeExt.WRAP_4, write=beat if write else None,
                cti=CycleType.END_OF_BURST if beat == 3 else CycleType.INCR_BURST))
            cycles.append(bench.took)
        await bench.idle(20)
        return cycles

    # A refresh in the middle would be seen as well: start right behind one.
    refreshes = len(bench.chip.refreshes)
    while len(bench.chip.refreshes) == refreshes:
        await bench.idle(1)
    await bench.idle(20)
    first = config.cas_latency + 6 + config.input_registers
    assert await line(word) == [first + config.rcd, 4, 4, 4]
    assert await line(word) == [first, 4, 4, 4]
    assert await line(word + BANKS * COLUMN_WORDS) == [first + config.rp + config.rcd, 4, 4, 4]
    assert await line(word + BANKS * COLUMN_WORDS, write=True) == [4, 4, 4, 4]
    assert bench.chip.counts[Command.READ] == 12


@cocotb.test()
async def refreshes_under_load(dut):
    """A master that never rests does not keep the rows from being refreshed."""
    bench = await Bench.start(dut)
    expected = {}
    began = bench.chip.cycle
    while (bench.chip.cycle - began) * bench.chip.period < 8 * bench.chip.chip.t_refi:
        await burst(bench, expected, random.random() < 0.3)
    bench.chip.check_refreshes()
    assert len(bench.chip.refreshes) >= bench.chip.chip.initial_refreshes + 7
