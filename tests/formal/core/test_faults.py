"""Each proof of the core finds the faults that it is there for."""

import pytest
from click.testing import CliRunner

from tests.formal.core import faults
from tests.formal.core.faults import FAULTS, check, chosen, is_stale, main
from tests.formal.core.proofs import PROOFS, UNIT_PROOFS

QUICK = [name for name, fault in FAULTS.items() if fault.quick]


def test_each_proof_has_a_fault():
    proofs = {*PROOFS, *(name for name in UNIT_PROOFS if "-" not in name)}
    assert {fault.proof for fault in FAULTS.values()} == proofs


def test_each_fault_still_fits_the_core():
    assert [name for name, fault in FAULTS.items() if is_stale(fault)] == []


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in FAULTS])
def test_fault_is_found(name):
    found = check(name)
    assert found["result"] == "found", found["output"]


def test_choice():
    assert chosen(["sc ignores"]) == ["sc ignores the address"]
    assert set(chosen(["reservations"])) == {name for name in FAULTS if FAULTS[name].proof == "reservations"}
    assert chosen(["jalr*"]) == ["jalr keeps bit 0"]
    assert chosen(["nonsense"]) == []


@pytest.fixture
def report(monkeypatch, tmp_path):
    """A run of the command in which no fault is really planted; returns its function and what was planted."""
    planted = []

    def run(*arguments, missed=()):
        def result(name, timeout):
            planted.append(name)
            return {"proof": FAULTS[name].proof, "result": "missed" if name in missed else "found", "place": "x.py:1",
                    "step": 7, "seconds": 1.0, "cpu_seconds": 1.0, "output": ""}
        planted.clear()
        monkeypatch.setattr(faults, "check", result)
        monkeypatch.setattr(faults, "ROOT", tmp_path)
        monkeypatch.setattr(faults, "REPORT", tmp_path / "faults.json")
        return CliRunner().invoke(main, arguments), list(planted)
    return run


def test_report_goes_on_where_it_was(report):
    done, planted = report("reservations")
    assert done.exit_code == 0 and "2 of 2 found" in done.output
    assert planted == ["sc ignores the address", "sc keeps the reservation"]
    done, planted = report("reservations")
    assert done.exit_code == 0 and planted == []
    assert report("reservations", "--again")[1] != []


def test_report_of_a_missed_fault(report):
    done, _ = report("reservations", missed=["sc ignores the address"])
    assert done.exit_code == 1 and "1 of 2 found" in done.output
    assert report("reservations")[1] == ["sc ignores the address"]


def test_report_of_nothing(report):
    done, _ = report("nonsense")
    assert done.exit_code == 2 and "No such fault" in done.output
