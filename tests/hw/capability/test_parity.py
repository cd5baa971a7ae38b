"""Parity of the lookaside buffer on Verilator, with planted faults, and that no other memory is without."""

import re

import pytest

from hw.capability.config import CapabilityUnitConfig
from hw.capability.lookaside import line_layout
from soc.blocks import find_block
from tests.hw.cocotb_bench import BenchFailure, run, testcases

PARITY = "tests.hw.capability.parity_bench"

#: Which test must see which planted fault.
CATCHES = [("drop_parity", "every_flipped_bit_of_a_line"), ("drop_parity", "a_cleared_line_does_not_come_back"),
           ("keep_bad", "invalidates_clear_lines_that_they_cannot_read"), ("keep_bad", "a_stream_of_checks_goes_on")]


@pytest.mark.parametrize("testcase", testcases(PARITY))
def test_parity(unit, testcase):
    run(unit, PARITY, testcase)


@pytest.mark.parametrize(("fault", "testcase"), CATCHES)
def test_fault_is_caught(unit, fault, testcase):
    with pytest.raises(BenchFailure, match="AssertionError"):
        run(unit, PARITY, testcase, environment={"FAULTS": fault})


@pytest.mark.parametrize("lines, ways", [(64, 2), (256, 2), (1024, 4)])
def test_every_memory_has_parity(lines, ways):
    """The unit's memories are its ways, each as wide as a line with its parity bits; all else is flip-flops."""
    config = CapabilityUnitConfig(lines=lines, ways=ways)
    layout = line_layout(config)
    text = find_block("capability-unit", config).text
    assert re.findall(r"^  memory width (\d+) size (\d+) ", text, re.MULTILINE) == [
        (str(layout.size), str(config.sets))] * ways
    assert layout.size <= 180, "it fits the five block RAMs of 36 bits that a line takes without parity"
