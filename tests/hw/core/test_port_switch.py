"""Parameters of the port switch, and whom it lets go on. What it does with a core: programs/custom.S."""

import re

import pytest
from amaranth.sim import Simulator

from hw.abi import CUSTOM_0, unit_functions
from hw.core.port_switch import PortSwitch


@pytest.mark.parametrize(("functions", "message"), [
    ((), "A port switch wants at least one unit, and each unit a funct7"),
    (((1,), ()), "A port switch wants at least one unit, and each unit a funct7"),
    (((128,),), "funct7 must be from 0 to 127, not 128"),
    ((("a",),), "funct7 must be from 0 to 127, not 'a'"),
    (((1, 2), (2, 3)), "Two units want funct7 2"),
])
def test_bad_functions(functions, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        PortSwitch(functions)


def test_nobodys():
    """What resembles no unit's own instructions is taken at once, for the core to refuse it."""
    dut = PortSwitch(((0b00,), (0b01,), (0b10,)))

    async def bench(ctx):
        ctx.set(dut.port.issue.insn, 0b11 << 25 | CUSTOM_0)
        ctx.set(dut.port.issue.valid, 1)
        assert ctx.get(dut.port.issue.ready) and not ctx.get(dut.port.issue.accept)
        assert not any(ctx.get(unit.issue.valid) for unit in dut.units)

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()


def test_routes():
    """An instruction reaches its own unit alone; another unit's waits until nothing is in flight."""
    dut = PortSwitch((unit_functions("cap"), unit_functions("mail")))
    issue, commit, result = dut.port.issue, dut.port.commit, dut.port.result

    async def bench(ctx):
        def offer(funct7):
            ctx.set(issue.insn, funct7 << 25 | CUSTOM_0)
            ctx.set(issue.valid, 1)
            return ctx.get(issue.ready), ctx.get(issue.accept), [ctx.get(unit.issue.valid) for unit in dut.units]

        for unit in dut.units:
            ctx.set(unit.issue.ready, 1)
            ctx.set(unit.issue.accept, 1)
            # An offer of a unit that has nothing in flight is nobody's.
            ctx.set(unit.result.valid, 1)
        for number, unit in enumerate(dut.units):
            ctx.set(unit.result.data, 100 + number)
        assert not ctx.get(result.valid)
        # One that is nobody's is not offered; it waits for the unit that it resembles.
        assert offer(9) == (1, 0, [0, 0])
        ctx.set(dut.units[0].issue.ready, 0)
        assert offer(9) == (0, 0, [0, 0])
        ctx.set(dut.units[0].issue.ready, 1)
        for first, second, numbers in ((0, 2, (0, 1)), (3, 1, (1, 0))):
            one, other = numbers
            ready, accept, valid = offer(first)
            assert (ready, accept, valid[one], valid[other]) == (1, 1, 1, 0)
            await ctx.tick()
            # The same unit goes on, the other one waits.
            assert offer(second) == (0, 1, [0, 0])
            ready, _, valid = offer(first)
            assert (ready, valid[one]) == (1, 1)
            await ctx.tick()
            ctx.set(issue.valid, 0)
            ctx.set(commit.valid, 1)
            ctx.set(result.ready, 1)
            assert [ctx.get(unit.commit.valid) for unit in dut.units] == [number == one for number in range(2)]
            assert ctx.get(result.valid) and ctx.get(result.data) == 100 + one
            await ctx.tick()
            # The second of them is killed.
            ctx.set(result.ready, 0)
            ctx.set(commit.kill, 1)
            assert offer(second) == (0, 1, [0, 0])
            await ctx.tick()
            ctx.set(commit.valid, 0)
            ctx.set(commit.kill, 0)
            assert offer(second)[:2] == (1, 1)
            ctx.set(issue.valid, 0)
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
