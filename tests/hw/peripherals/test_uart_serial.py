"""Serial line: frames on the wire against a model of the far end that knows nothing of the implementation."""

import itertools
import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from hw.peripherals.uart import Uart
from hw.peripherals.uart_serial import UartSerial
from tests.hw.bus.bench import Initiator, idle, run

DIVISOR = 2
BIT = 16 * DIVISOR


def frame(character, bits, parity, *, wrong_parity=False, stop=1, stop_bits=1):
    """Levels of the line, one for each bit time. `parity` is None, "odd", "even", "mark" or "space"."""
    data = [character >> index & 1 for index in range(bits)]
    levels = [0, *data]
    if parity:
        bit = {"odd": 1 - sum(data) % 2, "even": sum(data) % 2, "mark": 1, "space": 0}[parity]
        levels.append(bit ^ wrong_parity)
    return levels + [stop] * stop_bits


def set_format(ctx, dut, bits, parity, stop_bits=1):
    ctx.set(dut.divisor, DIVISOR)
    ctx.set(dut.format.word_length, bits - 5)
    ctx.set(dut.format.long_stop, stop_bits > 1)
    ctx.set(dut.format.parity, parity is not None)
    ctx.set(dut.format.even_parity, parity in ("even", "space"))
    ctx.set(dut.format.stick_parity, parity in ("mark", "space"))


FORMATS = [(8, None, 1), (8, "even", 1), (7, "odd", 2), (6, "mark", 1), (5, "space", 1.5), (5, None, 1)]


@pytest.mark.parametrize(("bits", "parity", "stop_bits"), FORMATS)
def test_transmit(bits, parity, stop_bits):
    """Two characters back to back, each level exactly as long as it has to be."""
    dut = UartSerial()
    characters = [0xa5 & (1 << bits) - 1, 0xff]

    async def testbench(ctx):
        set_format(ctx, dut, bits, parity, stop_bits)
        levels = []

        async def step():
            _, _, level = await ctx.tick().sample(dut.tx_line)
            levels.append(level)

        for character in characters:
            ctx.set(dut.tx.payload, character)
            ctx.set(dut.tx.valid, 1)
            while not ctx.get(dut.tx.ready):
                await step()
            await step()
            ctx.set(dut.tx.valid, 0)
        while ctx.get(dut.busy):
            await step()
        assert ctx.get(dut.tx_line) == 1
        # As run lengths: a stop bit may last longer, by a tick or two between characters.
        runs = [(level, len(list(group))) for level, group in itertools.groupby(levels)]
        assert runs.pop(0)[0] == 1
        expected = []
        for character in characters:
            start = frame(character & (1 << bits) - 1, bits, parity, stop_bits=0)
            expected += [(level, BIT) for level in start] + [(1, int(BIT * stop_bits))]
        merged = [(level, sum(length for _, length in group))
                  for level, group in itertools.groupby(expected, key=lambda run: run[0])]
        assert [level for level, _ in runs] == [level for level, _ in merged]
        for number, ((level, length), (_, wanted)) in enumerate(zip(runs, merged, strict=True)):
            slack = 2 * DIVISOR if level else 0
            assert wanted <= length <= wanted + slack or number == len(runs) - 1

    run(dut, testbench)


async def drive(ctx, dut, levels, bit=BIT):
    for level in levels:
        ctx.set(dut.rx_line, level)
        await idle(ctx, bit)
    ctx.set(dut.rx_line, 1)


@pytest.mark.parametrize(("bits", "parity", "stop_bits"), FORMATS)
@pytest.mark.parametrize("bit", [BIT, BIT - 1, BIT + 1])
def test_receive(bits, parity, stop_bits, bit):
    """The far end's clock may be three percent off."""
    dut = UartSerial()
    choose = random.Random(bits)
    characters = [choose.randrange(1 << bits) for _ in range(6)]
    got = []

    async def collect(ctx):
        ctx.set(dut.rx.ready, 1)
        async for _, _, valid, payload, errors in ctx.tick().sample(dut.rx.valid, dut.rx.payload,
                                                                    dut.errors.as_value()):
            if valid:
                got.append((payload, errors))

    async def testbench(ctx):
        set_format(ctx, dut, bits, parity, stop_bits)
        await idle(ctx, 5)
        for character in characters:
            await drive(ctx, dut, frame(character, bits, parity), bit)
        await idle(ctx, 2 * BIT)
        assert got == [(character, 0) for character in characters]

    run(dut, testbench, background=[collect])


def test_receive_errors():
    dut = UartSerial()
    got = []

    async def collect(ctx):
        ctx.set(dut.rx.ready, 1)
        async for _, _, valid, payload, parity, framing, broken in ctx.tick().sample(
                dut.rx.valid, dut.rx.payload, dut.errors.parity, dut.errors.framing, dut.errors.broken):
            if valid:
                got.append((payload, parity, framing, broken))

    async def testbench(ctx):
        set_format(ctx, dut, 8, "even")
        await idle(ctx, 5)
        await drive(ctx, dut, frame(0x41, 8, "even"))
        await drive(ctx, dut, frame(0x42, 8, "even", wrong_parity=True))
        await drive(ctx, dut, frame(0x43, 8, "even", stop=0))
        await idle(ctx, 2 * BIT)
        await drive(ctx, dut, [0] * 30)
        await idle(ctx, 2 * BIT)
        # A glitch shorter than half a bit
        ctx.set(dut.rx_line, 0)
        await idle(ctx, BIT // 4)
        ctx.set(dut.rx_line, 1)
        await idle(ctx, 12 * BIT)
        await drive(ctx, dut, frame(0x44, 8, "even"))
        await idle(ctx, 2 * BIT)
        assert got == [(0x41, 0, 0, 0), (0x42, 1, 0, 0), (0x43, 0, 1, 0), (0, 0, 1, 1), (0x44, 0, 0, 0)]

    run(dut, testbench, background=[collect])


def test_overrun():
    """The character that waits is kept, the one that ends meanwhile is lost and told of."""
    dut = UartSerial()
    strobes = []

    async def watch(ctx):
        async for _, _, overrun in ctx.tick().sample(dut.errors.overrun):
            strobes.append(overrun)

    async def testbench(ctx):
        set_format(ctx, dut, 8, None)
        await idle(ctx, 5)
        for character in (1, 2, 3):
            await drive(ctx, dut, frame(character, 8, None))
        await idle(ctx, BIT)
        assert (ctx.get(dut.rx.valid), ctx.get(dut.rx.payload), sum(strobes)) == (1, 1, 2)
        ctx.set(dut.rx.ready, 1)
        await idle(ctx, 2)
        assert ctx.get(dut.rx.valid) == 0

    run(dut, testbench, background=[watch])


def test_break_and_stop():
    dut = UartSerial()

    async def testbench(ctx):
        set_format(ctx, dut, 8, None)
        ctx.set(dut.format.set_break, 1)
        await idle(ctx, 3)
        assert ctx.get(dut.tx_line) == 0
        ctx.set(dut.format.set_break, 0)
        await idle(ctx, 3)
        assert ctx.get(dut.tx_line) == 1
        # Divisor 0: the line rests and the character waits.
        ctx.set(dut.divisor, 0)
        ctx.set(dut.tx.payload, 0)
        ctx.set(dut.tx.valid, 1)
        await ctx.tick()
        ctx.set(dut.tx.valid, 0)
        await idle(ctx, 1000)
        assert (ctx.get(dut.tx_line), ctx.get(dut.busy)) == (1, 1)
        ctx.set(dut.divisor, 1)
        await idle(ctx, 20)
        assert ctx.get(dut.tx_line) == 0

    run(dut, testbench)


def test_with_registers():
    """Registers, FIFOs and line together, the pins tied: text comes back to the driver."""
    m = Module()
    m.submodules.uart = uart = Uart()
    m.submodules.serial = serial = UartSerial()
    wiring.connect(m, uart.tx, serial.tx)
    wiring.connect(m, serial.rx, uart.rx)
    m.d.comb += [
        serial.divisor.eq(uart.divisor),
        serial.format.eq(uart.format),
        uart.busy.eq(serial.busy),
        uart.errors.eq(serial.errors),
        serial.rx_line.eq(serial.tx_line),
    ]

    async def testbench(ctx):
        bus = Initiator(ctx, uart.bus)
        await bus.write(3, 0x80, 1)
        await bus.write(0, 1, 1)
        await bus.write(3, 0x1b, 1)
        await bus.write(2, 1, 1)
        for character in b"veridian":
            await bus.write(0, character, 1)
        for _ in range(200):
            if await bus.read(5, 1) & 0x40:
                break
            await idle(ctx, 10)
        await idle(ctx, 20)
        text = []
        while (status := await bus.read(5, 1)) & 1:
            assert status == 0x61
            text.append(await bus.read(0, 1))
        assert bytes(text) == b"veridian"
        # A break arrives as a zero with its error bits.
        await bus.write(3, 0x5b, 1)
        await idle(ctx, 15 * 16)
        await bus.write(3, 0x1b, 1)
        await idle(ctx, 20)
        assert await bus.read(5, 1) == 0xf9
        assert await bus.read(0, 1) == 0

    run(m, testbench)
