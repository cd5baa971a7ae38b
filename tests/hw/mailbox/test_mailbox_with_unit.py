"""The mailbox with the real capability unit on a shared bus, on Verilator."""

import pytest

from tests.hw.cocotb_bench import model_of, run, testcases

BENCH = "tests.hw.mailbox.unit_bench"


@pytest.mark.parametrize("testcase", testcases(BENCH))
def test_with_unit(testcase):
    run(model_of(BENCH), BENCH, testcase)
