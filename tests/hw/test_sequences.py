"""Command sequences that Hypothesis invents, in the RTL of both blocks, against their golden models."""

import re

import pytest

from tests.hw.cocotb_bench import BenchFailure, model_of, run

BENCHES = ["tests.hw.capability.sequence_bench", "tests.hw.mailbox.sequence_bench"]


@pytest.mark.parametrize("bench", BENCHES)
def test_sequences(bench):
    run(model_of(bench), bench)


@pytest.mark.slow
@pytest.mark.parametrize("bench", BENCHES)
def test_more_sequences(bench):
    run(model_of(bench), bench, environment={"EXAMPLES": 600, "STEPS": 40}, limit_us=100_000, limit_seconds=3000)


@pytest.mark.slow
@pytest.mark.parametrize(("bench", "faults", "steps"), [
    (BENCHES[0], {"FAULTS": "skip_invalidate"}, 6), (BENCHES[0], {"FAULTS": "drop_generation"}, 4),
    (BENCHES[1], {"FAULT": "drop_last_word"}, 3)])
def test_a_fault_shrinks_to_a_short_sequence(bench, faults, steps):
    with pytest.raises(BenchFailure, match="AssertionError") as caught:
        run(model_of(bench), bench, environment=faults, limit_us=100_000, limit_seconds=3000)
    found = re.findall(r"^ *state\.(?!begin|teardown)\w+\(", str(caught.value), re.MULTILINE)
    assert 0 < len(found) <= steps, caught.value
