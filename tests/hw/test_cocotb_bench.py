"""The cocotb helper itself: a green test passes, a red one fails, no test at all fails."""

import pytest

from tests.hw.bench_of_bench import component
from tests.hw.cocotb_bench import BenchFailure, build, model_of, run, testcases
from tests.hw.coverage import REPORTS
from tests.hw.simulators import SIMULATORS

BENCH = "tests.hw.bench_of_bench"


# Netlists run on the first of them.
@pytest.fixture(scope="session", params=[name for name in SIMULATORS if name != "netlist"])
def adder(request):
    return model_of(BENCH, simulator=request.param)


def test_names():
    assert testcases(BENCH) == ["counts", "fails", "waits_for_ever", "never_lets_time_pass", "covers"]


def test_green(adder):
    assert "counts" in run(adder, BENCH, "counts", environment={"GREETING": "hello"})


def test_red(adder):
    with pytest.raises(BenchFailure, match="red on purpose"):
        run(adder, BENCH, "fails")


def test_a_bench_that_waits_for_ever_is_ended(adder):
    with pytest.raises(BenchFailure) as caught:
        run(adder, BENCH, "waits_for_ever", seed=7, limit_us=20)
    reason, again, *_ = str(caught.value).splitlines()
    assert reason == f"{BENCH}: no end within the limit of simulated time (20 us unless the test names another)"
    assert again == "seed 7; again with a waveform: make wave TEST=bench_of.waits_for_ever SEED=7"


def test_a_bench_in_which_no_time_passes_is_ended(adder):
    with pytest.raises(BenchFailure) as caught:
        run(adder, BENCH, "never_lets_time_pass", seed=8, environment={"FAULT": "x"},
            limit_seconds=2 / SIMULATORS[adder.simulator].slowness)
    reason, again, *_ = str(caught.value).splitlines()
    assert reason == f"{BENCH}: no end after 2.0 seconds"
    assert again == "seed 8; again with a waveform: make wave TEST=bench_of.never_lets_time_pass SEED=8 SET='FAULT=x'"


def test_cover_points(adder):
    """What was not reached is named, in the log, in the reports, and where more is demanded."""
    said = "2 of 4 cover points of bench-of-bench, 50.0 %; not reached: letters: b, pairs: 1 x"
    log = run(adder, BENCH, "covers", seed=11, environment={"COVER": 50})
    assert said in log and "bench-of-bench.letters has no point 'c'" in log
    report = (REPORTS / "bench-of-bench-11.yml").read_text()
    assert "bench-of-bench.letters" in report and (REPORTS / "bench-of-bench-11.xml").exists()
    with pytest.raises(BenchFailure, match=said):
        run(adder, BENCH, "covers", seed=11, environment={"COVER": 51})


def test_environment_reaches_the_bench(adder):
    with pytest.raises(BenchFailure):
        run(adder, BENCH, "counts", environment={"GREETING": "other"})


def test_no_such_test(adder):
    with pytest.raises(BenchFailure, match="no test|none|No tests|did not"):
        run(adder, BENCH, "absent")


def test_no_such_bench():
    with pytest.raises(ValueError, match="No module"):
        testcases("tests.hw.no_such_bench")


def test_a_bench_without_a_component():
    with pytest.raises(ValueError, match="Neither of tests.hw.coverage and tests.hw.driver has a function component"):
        model_of("tests.hw.coverage")


def test_trace_must_be_asked_for(adder, tmp_path):
    with pytest.raises(ValueError, match="without trace"):
        run(adder, BENCH, "counts", waves=tmp_path / "waves.vcd")


def test_built_once(adder):
    stamp = (adder.folder / "built").stat().st_mtime_ns
    assert build(component(), name="adder", simulator=adder.simulator) == adder
    assert (adder.folder / "built").stat().st_mtime_ns == stamp
