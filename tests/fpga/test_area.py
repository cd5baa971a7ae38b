"""The table of areas: it stands in the datasheet for the configurations that there are."""

import re
import subprocess
import sys

import pytest

from fpga import area
from fpga.area import BEGIN, CONFIGURATIONS, END, page, table, with_table
from fpga.size import COLUMNS
from sim.toolchain import ROOT
from soc.blocks import ROOTS
from soc.parameters import configure


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_the_page_has_the_configurations(block):
    text = page(block).read_text()
    rows = text[text.index(BEGIN):text.index(END)]
    listed = [tuple(re.findall(r"`(\S+?)`", line)) for line in rows.splitlines()
              if line.startswith(("| `", "| default"))]
    assert listed == list(CONFIGURATIONS[block])
    assert re.search(r"by default; [0-9a-f]{7,}\+?\)", rows), "which version it is of"


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_configurations_are_some(block):
    for parameters in CONFIGURATIONS[block]:
        configure(ROOTS[block].configuration, parameters=parameters, defaults=ROOTS[block].defaults)


def test_a_table_replaces_the_one_before():
    totals = [dict.fromkeys(COLUMNS, 1000 + number) for number in range(len(CONFIGURATIONS["mailbox"]))]
    rows = table("mailbox", totals, "0123456")
    once = with_table(f"before\n{BEGIN}\nold\n{END}\nafter\n", rows)
    assert "old" not in once and once.startswith("before\n") and once.endswith("after\n")
    assert "| default | 1,000 |" in once and "1,002" in once and "0123456" in once
    assert with_table(once, rows) == once


def test_a_page_without_a_place():
    with pytest.raises(ValueError, match="no place"):
        with_table("nothing", "")


def test_version_is_a_commit():
    assert re.fullmatch(r"[0-9a-f]{7,}\+?", area.version("mailbox"))


def test_help():
    done = subprocess.run([sys.executable, "-m", "fpga.area", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "--write" in done.stdout
