"""An invalidate that is acknowledged has been done by every unit; one that is not ends in time all the same; units that
run hold nobody up. Proven by induction, so without a bound, for 2, 3 and 4 units that are anything but in breach of
their port's rules; and by induction of one unit as it is behind the broadcast, that what it has forgotten it does not
say."""

import pytest

from tests.formal.capability.broadcast_bench import BroadcastBench
from tests.formal.capability.engine_bench import EngineBench
from tests.formal.prove import ProofFailure, prove

HARTS = [2, 3, 4]


@pytest.mark.parametrize("harts", HARTS)
def test_acknowledged_last_and_in_time(harts):
    prove(BroadcastBench(harts=harts), mode="prove", depth=2, reset="any", name=f"capability_broadcast_{harts}")


@pytest.mark.parametrize("harts", HARTS)
def test_units_that_run_hold_nobody_up(harts):
    prove(BroadcastBench(harts=harts, prompt=8), mode="prove", depth=2, reset="any",
          name=f"capability_broadcast_prompt_{harts}")


def test_all_ends_are_reached():
    prove(BroadcastBench(cover=True), mode="cover", depth=30, name="capability_broadcast_cover")


@pytest.mark.parametrize("fault", ["early_ack", "leave_out", "reset_acks", "silence_is_done", "drop_late_unit",
                                   "narrow_late_unit", "count_once"])
def test_fault(fault):
    with pytest.raises(ProofFailure, match="Assert failed"):
        prove(BroadcastBench(faults={fault}), mode="prove", depth=2, reset="any",
              name=f"capability_broadcast_{fault}")


def test_a_unit_that_runs_forgets_in_time():
    """Bounded: 30 cycles from reset on, each answer at the check port taken after 4 at most."""
    prove(EngineBench(broadcast=True, taken_after=4), mode="bmc", depth=30, name="capability_engine_progress",
          timeout=600)


@pytest.mark.slow
def test_a_unit_behind_the_broadcast():
    prove(EngineBench(broadcast=True), mode="prove", depth=2, reset="any", name="capability_engine_broadcast",
          timeout=1800)
