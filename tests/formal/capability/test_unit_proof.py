"""No OK verdict without a live token of the right type and rights in that space, for any tables, at any time.

Proven by induction, so without a bound, in two parts that meet in the walker's contract: the walker finds what the
tables say, and everything around it answers what the walker has found since the last invalidate. Buffer of two sets of
two ways. Planted faults show that both parts can fail.
"""

import pytest

from tests.formal.capability.engine_bench import EngineBench
from tests.formal.capability.walker_bench import WalkerBench
from tests.formal.prove import ProofFailure, prove


def test_walker():
    prove(WalkerBench(), mode="prove", depth=2, reset="any", name="capability_walker")


def test_walker_finds_live_slots():
    prove(WalkerBench(cover="live"), mode="cover", depth=20, name="capability_walker_live")


def test_engine():
    prove(EngineBench(), mode="prove", depth=2, reset="any", name="capability_engine", timeout=900)


def test_engine_says_ok():
    prove(EngineBench(cover="ok"), mode="cover", depth=20, name="capability_engine_ok")


@pytest.mark.parametrize("fault", ["drop_generation", "drop_bounds", "drop_valid", "keep_walk"])
def test_walker_fault(fault):
    with pytest.raises(ProofFailure, match="Assert failed"):
        prove(WalkerBench(faults={fault}), mode="prove", depth=2, name=f"capability_walker_{fault}")


@pytest.mark.parametrize("fault", [
    "drop_rights", "drop_type", "drop_tag", "drop_space", "keep_walk", "skip_commit",
    pytest.param("skip_invalidate", marks=pytest.mark.slow)])
def test_engine_fault(fault):
    """A trace from reset to a wrong answer exists."""
    prove(EngineBench(faults={fault}, cover="wrong", core=fault == "skip_commit"), mode="cover", depth=16,
          name=f"capability_engine_{fault}")
