"""What a reset leaves of the CSRs."""

import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

from hw.core.config import CoreConfig
from hw.core.csr_file import CsrFile
from hw.core.isa import CsrAddress
from hw.core.stored_csr import StoredCsr

#: Of a core with one context: no reset takes less from its end to the first instruction.
CLEARING_CYCLES = 32


@pytest.mark.parametrize("trapped", [False, True])
@pytest.mark.parametrize("function", range(4))
def test_reset_clears_what_lies_in_lut_ram(function, trapped):
    """Also when the reset comes between a trap and the write of its value."""
    csr = CsrFile(CoreConfig())
    reset = Signal()

    async def testbench(ctx):
        async def access(address, value=None):
            for signal, now in ((csr.check_address, address), (csr.address, address), (csr.function, 1),
                                (csr.operand, value or 0), (csr.writes, value is not None)):
                ctx.set(signal, now)
            ctx.set(csr.stored, ctx.get(csr.check_stored))
            ctx.set(csr.place, ctx.get(csr.check_place))
            ctx.set(csr.accesses, 1)
            ctx.set(csr.execute, 1)
            read = ctx.get(csr.read_data)
            await ctx.tick()
            ctx.set(csr.execute, 0)
            ctx.set(csr.accesses, 0)
            return read

        await ctx.tick().repeat(CLEARING_CYCLES)
        for place in StoredCsr:
            await access(CsrAddress[place.name], 0x5555_0000_0000_5550 + 4 * place)
        for place in StoredCsr:
            assert await access(CsrAddress[place.name]) == 0x5555_0000_0000_5550 + 4 * place
        if trapped:
            for signal, value in ((csr.trap, 1), (csr.trap_pc, 0x1234), (csr.trap_value, 0x9999)):
                ctx.set(signal, value)
            await ctx.tick()
        ctx.set(reset, 1)
        # The pipeline that drives this is in reset too. What is no instruction may look like one.
        ctx.set(csr.trap, 0)
        for signal, value in ((csr.function, function), (csr.operand, 0x77), (csr.writes, 1), (csr.place, 3)):
            ctx.set(signal, value)
        await ctx.tick()
        ctx.set(reset, 0)
        await ctx.tick().repeat(CLEARING_CYCLES)
        for place in StoredCsr:
            assert await access(CsrAddress[place.name]) == 0, place.name

    simulator = Simulator(ResetInserter(reset)(csr))
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
