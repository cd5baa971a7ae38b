"""The cocotb helper itself: a green test passes, a red one fails, no test at all fails."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tests.hw.cocotb_bench import BenchFailure, build, run, testcases

BENCH = "tests.hw.bench_of_bench"


class Adder(wiring.Component):
    """Registered sum."""

    operands: In(wiring.Signature({"left": Out(8), "right": Out(8)}))
    total: Out(8)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.total.eq(self.operands.left + self.operands.right)
        return m


@pytest.fixture(scope="session")
def adder():
    return build(Adder(), name="adder")


def test_names():
    assert testcases(BENCH) == ["counts", "fails"]


def test_green(adder):
    assert "counts" in run(adder, BENCH, "counts", environment={"GREETING": "hello"})


def test_red(adder):
    with pytest.raises(BenchFailure, match="red on purpose"):
        run(adder, BENCH, "fails")


def test_environment_reaches_the_bench(adder):
    with pytest.raises(BenchFailure):
        run(adder, BENCH, "counts", environment={"GREETING": "other"})


def test_no_such_test(adder):
    with pytest.raises(BenchFailure, match="no test|none|No tests|did not"):
        run(adder, BENCH, "absent")


def test_no_such_bench():
    with pytest.raises(ValueError, match="No module"):
        testcases("tests.hw.no_such_bench")


def test_trace_must_be_asked_for(adder, tmp_path):
    with pytest.raises(ValueError, match="without trace"):
        run(adder, BENCH, "counts", waves=tmp_path / "waves.vcd")


def test_built_once(adder):
    stamp = (adder.folder / "built").stat().st_mtime_ns
    assert build(Adder(), name="adder") == adder
    assert (adder.folder / "built").stat().st_mtime_ns == stamp
