"""Command sequences that Hypothesis invents, in the RTL of both blocks: the capability unit below the kernel, against
the reference model of capabilities; the mailbox against its golden model."""

import re

import pytest

from tests.hw.cocotb_bench import BenchFailure, model_of, run

KERNEL, MAILBOX = "tests.hw.capability.kernel_bench", "tests.hw.mailbox.sequence_bench"
#: Longer than the number of sequences lets them be.
LONG = {"limit_us": 1_000_000, "limit_seconds": 3000}


@pytest.mark.parametrize("bench", [KERNEL, MAILBOX])
def test_sequences(bench):
    run(model_of(bench), bench)


@pytest.mark.slow
@pytest.mark.parametrize(("bench", "examples", "rules"), [(KERNEL, 100, 15), (MAILBOX, 600, 40)])
def test_more_sequences(bench, examples, rules):
    run(model_of(bench), bench, environment={"EXAMPLES": examples, "RULES": rules}, **LONG)


#: Of the RTL and of the kernel's hooks, which the same sequences find.
UNIT_FAULTS = {
    "the unit does not compare rights": {"FAULTS": "drop_rights"},
    "the unit does not forget": {"FAULTS": "skip_invalidate"},
    "the kernel does not say what it has emptied": {
        "KERNEL_FAULT": "space.c:else if (remembered) cap_hook_invalidate_slot(space, handle);=>"},
    "the unit does not compare generations": {"FAULTS": "drop_generation", "EXAMPLES": 60},
    "the engine does not forget what it has emptied": {"FAULTS": "skip_settle", "EXAMPLES": 30},
}


@pytest.mark.parametrize("fault", [pytest.param(fault, marks=pytest.mark.slow if "EXAMPLES" in planted else ())
                                   for fault, planted in UNIT_FAULTS.items()])
def test_a_fault_below_the_kernel_is_found(fault):
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(model_of(KERNEL), KERNEL, environment={"FIRST": 1, **UNIT_FAULTS[fault]}, **LONG)


@pytest.mark.slow
def test_a_fault_shrinks_to_a_short_sequence():
    with pytest.raises(BenchFailure, match="AssertionError") as caught:
        run(model_of(MAILBOX), MAILBOX, environment={"FAULT": "drop_last_word"}, limit_us=100_000, limit_seconds=3000)
    found = re.findall(r"^ *state\.(?!begin|teardown)\w+\(", str(caught.value), re.MULTILINE)
    assert 0 < len(found) <= 3, caught.value
