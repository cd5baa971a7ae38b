"""Page-table walker, lookaside buffer and physical memory protection, each by itself: see `check_translation.py`."""

import pytest

from tests.formal.core.check_translation import LookasideBench, WalkerBench
from tests.formal.core.proofs import UNIT_PROOFS
from tests.formal.prove import prove


@pytest.mark.parametrize("name", [
    pytest.param(name, id=f"{name}-bmc{proof.depth}", marks=() if proof.quick else pytest.mark.slow)
    for name, proof in UNIT_PROOFS.items()])
def test_unit(name):
    UNIT_PROOFS[name].run(name)


@pytest.mark.slow
def test_walker_reaches_a_leaf():
    prove(WalkerBench(), mode="cover", depth=18, solver="bitwuzla", flat=True, timeout=3600, name="core-walker")


def test_lookaside_hits():
    prove(LookasideBench(), mode="cover", depth=6, solver="bitwuzla", flat=True, timeout=3600, name="core-lookaside")
