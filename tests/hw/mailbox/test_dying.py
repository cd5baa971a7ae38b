"""Sends to what dies, on Verilator."""

import pytest

from tests.hw.cocotb_bench import BenchFailure, model_of, run, testcases

BENCH = "tests.hw.mailbox.dying_bench"
#: Which test must see which planted fault, of the capability unit or of the mailbox.
CATCHES = [("skip_invalidate", "taken_away_during_a_send_by_page"),
           ("skip_invalidate", "taken_away_during_a_send_by_instructions"),
           ("store_on_refusal", "unbound_during_a_send")]


@pytest.mark.parametrize("testcase", testcases(BENCH))
def test_dying(testcase):
    run(model_of(BENCH), BENCH, testcase)


@pytest.mark.parametrize(("fault", "testcase"), CATCHES)
def test_fault_is_caught(fault, testcase):
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(model_of(BENCH), BENCH, testcase, environment={"FAULTS": fault})
