"""The result file and the comparison, from boots that stand in for real ones; the real ones are in tests/system."""

import re

import pytest

from bench import latency
from sim.boot import TARGETS, BootResult
from sim.results import Measurement
from sim.toolchain import ROOT, ToolError

OPERATIONS = (ROOT / "bench/operations.md").read_text()


def result(target, *rows):
    return BootResult(TARGETS[target], measurements=[Measurement(*row) for row in rows])


def test_document_gives_no_nanoseconds_without_a_proven_clock():
    content = latency.document([result("soc", ("capability_check", "hw-hit", 1024, 5, 6, 6, 34)),
                                result("qemu-riscv64", ("capability_check", "sw-hit", 1024, 78, 78, 78, 78))])
    assert content["schema"] == 1 and re.fullmatch(r"[0-9a-f]{40}\+?|unknown", content["commit"])
    on_rtl, in_qemu = content["results"]
    assert on_rtl["unit"] == "cycles" and on_rtl["ns_median"] is None
    assert in_qemu["unit"] == "instructions" and in_qemu["ns_median"] is None
    assert content["targets"]["soc"]["clock_source"] == "goal"
    assert content["targets"]["qemu-riscv64"]["clock_hz"] is None


def test_a_clock_from_place_and_route_gives_nanoseconds(monkeypatch):
    monkeypatch.setattr(latency, "_describe", lambda target, config: {
        "unit": "cycles", "clock_hz": 50_000_000, "clock_source": latency.PLACE_AND_ROUTE, "config": {}})
    content = latency.document([result("soc", ("capability_check", "hw-hit", 1024, 5, 6, 6, 34))])
    assert content["results"][0]["ns_median"] == pytest.approx(120)


def test_comparison_has_a_column_for_each_target():
    content = latency.document([result("soc", ("yield", "warm", 1024, 5, 6, 6, 34)),
                                result("qemu-aarch64", ("syscall_null", "syscall", 1024, 78, 79, 80, 81))])
    table = latency.comparison(content)
    assert table.row_count == 2
    assert list(table.columns[2].cells) == ["", "6"] and list(table.columns[3].cells) == ["79", ""]


def test_failed_boot_is_an_error_with_its_last_words(monkeypatch):
    monkeypatch.setattr(latency, "boot", lambda target, **options: BootResult(target, code=1, output="a\npanic: b\n"))
    with pytest.raises(ToolError, match="(?s)ended with code 1.*panic: b"):
        latency.measure(TARGETS["soc"])


def test_boot_without_measurements_is_an_error(monkeypatch):
    monkeypatch.setattr(latency, "boot", lambda target, **options: BootResult(target))
    with pytest.raises(ToolError, match="measured nothing"):
        latency.measure(TARGETS["soc"])


def test_unknown_target_is_one_line():
    from click.testing import CliRunner
    done = CliRunner().invoke(latency.main, ["--target", "vax"])
    assert done.exit_code == 2 and "there is no target 'vax'" in done.output


def test_every_measured_operation_is_written_down():
    """What the program `latency` prints, bench/operations.md defines."""
    source = (ROOT / "kernel/user/programs/latency.c").read_text()
    for operation in set(re.findall(r'"((?:[a-z]+_)+[a-z]+)"', source)):
        assert f"`{operation}`" in OPERATIONS, operation
