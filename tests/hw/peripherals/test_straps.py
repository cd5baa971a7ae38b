import pytest

from hw.peripherals.straps import BootStraps, Straps
from tests.hw.bus.bench import BusError, Initiator, run


@pytest.mark.parametrize("level", range(8))
def test_levels(level):
    dut = Straps()

    async def testbench(ctx):
        bus = Initiator(ctx, dut.bus)
        ctx.set(dut.straps, BootStraps.from_bits(level))
        assert await bus.read(0) == level
        await bus.write(0, 7)
        assert await bus.read(0) == level
        with pytest.raises(BusError):
            await bus.read(4)

    run(dut, testbench)


def test_bits():
    """The register has the strap's bits at the strap's places."""
    fields = Straps()._levels.fields
    assert {field.name: field.lsb for field in fields} == {
        name: field.offset for name, field in BootStraps.as_shape()}
