"""The capability unit on Verilator."""

import pytest

from tests.hw.cocotb_bench import run, testcases

DIRECTED = "tests.hw.capability.directed_bench"


@pytest.mark.parametrize("testcase", testcases(DIRECTED))
def test_directed(unit, testcase):
    run(unit, DIRECTED, testcase)
