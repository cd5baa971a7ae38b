"""Each proof of the core finds the faults that it is there for."""

import subprocess
import sys

import pytest

from tests.formal.core.faults import CORE, FAULTS
from tests.formal.core.proofs import PROOFS


def test_each_proof_has_a_fault():
    assert {fault.proof for fault in FAULTS.values()} == set(PROOFS)


@pytest.mark.parametrize("name", FAULTS)
def test_fault_fits_the_core(name):
    fault = FAULTS[name]
    assert (CORE / fault.file).read_text().count(fault.text) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(name):
    run = subprocess.run([sys.executable, "-m", "tests.formal.core.faults", name], cwd=CORE.parents[1], text=True,
                         capture_output=True, timeout=7200)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Assert failed" in run.stdout
