"""The tutorial: what it quotes is what the files say, and its command does on the RTL what it shows."""

import re
import subprocess
import sys

import pytest

from sim.toolchain import ROOT

TUTORIAL = ROOT / "docs" / "tutorials" / "capability-port.md"
#: A quotation: the file's path on a line before the block.
QUOTATION = re.compile(r"^`([\w/.]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w*)\n", re.MULTILINE)

QUOTATIONS = QUOTATION.findall(TUTORIAL.read_text())


@pytest.mark.parametrize("number", range(len(QUOTATIONS)))
def test_quotations_are_the_files(number):
    path, text = QUOTATIONS[number]
    assert text.strip() and text in (ROOT / path).read_text(), f"{path} does not say\n{text}"


def test_all_code_is_quoted():
    """Blocks in a language are quotations; the others are commands, output and drawings."""
    languages = [language for language in BLOCK.findall(TUTORIAL.read_text()) if language]
    assert len(QUOTATIONS) == len(languages) >= 6


@pytest.fixture
def session():
    """The tutorial's command and the program's output that it shows."""
    command, output = re.search(r"^```\n(\S*python -m examples\.capability_port)\n```\n.*?^```\n(.*?)^```",
                                TUTORIAL.read_text(), re.MULTILINE | re.DOTALL).groups()
    return command.split(), output


def test_program_on_the_rtl(session):
    """All its checks hold, and the unit is worth having. Cycles change with core and compiler."""
    (_, *arguments), output = session
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    assert re.sub(r"=\d+", "=", done.stdout) == re.sub(r"=\d+", "=", output)
    software, unit = map(int, re.findall(r"=(\d+)", done.stdout))
    assert software > 10 * unit
