"""The tutorial about the blocks with another master: it quotes what is so, and its commands do what it shows."""

import json
import re
import subprocess
import sys

import pytest

from examples.bus_master.__main__ import BLOCKS, build_program
from sim.toolchain import ROOT, verilator_environment, verilator_root
from soc.export import export

TUTORIAL = (ROOT / "docs" / "tutorials" / "integrate.md").read_text()
QUOTATIONS = re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^(?:make|\.venv|PATH=)\S* .*$", TUTORIAL, re.MULTILINE)


@pytest.mark.parametrize("number", range(len(QUOTATIONS)))
def test_quotations_are_the_files(number):
    path, text = QUOTATIONS[number]
    assert text.strip() and text in (ROOT / path).read_text(), f"{path} does not say\n{text}"


def test_all_code_is_quoted():
    languages = re.findall(r"^```(\w+)\n", TUTORIAL, re.MULTILINE)
    assert len(languages) == len(QUOTATIONS) + 1 and languages.count("json") == 1 and len(QUOTATIONS) >= 5


def test_the_verilog_is_made_as_the_tutorial_says():
    # The first of each block; another one shows several harts.
    exports = dict(re.match(r"make verilog BLOCK=(\S+) PARAMS='(.*)'", each).groups() for each in reversed(COMMANDS)
                   if each.startswith("make verilog"))
    assert exports == {block: " ".join(parameters) for block, parameters in BLOCKS.items()}


@pytest.fixture(scope="module")
def program():
    return build_program(quiet=True)


def test_the_master_gets_what_the_tutorial_shows(program):
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert f"```\n{done.stdout}```\n" in TUTORIAL


def test_the_diagram_is_recorded(program):
    """`python -m examples.bus_master --diagram` writes it; it has a letter for each cycle of each signal."""
    done = subprocess.run([program, "diagram"], capture_output=True, text=True, timeout=60)
    assert f"```json\n{done.stdout}```\n" in TUTORIAL
    assert len({len(signal["wave"]) for signal in json.loads(done.stdout)["signal"]}) == 1


@pytest.mark.slow
def test_the_system_lints(tmp_path):
    files = [ROOT / "examples" / "bus_master" / "system.v"]
    for block, parameters in BLOCKS.items():
        files.append(tmp_path / f"{block}.v")
        files[-1].write_text(export(block, parameters=parameters))
    # UNSIGNED is the mailbox's own (tests/soc/test_export.py).
    quiet = [f"-Wno-{warning}" for warning in ("PINMISSING", "UNUSEDSIGNAL", "DECLFILENAME", "UNSIGNED")]
    command = [verilator_root() / "bin" / "verilator", "--lint-only", "-Wall", *quiet, "--top-module", "system", *files]
    done = subprocess.run(command, env=verilator_environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_the_command():
    done = subprocess.run([sys.executable, "-m", "examples.bus_master"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and f"```\n{done.stdout}```\n" in TUTORIAL
