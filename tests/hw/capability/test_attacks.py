"""The table of attacks names tests that there are, and that pytest runs."""

import ast
import re
from pathlib import Path

import pytest

from sim.toolchain import ROOT
from tests.hw.capability.attacks import ATTACKS
from tests.hw.cocotb_bench import testcases

HERE = Path(__file__).parent
#: Instructions alone: a store to the window cannot be taken back.
ON_ONE_INTERFACE = {"instructions that the core takes back"}


def kinds():
    """Names of the C++ harness's kinds of questions."""
    text = (HERE / "attack" / "attacks.cpp").read_text() + (HERE / "attack" / "main.cpp").read_text()
    return set(re.findall(r'"(\w+)"', re.search(r"names\[\] = \{(.*?)\};", text, re.DOTALL)[1])) | set(
        re.findall(r'"(\w+)"', re.search(r"kind_name\(.*?\n\}", text, re.DOTALL)[0]))


def functions(path):
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def exists(test):
    file, _, name = test.partition("::")
    if file == "random":
        return name in kinds()
    if not file.endswith("_bench.py"):
        return name in functions(ROOT / file) and name.startswith("test_")
    bench = file.removesuffix(".py").replace("/", ".")
    # Some test module runs all that this bench has, one after the other or at once.
    runners = [path.read_text() for path in HERE.glob("test_*.py")]
    everything = "testcases(", "run(units(), bench)"
    return name in testcases(bench) and any(f'"{bench}"' in text and any(call in text for call in everything)
                                            for text in runners)


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name.replace(" ", "_") for attack in ATTACKS])
def test_each_has_tests_on_both_interfaces(attack):
    assert attack.instructions and bool(attack.window) == (attack.name not in ON_ONE_INTERFACE)
    missing = [test for test in {*attack.instructions, *attack.window} if not exists(test)]
    assert not missing, f"there is no {', '.join(missing)}"


def test_no_kind_of_question_is_left_out():
    named = {test for attack in ATTACKS for test in attack.instructions if test.startswith("random::")}
    assert {f"random::{kind}" for kind in kinds() - {"rightful"}} == named


def test_what_does_not_exist_is_noticed():
    assert not exists("random::polite") and not exists("tests/hw/capability/attack_bench.py::nothing")
