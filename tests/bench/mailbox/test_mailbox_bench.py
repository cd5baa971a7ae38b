"""The mailbox bench runs, and its figures are within their goals; those of the pages are as the datasheet says."""

import subprocess
import sys

import pytest

from bench.mailbox.__main__ import FIGURES, HART_TO_HART, between_harts, mailbox_program, measure
from sim.toolchain import ROOT

#: Every I/O access of the core takes five cycles, so pages miss their goal (docs/limits.md).
MISSED = {"enqueue_page", "dequeue_page"}


@pytest.fixture(scope="module")
def cycles():
    return measure()


@pytest.mark.parametrize("figure", [
    each for each in FIGURES if each.goal is not None and each.measurement not in MISSED],
                         ids=lambda each: each.measurement)
def test_goal(cycles, figure):
    assert cycles[figure.measurement] <= figure.goal


def test_hart_to_hart():
    figures = between_harts()
    assert figures["worst"] <= HART_TO_HART.goal
    text = (ROOT / "docs" / "datasheet" / "mailbox.md").read_text()
    assert f"| `hart_to_hart` | {figures['best']} to {figures['worst']} |" in text


def test_reference_model_agrees(cycles):
    """Instruction by instruction: what the mailbox answers and what becomes of its state."""
    finished = subprocess.run([sys.executable, "-m", "sim.run_elf", mailbox_program(), "--oracle", "--max-cycles",
                               "1000000"], capture_output=True, text=True, cwd=ROOT)
    assert finished.returncode == 0, finished.stderr[-2000:]


def test_datasheet_has_the_figures(cycles):
    text = (ROOT / "docs" / "datasheet" / "mailbox.md").read_text()
    for figure in FIGURES:
        assert f"| `{figure.measurement}` | {cycles[figure.measurement]:g} |" in text, figure.measurement
