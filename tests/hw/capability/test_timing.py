"""Cycles of the capability unit, as its datasheet states them."""

import pytest

from tests.hw.cocotb_bench import run, testcases

BENCH = "tests.hw.capability.timing_bench"


@pytest.mark.parametrize("testcase", testcases(BENCH))
def test_timing(unit, testcase):
    run(unit, BENCH, testcase)
