"""The revocation engine on Verilator: directed and random benches, and the same benches on planted faults."""

import pytest

from hw.capability.config import FAULTS
from tests.hw.capability.test_parity import CATCHES as PARITY_CATCHES
from tests.hw.capability.test_unit import CATCHES as CHECK_CATCHES
from tests.hw.cocotb_bench import BenchFailure, run, testcases

REVOKE = "tests.hw.capability.revoke_bench"
RANDOM = "tests.hw.capability.random_revoke_bench"

#: Which test must see which planted fault.
CATCHES = {
    "keep_valid": "all_descendants_and_no_one_else",
    "keep_tag": "all_descendants_and_no_one_else",
    "skip_siblings": "all_descendants_and_no_one_else",
    "skip_mark": "marks_come_before_descent",
    "ignore_stop": "stopped_at_every_moment_and_started_again",
    "drop_links": "malformed_trees_end_with_an_error",
    "drop_slot_valid": "malformed_trees_end_with_an_error",
    "drop_parent": "malformed_trees_end_with_an_error",
    "drop_cycle": "malformed_trees_end_with_an_error",
    "drop_bus_error": "every_bus_error_ends_the_run",
    "skip_settle": "all_descendants_and_no_one_else",
    "early_done": "the_first_read_of_the_end_is_behind_the_invalidate",
    "drop_late": "a_silent_bus_ends_the_run",
    "drop_mixed": "descendants_of_other_objects",
}


@pytest.mark.parametrize("testcase", testcases(REVOKE))
def test_directed(unit, testcase):
    run(unit, REVOKE, testcase)


def test_random(unit):
    run(unit, RANDOM, environment={"ROUNDS": 80, "COVER": 95})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_random_long(unit, seed):
    run(unit, RANDOM, seed=seed, environment={"ROUNDS": 60})


def test_every_fault_has_a_catcher():
    assert set(CATCHES) | set(CHECK_CATCHES) | {fault for fault, _ in PARITY_CATCHES} == set(FAULTS)


@pytest.mark.parametrize("fault", CATCHES)
def test_fault_is_caught(unit, fault):
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(unit, REVOKE, CATCHES[fault], environment={"FAULTS": fault})
