"""The protocol of revocation with several CPUs, checked by spin in all its states; and with a fault planted."""

import shutil
from pathlib import Path

import pytest

from tests.formal.revoke.spin import PROGRAM, check

pytestmark = pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="spin is not installed")
MODEL = Path(__file__).with_name("revoke.pml")


def test_no_descendant_passes_after_revoke(tmp_path):
    checked = check(MODEL, tmp_path)
    assert checked.errors == 0, checked.report
    # So many there are: a model that stops early has fewer.
    assert checked.states > 500_000


@pytest.mark.slow
def test_no_descendant_passes_after_more_operations(tmp_path):
    checked = check(MODEL, tmp_path, timeout=3000, WORK=2, SLOTS=3)
    assert checked.errors == 0, checked.report
    assert checked.states > 5_000_000


@pytest.mark.parametrize("fault", ["NO_MARK", "MARK_ONLY", "EARLY_ACK", "SAME_TAG", "KEEP_WALK"])
def test_a_fault_is_found(fault, tmp_path):
    checked = check(MODEL, tmp_path, **{fault: None})
    assert checked.errors == 1 and "assertion violated" in checked.report, checked.report
