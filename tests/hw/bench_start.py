"""Loaded before a bench by :func:`tests.hw.cocotb_bench.run`: what every cocotb test begins with.

Inputs that a test does not drive are 0; undriven they would be unknown, and so would be what depends on them. A
test ends with `SimTimeoutError` when it has used up its simulated time, so that none waits for ever; one that names a
limit itself keeps it.
"""

import functools
import os
import warnings

import cocotb
from cocotb.triggers import Timer

warnings.filterwarnings("ignore", f"No tests were discovered in module: {__name__}")
_test = cocotb.test


def _started(**options):
    def decorate(function):
        @functools.wraps(function)
        async def test(dut):
            for name in os.environ["BENCH_INPUTS"].split():
                getattr(dut, name).value = 0
            # In force before the first edge of the clock, which may come at time 0.
            await Timer(1, unit="ns")
            await function(dut)
        limit = {"timeout_time": int(os.environ["BENCH_LIMIT_US"]), "timeout_unit": "us"}
        return _test(**limit | options)(test)
    return decorate


if "BENCH_INPUTS" in os.environ:
    cocotb.test = _started
