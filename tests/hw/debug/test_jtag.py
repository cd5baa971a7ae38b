import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.debug.jtag import DEFAULT_IDCODE, Instruction, JtagSignature, JtagTransport
from tests.hw.bus.bench import run
from tests.hw.debug.driver import JtagProbe


class Registers(wiring.Component):
    """A transport in front of 128 registers."""

    pins: In(JtagSignature())

    def __init__(self, **parameters):
        self.transport = JtagTransport(**parameters)
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.transport = transport = self.transport
        dmi = transport.dmi
        wiring.connect(m, wiring.flipped(self.pins), transport.pins)
        registers = Array(Signal(32, init=0x1000_0000 + number) for number in range(128))
        with m.If(dmi.valid):
            m.d.sync += dmi.response.eq(registers[dmi.address])
            with m.If(dmi.write):
                m.d.sync += registers[dmi.address].eq(dmi.data)
        return m


@pytest.mark.parametrize("idcode, error, message", [
    ("veridian", TypeError, "IDCODE must be an integer, not 'veridian'"),
    (0x1234, ValueError, "IDCODE must be an odd number of 32 bits, not 0x1234"),
    (1 << 32 | 1, ValueError, "IDCODE must be an odd number of 32 bits, not 0x100000001"),
])
def test_bad_idcode(idcode, error, message):
    with pytest.raises(error) as caught:
        JtagTransport(idcode=idcode)
    assert str(caught.value) == message


def with_probe(testbench, half=4, **parameters):
    dut = Registers(**parameters)

    async def process(ctx):
        await testbench(JtagProbe(ctx, dut.pins, half))

    run(dut, process)


@pytest.mark.parametrize("half", (4, 5, 9))
def test_idcode_is_selected_after_reset(half):
    async def testbench(probe):
        await probe.reset()
        assert await probe.scan(0, 32) == DEFAULT_IDCODE
        assert await probe.instruction(Instruction.BYPASS) == 0b00001
        await probe.reset()
        assert await probe.scan(0, 32) == DEFAULT_IDCODE

    with_probe(testbench, half)


def test_idcode_parameter():
    async def testbench(probe):
        await probe.reset()
        assert await probe.scan(0, 32) == 0xdead_beef

    with_probe(testbench, idcode=0xdead_beef)


@pytest.mark.parametrize("instruction", (0x00, 0x12, 0x17, 0x1f))
def test_bypass_is_one_bit_that_starts_as_zero(instruction):
    async def testbench(probe):
        await probe.reset()
        await probe.instruction(instruction)
        assert await probe.scan(0b1011_0011_1, 9) == 0b0110_0111_0

    with_probe(testbench)


def test_shifting_may_pause():
    async def testbench(probe):
        await probe.reset()
        await probe.clocks([(1, 0), (0, 0), (0, 0)])
        low = await probe.clocks([(bit == 15, 0) for bit in range(16)])
        await probe.clocks([(tms, 0) for tms in (0, 0, 0, 1, 0)])  # Pause-DR, Exit2-DR, Shift-DR
        high = await probe.clocks([(bit == 15, 0) for bit in range(16)])
        assert low | high << 16 == DEFAULT_IDCODE

    with_probe(testbench)


def test_dtmcs():
    async def testbench(probe):
        await probe.reset()
        await probe.instruction(Instruction.DTMCS)
        # Version 1, seven address bits, no error, no waiting.
        assert await probe.scan(1 << 16 | 1 << 17, 32) == 7 << 4 | 1

    with_probe(testbench)


def test_dmi_reads_and_writes():
    async def testbench(probe):
        await probe.reset()
        assert await probe.read(0x11) == 0x1000_0011
        await probe.write(0x7f, 0xcafe_f00d)
        await probe.write(0x00, 0xffff_ffff)
        assert await probe.read(0x7f) == 0xcafe_f00d
        assert await probe.read(0x00) == 0xffff_ffff
        assert await probe.read(0x12) == 0x1000_0012

    with_probe(testbench)


def test_neither_nop_nor_reserved_operations_nor_other_instructions_reach_the_module():
    async def testbench(probe):
        await probe.reset()
        await probe.read(0x11)
        for operation in (0, 3):
            await probe.scan(0x05 << 34 | 0x1234 << 2 | operation, 41)
            assert await probe.scan(0, 41) == 0x11 << 34 | 0x1000_0011 << 2
        await probe.instruction(Instruction.BYPASS)
        await probe.scan(0x05 << 34 | 0x1234 << 2 | 2, 41)
        assert await probe.read(0x05) == 0x1000_0005

    with_probe(testbench)
