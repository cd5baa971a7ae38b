"""The second-level cache loses, mixes and invents nothing, keeps the rules of the bus on both sides, and tells errors.

Proven for all time by induction, with reset at any moment, for a small cache (see L2Proof); the real arrays are shown
to do as the proof's do.
"""

import pytest

from hw.memory.l2_config import FAULTS
from tests.formal.memory.l2_proof import ArraysProof, L2Proof
from tests.formal.prove import ProofFailure, prove

#: One of each kind; the others take as long and only `make test-all` runs them.
QUICK = {"forget_dirty"}


def test_cache():
    prove(L2Proof(), mode="prove", depth=2, reset="any", name="l2_cache")


@pytest.mark.parametrize("fault", [
    pytest.param(fault, marks=() if fault in QUICK else pytest.mark.slow) for fault in FAULTS])
def test_fault_breaks_the_proof(fault):
    with pytest.raises(ProofFailure, match="l2_proof.py"):
        prove(L2Proof(fault), mode="prove", depth=2, reset="any", name="l2_cache_fault")


def test_arrays():
    prove(ArraysProof(), mode="bmc", depth=6, name="l2_arrays")


@pytest.mark.slow
def test_broken_arrays_are_found():
    with pytest.raises(ProofFailure, match="l2_proof.py"):
        prove(ArraysProof(broken=True), mode="bmc", depth=6, name="l2_arrays")


@pytest.mark.slow
def test_the_chosen_word_travels():
    """The properties are not empty: a written word leaves for memory and comes back, errors and flushes happen."""
    prove(L2Proof(cover=True), mode="cover", depth=44, name="l2_cache", timeout=1500)
