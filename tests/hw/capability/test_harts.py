"""Capability units of several harts on Verilator: directed and random benches, and the same benches on planted
faults."""

import pytest

from hw.capability.config import BROADCAST_FAULTS
from tests.hw.cocotb_bench import BenchFailure, model_of, run

DIRECTED = "tests.hw.capability.harts_bench"
RESET = "tests.hw.capability.harts_reset_bench"
REVOKE = "tests.hw.capability.harts_revoke_bench"
RANDOM = "tests.hw.capability.harts_random_bench"
TIMING = "tests.hw.capability.harts_timing_bench"

#: Which test must see which planted fault.
CATCHES = {
    "early_ack": (DIRECTED, "kept_answers_do_not_outlive_an_invalidate_of_another_hart"),
    "leave_out": (DIRECTED, "invalidates_reach_every_hart"),
    "keep_remote_walk": (DIRECTED, "walks_of_another_hart_are_killed_in_every_alignment"),
    "keep_remote_answer": (DIRECTED, "kept_answers_do_not_outlive_an_invalidate_of_another_hart"),
    "lose_remote": (DIRECTED, "invalidates_at_once_do_not_wait_for_each_other"),
    "reset_acks": (RESET, "reset_at_every_moment_of_a_broadcast"),
    "keep_revoked": (REVOKE, "no_descendant_passes_on_any_hart"),
    "silence_is_done": (RESET, "a_unit_in_reset_has_not_forgotten"),
    "drop_late_unit": (RESET, "a_unit_that_does_not_forget_says_nothing"),
    "narrow_late_unit": (RESET, "a_unit_that_does_not_forget_says_nothing"),
}
#: Which the proof sees (`tests/formal/capability/test_broadcast_proof.py`); benches do not come to the moment.
PROVEN = {"count_once"}


def units(harts=2):
    return model_of(DIRECTED, environment={"HARTS": harts})


# A whole bench at a time: a simulator's start takes as long as many of its tests.
@pytest.mark.parametrize("bench", [DIRECTED, RESET, REVOKE])
def test_directed(bench):
    run(units(), bench)


@pytest.mark.slow
@pytest.mark.parametrize("harts", [2, 3, 4])
@pytest.mark.parametrize("bench", [DIRECTED, RESET, REVOKE])
def test_directed_by_every_two_harts(harts, bench):
    run(units(harts), bench, environment={"HARTS": harts, "FULL": 1}, limit_us=100_000, limit_seconds=3600)


def test_random():
    run(units(), RANDOM, environment={"CYCLES": 20_000, "COVER": 95})


@pytest.mark.slow
@pytest.mark.parametrize("harts", [2, 4])
@pytest.mark.parametrize("seed", range(100, 110))
def test_random_long(harts, seed):
    run(units(harts), RANDOM, seed=seed, environment={"HARTS": harts, "CYCLES": 40_000}, limit_us=100_000)


@pytest.mark.parametrize("fault", CATCHES)
def test_fault_is_caught(fault):
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(units(), *CATCHES[fault], environment={"FAULTS": fault})


def test_every_fault_has_a_catcher():
    assert set(CATCHES) | PROVEN == set(BROADCAST_FAULTS)


def report(text):
    print(*[line.split("  ")[-1] for line in text.splitlines() if " harts, " in line], sep="\n")


def test_timing_of_one_hart(unit):
    report(run(unit, TIMING, environment={"HARTS": 1}))


@pytest.mark.parametrize("harts", [2, pytest.param(3, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)])
def test_timing(harts):
    report(run(units(harts), TIMING, environment={"HARTS": harts}))
