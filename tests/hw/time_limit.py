"""Loaded before a bench by :func:`tests.hw.cocotb_bench.run`: every test of it gets a limit in simulated time.

A test that waits for something that never comes ends with `SimTimeoutError`; one that names a limit itself keeps it.
"""

import functools
import os

import cocotb

if "BENCH_LIMIT_US" in os.environ:
    cocotb.test = functools.partial(cocotb.test, timeout_time=int(os.environ["BENCH_LIMIT_US"]), timeout_unit="us")
