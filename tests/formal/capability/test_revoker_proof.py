"""From the end of a run on no descendant is valid: for every tree of a small table, and any stop.

Bounded: a run is over within the bound that the bench states, which is proven too, and the bound is the depth. Memory
answers at once. That nothing passes from then on follows with the proof of the engine: the invalidate that is proven
here to be done before the end is reported is one that names every emptied slot.
"""

import pytest

from tests.formal.capability.revoker_bench import RevokerBench
from tests.formal.prove import ProofFailure, prove


def check(**options):
    bench = RevokerBench(**options)
    name = "capability_revoker_" + "_".join(map(str, (bench.slots, "forest" if bench.forest else "any")))
    prove(bench, mode="bmc", depth=bench.bound + 2, name=name, timeout=1500)


def test_forests_of_two_descendants():
    check(slots=4, forest=True)


def test_any_tables():
    check(slots=4, forest=False)


@pytest.mark.parametrize("fault", ["skip_siblings", "keep_valid", "skip_settle", "early_done"])
def test_fault(fault):
    with pytest.raises(ProofFailure, match="Assert failed"):
        bench = RevokerBench(faults={fault})
        prove(bench, mode="bmc", depth=bench.bound + 2, name=f"capability_revoker_{fault}", timeout=900)
