"""The mailbox with the real capability unit on a shared bus, on Verilator."""

import pytest

from tests.hw.cocotb_bench import build, run, testcases
from tests.hw.mailbox.unit_system import UnitSystem

BENCH = "tests.hw.mailbox.unit_bench"


@pytest.fixture(scope="session")
def system():
    return build(UnitSystem(), name="mailbox_with_unit")


@pytest.mark.parametrize("testcase", testcases(BENCH))
def test_with_unit(system, testcase):
    run(system, BENCH, testcase)
