import random

import pytest

from hw.bus.register import registers
from hw.peripherals.spi_flash import DESELECT_CYCLES, SpiFlash
from tests.hw.bus.bench import BusError, Initiator, idle, run

from . import flash_chip
from .flash_chip import FlashChip

CONTROL, STATUS, TRANSFER = 0, 4, 8
QUAD, SELECT = 1, 2
CONTENTS = random.Random(1).randbytes(4096)


def word_at(address, contents=CONTENTS):
    return int.from_bytes(contents[address:address + 8].ljust(8, b"\xff"), "little")


def simulate(testbench, chip=None, **parameters):
    """Run `testbench(ctx, window, registers)` on a controller with a chip at its pins."""
    dut = SpiFlash(**parameters)
    chip = chip or FlashChip(CONTENTS)

    async def pins(ctx):
        while True:
            _, _, *levels = await ctx.tick().sample(dut.pins.cs, dut.pins.clk, dut.pins.d_o, dut.pins.d_oe)
            # As behind a wire: what the chip does on a clock edge is there before the next.
            ctx.set(dut.pins.d_i, chip.step(*levels))

    async def body(ctx):
        await testbench(ctx, Initiator(ctx, dut.window, patience=2000), Initiator(ctx, dut.bus))

    run(dut, body, background=[pins])
    return chip


async def wait(bus):
    while await bus.read(STATUS):
        pass


async def command(bus, *sent, answer=0):
    """One command by registers: bytes sent, bytes that came behind them."""
    control = await bus.read(CONTROL)
    await bus.write(CONTROL, control | SELECT)
    await wait(bus)
    came = []
    for byte in (*sent, *[0] * answer):
        await bus.write(TRANSFER, byte)
        await wait(bus)
        came.append(await bus.read(TRANSFER))
    await bus.write(CONTROL, control)
    await wait(bus)
    return bytes(came[len(sent):])


@pytest.mark.parametrize("quad", [False, True])
@pytest.mark.parametrize("divider", [0, 1, 5])
def test_reads(quad, divider):
    """Any order of addresses, with any pause between them."""
    choose = random.Random(2)

    async def testbench(ctx, window, bus):
        await bus.write(CONTROL, divider << 8 | quad)
        address = 0
        for _ in range(40):
            address = choose.choice([address + 8, address + 8, choose.randrange(0, 4200) & ~7, 0xfffff8])
            address %= 1 << 24
            assert await window.word(address) == word_at(address), hex(address)
            await idle(ctx, choose.choice([0, 0, 1, 2, 5, 20, 40, 300]))

    chip = simulate(testbench)
    assert set(chip.codes) == {0xeb if quad else 0x03}
    assert chip.deselected >= DESELECT_CYCLES


@pytest.mark.parametrize("quad, divider, first, next_word", [
    (False, 0, 195, 129), (True, 0, 75, 33), (False, 3, 771, 513), (True, 3, 291, 129),
])
def test_cycles(quad, divider, first, next_word):
    """Exact cycles from request to answer, both included, as the datasheet page has them."""

    async def testbench(ctx, window, bus):
        await bus.write(CONTROL, divider << 8 | quad)
        assert await window.word(8) == word_at(8)
        assert window.cycles == first
        for address in (16, 24, 32):
            assert await window.word(address) == word_at(address)
            assert window.cycles == next_word
        # Read ahead while nobody asked.
        await idle(ctx, 2000)
        await window.word(40)
        assert window.cycles == 2
        # Elsewhere: the chip rests first.
        await idle(ctx, 2000)
        await window.word(0)
        assert window.cycles == first + DESELECT_CYCLES + 1

    simulate(testbench)


def test_window_wraps_with_the_chip():
    async def testbench(ctx, window, bus):
        assert await window.word(0xfffff8) == 2**64 - 1
        assert await window.word(0) == word_at(0)
        assert window.cycles == 129

    simulate(testbench)


def test_small_window():
    async def testbench(ctx, window, bus):
        assert await window.word(0xff8) == word_at(0xff8)

    simulate(testbench, window_bits=12)


def test_commands():
    async def testbench(ctx, window, bus):
        await window.word(0)
        assert await command(bus, 0x9f, answer=3) == b"\xef\x40\x18"
        assert await command(bus, 0x35, answer=1) == bytes([flash_chip.QUAD_ENABLE])
        assert await command(bus, 0x03, 0, 1, 2, answer=4) == CONTENTS[0x102:0x106]
        # The window works as before.
        assert await window.word(16) == word_at(16)

    chip = simulate(testbench)
    assert chip.codes == [0x03, 0x9f, 0x35, 0x03, 0x03]


def test_window_is_closed_while_software_has_the_chip():
    async def testbench(ctx, window, bus):
        assert await window.word(0) == word_at(0)
        await bus.write(CONTROL, SELECT)
        for _ in range(2):
            with pytest.raises(BusError):
                await window.word(8)
        await wait(bus)
        await bus.write(CONTROL, 0)
        assert await window.word(8) == word_at(8)

    simulate(testbench)


def test_change_of_mode_in_a_stream():
    async def testbench(ctx, window, bus):
        for quad in (0, 1, 0, 1):
            await bus.write(CONTROL, quad)
            for address in (64, 72, 80):
                assert await window.word(address) == word_at(address)

    chip = simulate(testbench)
    assert chip.codes == [0x03, 0xeb, 0x03, 0xeb]


def test_chip_without_quad_reads_as_erased():
    """What the loader finds out by comparing."""

    async def testbench(ctx, window, bus):
        await bus.write(CONTROL, QUAD)
        assert await window.word(0) == 2**64 - 1
        await bus.write(CONTROL, 0)
        assert await window.word(0) == word_at(0)

    simulate(testbench, FlashChip(CONTENTS, quad=False))


def test_writes_to_the_window_are_refused():
    async def testbench(ctx, window, bus):
        with pytest.raises(BusError):
            await window.write(0, 1, 8)
        assert await window.word(0) == word_at(0)

    simulate(testbench)


def test_transfer_wants_the_chip_selected():
    async def testbench(ctx, window, bus):
        await bus.write(TRANSFER, 0x9f)
        await idle(ctx, 50)

    assert simulate(testbench).codes == []


def test_registers():
    dut = SpiFlash(divider=3)
    assert [(info.name, info.offset, info.reset) for info in registers(dut.bus.memory_map)] == [
        ("control", 0, 0x300), ("status", 4, 0), ("transfer", 8, 0)]
    info, = dut.window.memory_map.all_resources()
    assert (info.start, info.end, info.resource.writable) == (0, 1 << 24, False)


@pytest.mark.parametrize("parameters, message", [
    ({"window_bits": 25}, "Window must have 3 to 24 address bits, not 25"),
    ({"window_bits": "24"}, "Window must have 3 to 24 address bits, not '24'"),
    ({"divider": 256}, "Divider must be an integer from 0 to 255, not 256"),
    ({"divider": None}, "Divider must be an integer from 0 to 255, not None"),
])
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError) as caught:
        SpiFlash(**parameters)
    assert str(caught.value) == message
