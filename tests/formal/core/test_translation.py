"""Walker, aligner, lookaside buffer and physical memory protection, each by itself: see `check_*.py`."""

import pytest

from tests.formal.core.check_translation import LookasideBench
from tests.formal.core.proofs import UNIT_PROOFS
from tests.formal.prove import prove


def kind(proof):
    return f"{'induction' if proof.induction else 'bmc'}{proof.depth}"


@pytest.mark.parametrize("name", [
    pytest.param(name, id=f"{name}-{kind(proof)}", marks=() if proof.quick else pytest.mark.slow)
    for name, proof in UNIT_PROOFS.items()])
def test_unit(name):
    UNIT_PROOFS[name].run(name)


def test_walker_reaches_leaves_and_faults():
    UNIT_PROOFS["walker"].run("walker", mode="cover", depth=14)


def test_lookaside_hits():
    prove(LookasideBench(), mode="cover", depth=6, solver="bitwuzla", flat=True, timeout=3600, name="core-lookaside")
