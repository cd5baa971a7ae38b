"""Cocotb tests for the helper's own test: one passes, one fails on purpose."""

import os

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge


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
