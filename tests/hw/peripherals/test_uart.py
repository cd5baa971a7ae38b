"""What a driver sees of the UART (TI PC16550D data sheet; QEMU's 16550 where the sheet leaves room)."""

import random

import pytest

from hw.bus.register import registers
from hw.peripherals.uart import Uart
from tests.hw.bus.bench import Initiator, idle, run

DATA, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCR = 0, 1, 2, 2, 3, 4, 5, 6, 7
DLAB = 0x80


def line(dut, sent, *, waits=0):
    """The far end: collects what is sent."""

    async def process(ctx):
        ctx.set(dut.tx.ready, not waits)
        while True:
            if waits:
                await idle(ctx, waits)
                ctx.set(dut.tx.ready, 1)
            _, _, valid, payload = await ctx.tick().sample(dut.tx.valid, dut.tx.payload)
            if valid:
                sent.append(payload)
            if waits:
                ctx.set(dut.tx.ready, 0)

    return process


async def receive(ctx, dut, *characters):
    """Send characters to the UART."""
    for character in characters:
        ctx.set(dut.rx.payload, character)
        ctx.set(dut.rx.valid, 1)
        for _ in range(50):
            _, _, ready = await ctx.tick().sample(dut.rx.ready)
            if ready:
                break
        else:
            raise AssertionError("the UART does not take the character")
    ctx.set(dut.rx.valid, 0)
    await idle(ctx, 2)


class Driver(Initiator):
    async def get(self, offset):
        return await self.read(offset, 1)

    async def put(self, offset, value):
        await self.write(offset, value, 1)


def test_reset_values():
    dut = Uart()

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        assert [await uart.get(offset) for offset in range(8)] == [0, 0, 0x01, 0, 0x08, 0x60, 0xb0, 0]
        await uart.put(LCR, DLAB)
        assert [await uart.get(0), await uart.get(1)] == [12, 0]
        assert ctx.get(dut.irq) == 0

    run(dut, testbench)


def test_storage():
    """Every bit that can be kept is kept, and none of its neighbours moves."""
    dut = Uart()
    masks = {IER: 0x0f, LCR: 0x7f, MCR: 0x1f, SCR: 0xff}

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        for offset, mask in masks.items():
            for value in (0xff, 0x55, 0xaa, 0):
                await uart.put(offset, value & ~(DLAB if offset == LCR else 0))
                assert await uart.get(offset) == value & mask
        await uart.put(SCR, 0x77)
        await uart.put(LCR, DLAB | 3)
        await uart.put(0, 0x34)
        await uart.put(1, 0x12)
        assert ctx.get(dut.divisor) == 0x1234
        assert (await uart.get(0), await uart.get(1), await uart.get(SCR)) == (0x34, 0x12, 0x77)
        await uart.put(LCR, 3)
        assert (await uart.get(0), await uart.get(1)) == (0, 0)
        assert ctx.get(dut.divisor) == 0x1234
        assert ctx.get(dut.format.word_length) == 3
        # Status registers do not listen.
        await uart.put(LSR, 0xff)
        await uart.put(MSR, 0xff)
        assert (await uart.get(LSR), await uart.get(MSR)) == (0x60, 0xb0)

    run(dut, testbench)


def test_transmit():
    dut = Uart()
    sent = []

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        for character in b"hello":
            while not await uart.get(LSR) & 0x20:
                pass
            await uart.put(DATA, character)
        await idle(ctx, 5)
        assert bytes(sent) == b"hello"

    run(dut, testbench, background=[line(dut, sent)])


def test_transmit_fifo():
    """Sixteen characters fit behind a line that does not move; THRE and TEMT tell them apart."""
    dut = Uart()

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        await uart.put(FCR, 1)
        for character in range(16):
            await uart.put(DATA, character)
        await uart.put(DATA, 99)   # no room: lost
        assert await uart.get(LSR) == 0
        sent = []
        ctx.set(dut.tx.ready, 1)
        ctx.set(dut.busy, 1)
        for _ in range(30):
            _, _, valid, payload = await ctx.tick().sample(dut.tx.valid, dut.tx.payload)
            sent += [payload] * valid
        assert sent == list(range(16))
        assert await uart.get(LSR) == 0x20
        ctx.set(dut.busy, 0)
        assert await uart.get(LSR) == 0x60

    run(dut, testbench)


def test_transmitter_interrupt():
    dut = Uart()
    sent = []

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        await uart.put(FCR, 1)
        # Enabled while empty: at once.
        await uart.put(IER, 2)
        await idle(ctx, 3)
        assert ctx.get(dut.irq) == 1
        # Reading IIR takes it away,
        assert await uart.get(IIR) == 0xc2
        assert ctx.get(dut.irq) == 0
        assert await uart.get(IIR) == 0xc1
        # disabling and enabling brings it back,
        await uart.put(IER, 0)
        await uart.put(IER, 2)
        await idle(ctx, 3)
        assert ctx.get(dut.irq) == 1
        # a write takes it away until the FIFO runs empty.
        await uart.put(DATA, 65)
        await uart.put(DATA, 66)
        assert ctx.get(dut.irq) == 0
        while len(sent) < 2:
            assert ctx.get(dut.irq) == 0
            await ctx.tick()
        await idle(ctx, 3)
        assert ctx.get(dut.irq) == 1
        assert await uart.get(IIR) == 0xc2
        # Clearing the FIFO is running empty.
        await uart.put(DATA, 67)
        await uart.put(FCR, 1 | 4)
        await idle(ctx, 2)
        assert ctx.get(dut.irq) == 1
        await uart.put(IER, 0)
        await idle(ctx, 2)
        assert ctx.get(dut.irq) == 0
        await idle(ctx, 40)
        assert sent == [65, 66]

    run(dut, testbench, background=[line(dut, sent, waits=20)])


def test_receive():
    dut = Uart()

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        await uart.put(IER, 1)
        assert await uart.get(LSR) == 0x60
        await receive(ctx, dut, 0x41)
        assert await uart.get(LSR) == 0x61
        assert (ctx.get(dut.irq), await uart.get(IIR)) == (1, 0x04)
        # Without FIFOs there is room for one only.
        assert ctx.get(dut.rx.ready) == 0
        assert await uart.get(DATA) == 0x41
        assert (ctx.get(dut.irq), await uart.get(IIR), await uart.get(LSR)) == (0, 0x01, 0x60)
        assert await uart.get(DATA) == 0

    run(dut, testbench)


@pytest.mark.parametrize(("code", "trigger"), [(0, 1), (1, 4), (2, 8), (3, 14)])
def test_receive_trigger(code, trigger):
    dut = Uart()

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        await uart.put(FCR, code << 6 | 1)
        await uart.put(IER, 1)
        for count in range(1, 17):
            await receive(ctx, dut, count)
            assert ctx.get(dut.irq) == (count >= trigger)
            assert await uart.get(IIR) == (0xc4 if count >= trigger else 0xc1)
        assert ctx.get(dut.rx.ready) == 0
        for count in range(16, 0, -1):
            assert ctx.get(dut.irq) == (count >= trigger)
            assert await uart.get(DATA) == 17 - count
        assert await uart.get(LSR) == 0x60

    run(dut, testbench)


def test_character_timeout():
    dut = Uart()

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        await uart.put(LCR, DLAB)
        await uart.put(0, 2)
        await uart.put(LCR, 3)
        await uart.put(FCR, 0x81)
        await uart.put(IER, 1)
        await receive(ctx, dut, 7, 8)
        waited = 0
        while not ctx.get(dut.irq):
            await ctx.tick()
            waited += 1
            assert waited < 2000
        # Four characters of ten bits of 16 * 2 clocks.
        assert 1270 <= waited <= 1280
        assert await uart.get(IIR) == 0xcc
        assert await uart.get(DATA) == 7
        assert ctx.get(dut.irq) == 0
        # A new character starts the time again.
        await idle(ctx, 1000)
        await receive(ctx, dut, 9)
        await idle(ctx, 1000)
        assert ctx.get(dut.irq) == 0
        await idle(ctx, 300)
        assert await uart.get(IIR) == 0xcc
        assert [await uart.get(DATA), await uart.get(DATA)] == [8, 9]
        await idle(ctx, 2000)
        assert ctx.get(dut.irq) == 0

    run(dut, testbench)


def test_fifo_clear():
    dut = Uart()

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        await uart.put(FCR, 1)
        await receive(ctx, dut, 1, 2, 3)
        await uart.put(DATA, 4)
        await uart.put(FCR, 3)
        assert (await uart.get(LSR), await uart.get(IIR)) == (0x00, 0xc1)
        await uart.put(FCR, 5)
        assert await uart.get(LSR) == 0x60
        # Switching the FIFOs off clears both.
        await receive(ctx, dut, 1, 2, 3)
        await uart.put(DATA, 4)
        await uart.put(FCR, 0)
        assert (await uart.get(LSR), await uart.get(IIR), await uart.get(DATA)) == (0x60, 0x01, 0)
        await receive(ctx, dut, 9)
        assert await uart.get(DATA) == 9

    run(dut, testbench)


def test_line_errors():
    dut = Uart()

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        await uart.put(FCR, 1)
        await uart.put(IER, 5)
        await receive(ctx, dut, 1)
        ctx.set(dut.errors.parity, 1)
        await receive(ctx, dut, 2)
        ctx.set(dut.errors.parity, 0)
        ctx.set(dut.errors.framing, 1)
        ctx.set(dut.errors.broken, 1)
        await receive(ctx, dut, 0)
        ctx.set(dut.errors.framing, 0)
        ctx.set(dut.errors.broken, 0)
        # The first is good; bit 7 tells of the others.
        assert (await uart.get(LSR), await uart.get(IIR)) == (0xe1, 0xc4)
        assert await uart.get(DATA) == 1
        await idle(ctx, 1)
        assert await uart.get(IIR) == 0xc6
        assert await uart.get(LSR) == 0xe5
        assert (await uart.get(LSR), await uart.get(IIR)) == (0xe1, 0xc4)
        assert await uart.get(DATA) == 2
        await idle(ctx, 1)
        assert await uart.get(LSR) == 0xf9
        assert await uart.get(DATA) == 0
        assert await uart.get(LSR) == 0x60
        # Clearing the FIFO does not hide the errors of what comes next.
        ctx.set(dut.errors.parity, 1)
        await receive(ctx, dut, 3)
        assert await uart.get(LSR) == 0xe5
        await uart.put(FCR, 3)
        await receive(ctx, dut, 4)
        ctx.set(dut.errors.parity, 0)
        assert await uart.get(LSR) == 0xe5
        assert await uart.get(DATA) == 4
        ctx.set(dut.errors.overrun, 1)
        await ctx.tick()
        ctx.set(dut.errors.overrun, 0)
        await ctx.tick()
        assert ctx.get(dut.irq) == 1
        assert (await uart.get(IIR), await uart.get(LSR), await uart.get(LSR)) == (0xc6, 0x62, 0x60)

    run(dut, testbench)


def test_loop_back():
    dut = Uart()
    sent = []

    async def testbench(ctx):
        uart = Driver(ctx, dut.bus)
        await uart.put(FCR, 1)
        await uart.put(MCR, 0x10)
        for character in b"abc":
            await uart.put(DATA, character)
        assert ctx.get(dut.rx.ready) == 0
        assert bytes([await uart.get(DATA) for _ in range(3)]) == b"abc"
        for mcr, msr in ((0x10, 0), (0x11, 0x20), (0x12, 0x10), (0x14, 0x40), (0x18, 0x80), (0x1f, 0xf0)):
            await uart.put(MCR, mcr)
            assert await uart.get(MSR) == msr
        await uart.put(MCR, 0)
        await uart.put(DATA, 0x7a)
        await idle(ctx, 4)
        assert sent == [0x7a]

    run(dut, testbench, background=[line(dut, sent)])


@pytest.mark.parametrize("seed", range(2))
def test_echo(seed):
    """An interrupt-driven echo under random gaps loses and doubles nothing."""
    dut = Uart()
    choose = random.Random(seed)
    sent, text = [], bytes(choose.randrange(256) for _ in range(150))

    async def far_end(ctx):
        # Switching the FIFOs on would clear them.
        await idle(ctx, 60)
        for character in text:
            await receive(ctx, dut, character)
            await idle(ctx, choose.choice([0, 0, 0, 5, 40]))

    async def driver(ctx):
        uart = Driver(ctx, dut.bus)
        await uart.put(LCR, DLAB)
        await uart.put(0, 1)
        await uart.put(LCR, 3)
        await uart.put(FCR, 0x81)
        await uart.put(IER, 1)
        waiting = []
        quiet = 0
        while len(sent) < len(text) and quiet < 3000:
            if not ctx.get(dut.irq):
                quiet += 1
                await ctx.tick()
                continue
            quiet = 0
            cause = await uart.get(IIR) & 0xf
            if cause in (4, 12):
                while await uart.get(LSR) & 1:
                    waiting.append(await uart.get(DATA))
            if cause == 2 or await uart.get(LSR) & 0x20:
                for character in waiting[:16]:
                    await uart.put(DATA, character)
                del waiting[:16]
            await uart.put(IER, 3 if waiting else 1)

    run(dut, far_end, driver, background=[line(dut, sent, waits=3)])
    assert bytes(sent) == text


def test_map():
    found = [(info.name, info.offset, info.access.value, info.reset, info.alternate_of)
             for info in registers(Uart().bus.memory_map)]
    assert found == [
        ("rbr", 0, "r", 0, None), ("thr", 0, "w", 0, "rbr"), ("dll", 0, "rw", 12, "rbr"),
        ("ier", 1, "rw", 0, None), ("dlm", 1, "rw", 0, "ier"), ("iir", 2, "r", 0, None),
        ("fcr", 2, "w", 0, "iir"), ("lcr", 3, "rw", 0, None), ("mcr", 4, "rw", 8, None),
        ("lsr", 5, "r", 0, None), ("msr", 6, "r", 0, None), ("scr", 7, "rw", 0, None)]
