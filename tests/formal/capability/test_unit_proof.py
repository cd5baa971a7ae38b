"""No OK verdict without a live token of the right type and rights in that space, for any tables, at any time.

Proven by induction, so without a bound, in two parts that meet in the walker's contract: the walker finds what the
tables say, and everything around it answers what the walker has found since the last invalidate. Buffer of two sets of
two ways, of whose lines any one bit is wrong each time they are read. What that rests on, that parity tells and that
each line that is stored has it, is a third part. Planted faults show that all parts can fail.
"""

import pytest

from hw.capability.config import CapabilityUnitConfig
from tests.formal.capability.engine_bench import EngineBench
from tests.formal.capability.parity_bench import CheckBench, StoreBench
from tests.formal.capability.walker_bench import WalkerBench
from tests.formal.prove import ProofFailure, prove


def test_walker():
    prove(WalkerBench(), mode="prove", depth=2, reset="any", name="capability_walker")


def test_walker_finds_live_slots():
    prove(WalkerBench(cover="live"), mode="cover", depth=20, name="capability_walker_live")


def test_engine():
    prove(EngineBench(), mode="prove", depth=2, reset="any", name="capability_engine", timeout=900)


@pytest.mark.slow
def test_engine_of_a_unit_that_does_not_revoke():
    prove(EngineBench(revocation=False), mode="prove", depth=2, reset="any", name="capability_engine_software",
          timeout=900)


def test_engine_says_ok():
    prove(EngineBench(cover="ok"), mode="cover", depth=20, name="capability_engine_ok")


@pytest.mark.parametrize("parameters", [{}, {"lines": 4}, {"lines": 1024, "ways": 4}], ids=str)
def test_parity_tells_one_flipped_bit(parameters):
    prove(CheckBench(CapabilityUnitConfig(**parameters)), mode="bmc", depth=1, name="capability_parity")


def test_parity_is_dropped():
    with pytest.raises(ProofFailure, match="Assert failed"):
        prove(CheckBench(faults={"drop_parity"}), mode="bmc", depth=1, name="capability_parity_dropped")


def test_stored_lines_have_parity():
    prove(StoreBench(), mode="prove", depth=1, reset="any", name="capability_parity_stored")


def test_wrong_parity_is_noticed():
    with pytest.raises(ProofFailure, match="Assert failed"):
        prove(StoreBench(wrong=True), mode="bmc", depth=4, name="capability_parity_wrong")


@pytest.mark.parametrize("fault", ["drop_generation", "drop_bounds", "drop_valid", "keep_walk"])
def test_walker_fault(fault):
    with pytest.raises(ProofFailure, match="Assert failed"):
        prove(WalkerBench(faults={fault}), mode="prove", depth=2, name=f"capability_walker_{fault}")


@pytest.mark.parametrize("fault", [
    "drop_rights", "drop_type", "drop_tag", "drop_space", "keep_wide", "keep_walk", "skip_commit", "drop_parity",
    pytest.param("keep_bad", marks=pytest.mark.slow), pytest.param("skip_invalidate", marks=pytest.mark.slow)])
def test_engine_fault(fault):
    """A trace from reset to a wrong answer exists."""
    prove(EngineBench(faults={fault}, cover="wrong", core=fault == "skip_commit"), mode="cover", depth=16,
          name=f"capability_engine_{fault}")
