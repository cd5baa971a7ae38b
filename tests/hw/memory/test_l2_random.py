"""The second-level cache on Verilator: random traffic, and planted faults that it has to notice."""

import pytest

from hw.memory.l2_config import FAULTS
from tests.hw.cocotb_bench import BenchFailure, build, run, testcases
from tests.hw.memory.l2_system import CONFIGS, L2System

BENCH = "tests.hw.memory.l2_bench"

#: The test that each planted fault turns red, where it is not `any_traffic`.
CAUGHT_BY = {
    "keep_failed_line": "refused_words",
    "no_clear": "reset_at_any_moment",
}
#: Caught by a directed test.
ELSEWHERE = {"lose_error"}
#: One of each kind; the others only in `make test-all`.
QUICK = {"skip_write_back", "no_replay", "no_conflict", "no_clear"}


@pytest.fixture(scope="session")
def models():
    built = {}

    def model(name):
        if name not in built:
            built[name] = build(L2System(CONFIGS[name]), name=f"l2_{name}")
        return built[name]
    return model


@pytest.mark.parametrize("testcase", testcases(BENCH))
def test_random(models, testcase):
    run(models("two_ways"), BENCH, testcase, environment={"L2": "two_ways"})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["long_lines", "direct"])
def test_other_configurations(models, name):
    run(models(name), BENCH, "any_traffic", seed=2, environment={"L2": name})


@pytest.mark.parametrize("fault", [pytest.param(fault, marks=() if fault in QUICK else pytest.mark.slow)
                                   for fault in FAULTS if fault not in ELSEWHERE])
def test_fault_is_noticed(models, fault):
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(models("two_ways"), BENCH, CAUGHT_BY.get(fault, "any_traffic"),
            environment={"L2": "two_ways", "FAULT": fault})


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", range(10, 14))
def test_long(models, name, seed):
    run(models(name), BENCH, seed=seed, environment={"L2": name, "STEPS": "4000"})
