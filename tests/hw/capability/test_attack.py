"""Random attacks on both interfaces by the C++ harness, and the same attacks on planted faults."""

import re
import subprocess
import sys

import pytest

from sim.toolchain import ROOT
from tests.hw.capability.attack.__main__ import INTERFACES, Failure, run_block
from tests.hw.capability.attack.build import build_program

#: What each of these faults must be found by, within one seed.
FOUND_BY = {
    "drop_rights": r"attack \w+: accepted .* expected 0x5",
    "drop_type": r"attack \w+: accepted .* expected 0x4",
    "drop_tag": r"expected 0x1\b",
    # A dead object's slot is looked at further; a slot that is being written is taken for what its halves say.
    "drop_generation": "expected 0x3",
    "drop_valid": "expected",
    "skip_invalidate": "expected",
    "drop_bounds": "attack outside: accepted",
    "skip_commit": "expected",
    "drop_space": "expected",
    "keep_valid": "is not dead",
    "keep_tag": "is not dead",
    "skip_siblings": "a revocation emptied",
    "skip_settle": r"attack \w+: accepted .* expected 0x1",
}


@pytest.fixture(scope="session")
def harness():
    return build_program(quiet=True)


def test_nothing_is_accepted_that_is_not_held(harness):
    result = run_block(harness, 1, 50_000)
    for interface in INTERFACES:
        asked = {kind: count for (by, kind), count in result.asked.items() if by == interface}
        assert all(count > 1000 for kind, count in asked.items() if kind not in ("forbidden", "killed")), asked
        # It is no use if the unit refuses everything: about a third is there, in a space that is, of a live object.
        assert result.accepted[interface, "rightful"] > 1000
    assert result.asked["instructions", "forbidden"] > 300 and result.asked["instructions", "killed"] > 300
    assert result.changes > 3000


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_ten_million_on_each_interface():
    done = subprocess.run([sys.executable, "-m", "tests.hw.capability.attack", "--count", "10000000", "--seed", "1000"],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("20,000,000 checks")
    print(done.stdout)


@pytest.mark.parametrize("fault", FOUND_BY)
def test_fault_is_found(harness, fault):
    with pytest.raises(Failure, match=FOUND_BY[fault]):
        run_block(harness, 1, 100_000, [fault])


def test_command_says_how_to_see_it_again(harness):
    """Exit code 1, one line; the options in it lead to the same answer."""
    command = [sys.executable, "-m", "tests.hw.capability.attack"]
    done = subprocess.run([*command, "--seed", "7", "--count", "2000", "--fault", "drop_rights"], cwd=ROOT,
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    message = done.stderr.splitlines()[-1]
    found = re.fullmatch(r"veridian: seed 7: (.*) \(again: --seed (\d+) --count (\d+) --fault (\w+)\)", message)
    with pytest.raises(Failure, match=re.escape(found[1])):
        run_block(harness, int(found[2]), int(found[3]), [found[4]])
