"""The reader of booted tests' results must not call a broken stream good."""

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("system_tap", Path(__file__).with_name("tap.py"))
tap = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tap)

GOOD = "boot noise\nTAP version 14\n1..3\nok 1 - one\n# a note\nok 2 - two # SKIP no unit\nok 3 - three\n"


def test_good_stream():
    result = tap.parse_tap(GOOD)
    assert (result.passed, result.skipped, result.problems) == (["one", "three"], ["two"], [])


@pytest.mark.parametrize(("stream", "problem"), [
    ("", "no TAP version"),
    ("TAP version 14\n", "no plan"),
    (GOOD.replace("ok 3 - three\n", ""), "3 tests planned, 2 came"),
    (GOOD.replace("ok 2", "ok 3"), "test 3 where 2 was due"),
    (GOOD.replace("ok 3", "not ok 3"), "not ok 3 - three"),
    (GOOD.replace("1..3", "1..4"), "4 tests planned, 3 came"),
])
def test_bad_streams(stream, problem):
    assert any(problem in text for text in tap.parse_tap(stream).problems)
