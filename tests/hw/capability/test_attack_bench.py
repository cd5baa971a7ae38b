"""Attacks on the capability unit on Verilator; with the slow tests also one by one, and on planted faults."""

import pytest

from tests.hw.cocotb_bench import BenchFailure, run, testcases

ATTACKS = "tests.hw.capability.attack_bench"

#: Which of them must see which planted fault.
CATCHES = {
    "drop_rights": "chains_of_derivations_give_no_right_back",
    "drop_tag": "recycled_places_and_objects",
    "drop_type": "every_flipped_bit_of_a_question",
    "drop_generation": "generations_that_would_wrap",
    "drop_valid": "every_flipped_bit_of_a_slot",
    "drop_space": "handles_of_other_spaces",
    "drop_bounds": "garbage_for_tables",
    "skip_reread": "slots_that_change_while_they_are_read",
    "skip_settle": "revoked_by_an_instruction_while_the_window_asks",
}


def test_all_attacks(unit):
    """In one simulation: to start one takes longer than most of them."""
    run(unit, ATTACKS)


@pytest.mark.slow
@pytest.mark.parametrize("testcase", testcases(ATTACKS))
def test_attack(unit, testcase):
    run(unit, ATTACKS, testcase)


# The C++ harness finds most of them in make test, in less time.
@pytest.mark.slow
@pytest.mark.parametrize("fault", CATCHES)
def test_fault_is_caught(unit, fault):
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(unit, ATTACKS, CATCHES[fault], environment={"FAULTS": fault})
