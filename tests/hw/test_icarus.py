"""The benches of capability unit and mailbox on Icarus Verilog: a few always, all of them in `make test-all`."""

import shutil

import pytest

from tests.hw.cocotb_bench import model_of, run, testcases

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")

BENCHES = [f"tests.hw.{name}_bench" for name in (
    "capability.directed", "capability.random", "capability.revoke", "capability.random_revoke", "capability.kernel",
    "capability.parity", "capability.harts", "capability.harts_reset", "capability.harts_revoke",
    "capability.harts_random", "mailbox.mailbox", "mailbox.instruction", "mailbox.random", "mailbox.sequence",
    "mailbox.unit", "mailbox.dying", "mailbox.hart", "mailbox.hart_reset", "mailbox.hart_random")]
#: A short one of each block, and each kind of bus.
QUICK = {"hit_latency_and_throughput", "descendants_of_other_objects", "carries_a_message",
         "instructions_carry_a_message", "message_through_both", "each_hart_has_a_space_of_its_own"}
#: Random benches run shorter than on Verilator.
SHORTER = {"CYCLES": 5000, "STEPS": 100, "ROUNDS": 3, "EXAMPLES": 3}


@pytest.mark.parametrize(("bench", "testcase"), [
    pytest.param(bench, testcase, marks=() if testcase in QUICK else pytest.mark.slow,
                 id=f"{bench.removeprefix('tests.hw.').removesuffix('_bench')}.{testcase}")
    for bench in BENCHES for testcase in testcases(bench)])
def test_on_icarus(bench, testcase):
    environment = {**SHORTER, "MAILBOX": "harts"} if bench.startswith("tests.hw.mailbox.hart") else SHORTER
    run(model_of(bench, simulator="icarus", environment=environment), bench, testcase, environment=environment)
