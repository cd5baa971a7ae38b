"""The capability unit on Verilator: directed and random benches, and the same benches on planted faults."""

import pytest

from hw.capability.unit import CapabilityUnit
from tests.hw.capability.driver import CONFIGS
from tests.hw.cocotb_bench import BenchFailure, build, run, testcases

DIRECTED = "tests.hw.capability.directed_bench"
RANDOM = "tests.hw.capability.random_bench"
WIDE = "tests.hw.capability.wide_bench"

#: Which test must see which planted fault.
CATCHES = {
    "drop_rights": (DIRECTED, "every_verdict_on_every_interface"),
    "drop_type": (DIRECTED, "every_verdict_on_every_interface"),
    "drop_tag": (DIRECTED, "every_verdict_on_every_interface"),
    "drop_generation": (DIRECTED, "every_verdict_on_every_interface"),
    "drop_valid": (DIRECTED, "every_verdict_on_every_interface"),
    "skip_invalidate": (DIRECTED, "invalidates_forget_what_they_name_and_no_more"),
    "keep_walk": (DIRECTED, "walks_are_killed_in_every_alignment"),
    "skip_reread": (DIRECTED, "torn_slots_are_read_again"),
    "drop_bounds": (DIRECTED, "bounds_and_malformed_tables"),
    "skip_commit": (DIRECTED, "killed_instructions_never_happened"),
    "drop_space": (DIRECTED, "invalidates_forget_what_they_name_and_no_more"),
    "keep_wide": (WIDE, "what_no_line_has_room_for_is_walked_for"),
}


@pytest.fixture(scope="session")
def unit_without_engine():
    """On Verilator, without a revocation engine."""
    return build(CapabilityUnit(CONFIGS["software"]), name="capability_unit_software")


@pytest.mark.parametrize("testcase", testcases(DIRECTED))
def test_directed(unit, testcase):
    run(unit, DIRECTED, testcase)


@pytest.mark.parametrize("testcase", testcases(WIDE))
def test_wide(unit, testcase):
    run(unit, WIDE, testcase)


#: What there is to see of the missing engine, and that checks and invalidates are what they are with it.
WITHOUT_ENGINE = {"every_verdict_on_every_interface", "only_user_instructions_in_user_mode", "window_registers",
                  "invalidates_forget_what_they_name_and_no_more", "walks_are_killed_in_every_alignment"}


@pytest.mark.parametrize("testcase", [
    testcase if testcase in WITHOUT_ENGINE else pytest.param(testcase, marks=pytest.mark.slow)
    for testcase in testcases(DIRECTED)])
def test_directed_without_engine(unit_without_engine, testcase):
    run(unit_without_engine, DIRECTED, testcase, environment={"CAPABILITY": "software"})


@pytest.mark.slow
def test_random_without_engine(unit_without_engine):
    run(unit_without_engine, RANDOM, environment={"CYCLES": 40_000, "CAPABILITY": "software"})


def test_random(unit):
    run(unit, RANDOM, environment={"CYCLES": 40_000, "COVER": 95})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_random_long(unit, seed):
    run(unit, RANDOM, seed=seed, environment={"CYCLES": 60_000})


@pytest.mark.parametrize("fault", CATCHES)
def test_fault_is_caught(unit, fault):
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(unit, *CATCHES[fault], environment={"FAULTS": fault})


@pytest.mark.parametrize("fault", ["drop_rights", "drop_generation", "skip_invalidate", "drop_space"])
def test_random_catches_faults(unit, fault):
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(unit, RANDOM, environment={"FAULTS": fault, "CYCLES": 30_000})
