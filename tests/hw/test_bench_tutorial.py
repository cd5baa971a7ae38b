"""The code of docs/tutorials/bench.md does what the text says."""

import importlib
import re
import sys

import pytest

from sim.toolchain import ROOT
from tests.hw.cocotb_bench import model_of, run, testcases

TEXT = (ROOT / "docs" / "tutorials" / "bench.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def block(name):
    """The code that begins with the name of its file."""
    return next(text for text in BLOCKS if text.startswith(f"# {name}\n"))


@pytest.fixture
def bench(tmp_path, monkeypatch):
    (tmp_path / "my_bench.py").write_text(block("tests/hw/capability/my_bench.py"))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield "my_bench"
    sys.modules.pop("my_bench", None)


def test_ten_lines():
    _, body = block("tests/hw/capability/my_bench.py").split("@cocotb.test()\n")
    assert len(body.splitlines()) <= 10


def test_the_bench_runs(bench):
    testcase, = testcases(bench)
    run(model_of("tests.hw.capability.directed_bench"), bench, testcase)
    assert f"TEST=capability.my.{testcase}" in TEXT


def test_the_test_is_one(bench):
    text = block("tests/hw/capability/test_my.py").replace("tests.hw.capability.my_bench", bench)
    names = {}
    exec(compile(text, "test_my.py", "exec"), names)
    assert callable(names["test_my"])


def test_the_cover_points(monkeypatch, tmp_path):
    """The lines about coverage, up to the report."""
    from hw.abi import Verdict
    from hw.capability.model import Outcome
    from tests.hw.coverage import Coverage, crossed
    text = next(text for text in BLOCKS if text.startswith("coverage = "))
    names = {"Coverage": Coverage, "crossed": crossed, "Verdict": Verdict, "outcome": Outcome(Verdict.OK)}
    exec("\n".join(text.splitlines()[:-1]), names)
    assert len(names["coverage"].unreached) == 2 * len(Verdict) - 1
