"""The benches of capability unit and mailbox on their netlists: a short one always, all of them in `make test-all`.

Benches see ports alone, so none of them has to be left out for looking inside.
"""

import os
import re
from unittest import mock

import pytest

from tests.hw.cocotb_bench import BenchFailure, build, model_of, run, testcases
from tests.hw.mailbox import driver as mailbox

#: Environment of each bench. The capability unit has as many lines as in the system: fewer are not in block RAM.
BENCHES = {
    **{f"tests.hw.capability.{name}_bench": {"CAPABILITY": "large"} for name in (
        "directed", "random", "revoke", "random_revoke", "kernel", "parity", "timing", "attack")},
    **{f"tests.hw.mailbox.{name}_bench": {} for name in (
        "mailbox", "instruction", "sender", "random", "sequence", "unit", "dying")},
    "tests.hw.mailbox.wide_bench": {"MAILBOX": "wide"},
}
#: Random benches run shorter than on the RTL.
SHORTER = {"CYCLES": 5000, "STEPS": 100, "ROUNDS": 3, "EXAMPLES": 3}
RANDOM = "tests.hw.mailbox.random_bench"
SMALL = {"MAILBOX": "small"}


def test_random_on_a_small_netlist():
    run(model_of(RANDOM, simulator="netlist", environment=SMALL), RANDOM, "any_access",
        environment={**SHORTER, **SMALL})


@pytest.mark.slow
@pytest.mark.parametrize(("bench", "testcase"), [
    pytest.param(bench, testcase, id=f"{bench.removeprefix('tests.hw.').removesuffix('_bench')}.{testcase}")
    for bench in BENCHES for testcase in testcases(bench)])
def test_on_netlist(bench, testcase):
    environment = BENCHES[bench]
    run(model_of(bench, simulator="netlist", environment=environment), bench, testcase,
        environment={**SHORTER, **environment})


def one_bit_flipped(sources, port):
    """Netlist in which the LUT that drives output `port` gives the other value where its inputs are all 0."""
    def flip(match):
        return f"{match[1]}{int(match[2], 16) ^ 1:04x}{match[3]}"

    changed, count = re.subn(rf"(LUT4 #\(\s*\.INIT\(16'h)([0-9a-f]+)(\)\s*\) \S+ +\((?:(?!\);).)*?\.Z\({port}\)\s*\);)",
                             flip, sources["mailbox.v"], flags=re.DOTALL)
    assert count == 1, f"{count} LUTs drive {port}"
    return {**sources, "mailbox.v": changed}


@pytest.mark.slow
@pytest.mark.parametrize("port", ["bus_ack", "irq"])
def test_a_flipped_bit_of_a_lut_is_noticed(port):
    with mock.patch.dict(os.environ, SMALL):
        model = build(mailbox.component(), name="mailbox", simulator="netlist",
                      alter=lambda sources: one_bit_flipped(sources, port))
    with pytest.raises(BenchFailure, match="AssertionError|no end within"):
        run(model, RANDOM, "any_access", environment={**SHORTER, **SMALL})
