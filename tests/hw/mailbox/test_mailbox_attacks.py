"""The table of attacks names tests that there are, and that pytest runs."""

import ast
from pathlib import Path

import pytest

from sim.toolchain import ROOT
from tests.hw.cocotb_bench import testcases
from tests.hw.mailbox.attacks import ATTACKS

HERE = Path(__file__).parent
#: Attacks that there are by one interface only.
ON_ONE_INTERFACE = {"instructions that the hart takes back, or that are none",
                    "the kernel's page, others' pages and what is no register"}


def exists(test):
    file, _, name = test.partition("::")
    if not file.endswith("_bench.py"):
        return name in {node.name for node in ast.walk(ast.parse((ROOT / file).read_text()))
                        if isinstance(node, ast.FunctionDef)} and name.startswith("test_")
    bench = file.removesuffix(".py").replace("/", ".")
    # Some test module runs all that this bench has.
    runners = [path.read_text() for path in HERE.glob("test_*.py")]
    return name in testcases(bench) and any(f'"{bench}"' in text and "testcases(" in text for text in runners)


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name.replace(" ", "_") for attack in ATTACKS])
def test_each_has_tests_on_both_interfaces(attack):
    assert (bool(attack.instructions) and bool(attack.page)) == (attack.name not in ON_ONE_INTERFACE)
    missing = [test for test in {*attack.instructions, *attack.page} if not exists(test)]
    assert not missing, f"there is no {', '.join(missing)}"


def test_what_does_not_exist_is_noticed():
    assert not exists("tests/hw/mailbox/dying_bench.py::nothing")
