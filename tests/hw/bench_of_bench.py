"""An adder and cocotb tests for the helper's own test: one passes, the others fail on purpose."""

import os

import cocotb
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from cocotb.clock import Clock
from cocotb.triggers import Event, FallingEdge, NullTrigger

from tests.hw.coverage import Coverage, crossed


class Adder(wiring.Component):
    """Registered sum."""

    operands: In(wiring.Signature({"left": Out(8), "right": Out(8)}))
    total: Out(8)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.total.eq(self.operands.left + self.operands.right)
        return m


def component():
    """What the bench is about."""
    return Adder()


@cocotb.test()
async def counts(dut):
    """The adder's registered sum follows its inputs by one cycle."""
    assert os.environ.get("GREETING", "hello") == "hello"
    Clock(dut.clk, 10, unit="ns").start()
    dut.rst.value = 0
    dut.operands_left.value, dut.operands_right.value = 3, 4
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    assert int(dut.total.value) == 7


@cocotb.test()
async def fails(dut):
    """Always red."""
    Clock(dut.clk, 10, unit="ns").start()
    await FallingEdge(dut.clk)
    raise AssertionError("red on purpose")


@cocotb.test()
async def waits_for_ever(dut):
    """Its event never comes."""
    Clock(dut.clk, 10, unit="ns").start()
    await Event().wait()


@cocotb.test()
async def never_lets_time_pass(dut):
    """The simulator's time stands still."""
    while True:
        await NullTrigger()


@cocotb.test()
async def covers(dut):
    """Half of what it states."""
    coverage = Coverage("bench-of-bench", {"letters": {"a", "b"}, "pairs": crossed((1, 2), ("x",))})
    coverage.see("letters", "a")
    coverage.see("pairs", 2, "x")
    try:
        coverage.see("letters", "c")
    except ValueError as error:
        cocotb.log.info("%s", error)
    coverage.finish(cocotb.log)
