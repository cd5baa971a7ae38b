import io

import pytest
from rich.console import Console

from sim.results import Measurement, latency_table, parse_measurement, speed_up

LINE = "bench operation=capability_check variant=hw-hit n=1000 min=2 median=3 p99=4 max=50"


def test_parse():
    assert parse_measurement(LINE) == Measurement("capability_check", "hw-hit", 1000, 2, 3, 4, 50)


@pytest.mark.parametrize("line", ["", "hello", "benchmarks are fun", "[bench] operation=x"])
def test_other_lines_are_none(line):
    assert parse_measurement(line) is None


@pytest.mark.parametrize("line", [
    "bench operation=x",
    LINE + " extra=1",
    LINE + " word",
    LINE.replace("n=1000", "n=many"),
    LINE.replace("n=1000", "n=0"),
    LINE.replace("median=3", "median=5"),
    LINE.replace("min=2", "min=-2"),
])
def test_broken_measurements_are_not_dropped(line):
    with pytest.raises(ValueError, match="measurement"):
        parse_measurement(line)


def one(operation, variant, median):
    return Measurement(operation, variant, 10, median, median, median, median)


@pytest.mark.parametrize("variant, software, expected", [
    ("hw-hit", "sw-hit", 5.0), ("hw-miss", "sw-miss", 5.0), ("hw-hit", "syscall", 5.0), ("mailbox", "sw-hit", 5.0),
    ("hardware", "syscall", 5.0), ("sw-hit", "sw-hit", None), ("hw-hit", "warm", None),
])
def test_speed_up(variant, software, expected):
    fast = one("x", variant, 20)
    assert speed_up(fast, [fast, one("x", software, 100), one("y", "sw-hit", 7)]) == expected


def test_speed_up_prefers_the_closest_partner():
    fast = one("x", "hw-miss", 10)
    assert speed_up(fast, [one("x", "syscall", 1000), one("x", "sw-hit", 20), one("x", "sw-miss", 70)]) == 7.0


def test_table_shows_numbers_and_unit():
    text = io.StringIO()
    Console(file=text, width=120).print(latency_table([one("check", "hw-hit", 3), one("check", "sw-hit", 3000)],
                                                      "cycles", "Latency on soc"))
    shown = text.getvalue()
    assert "1,000.0 x" in shown or "1000.0 x" in shown
    assert "3,000" in shown and "cycles" in shown and "Latency on soc" in shown
