"""Boots the kernel on every target: the demonstration, and the booted test suite with its hostile processes."""

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

from kernel.build import build_initrd, build_kernel
from sim.boot import TARGETS, boot
from sim.qemu import EMULATORS
from soc.config import SocConfig
from soc.presets import PRESETS

_spec = importlib.util.spec_from_file_location("system_tap", Path(__file__).with_name("tap.py"))
tap = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tap)

_spec = importlib.util.spec_from_file_location("system_rights", Path(__file__).with_name("rights.py"))
rights = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rights)

SUITE_TESTS = 140
#: kernel/lib/panic.h
PANIC = 99
SOFTWARE_OPERATIONS = {
    ("counter_read", "warm"), ("syscall_null", "syscall"), ("capability_check", "sw-hit"),
    ("capability_check", "syscall"), ("ipc_small_oneway", "sw-hit"), ("ipc_small_roundtrip", "sw-hit"),
    ("context_switch", "warm"), ("ipc_throughput", "syscall"),
}
#: Targets whose capability unit is in use.
WITH_UNIT = ("soc", "model")
HARDWARE_OPERATIONS = {("capability_check", "hw-hit"), ("ipc_small_oneway", "hw-hit"),
                       ("ipc_small_roundtrip", "hw-hit"), ("ipc_throughput", "mailbox")}


def _available(name):
    target = TARGETS[name]
    return not target.emulated or shutil.which(EMULATORS[target.architecture].program) is not None


def _targets(*names):
    return [pytest.param(name, marks=pytest.mark.skipif(not _available(name), reason="QEMU is not installed"))
            for name in names]


EMULATED = _targets(*(name for name, target in TARGETS.items() if target.emulated))
ALL = _targets(*TARGETS)


def _boot(name, **options):
    return boot(TARGETS[name], echo=False, timeout=600, **options)


def _lines(result):
    return result.output.replace("\r", "").splitlines()


@pytest.mark.parametrize("name", ALL)
def test_demonstration(name):
    """Two processes in separate address spaces exchange checked messages, then everything is measured."""
    result = _boot(name)
    lines = _lines(result)
    assert result.code == 0, result.output
    architecture = TARGETS[name].architecture
    assert any(line.startswith(f"Veridian 0.1 ({architecture}, ") for line in lines)
    for what in ("harts: ", "memory: ", "device: ", "accelerator: ", "initrd: "):
        assert any(line.startswith(what) for line in lines) or (what == "device: " and architecture == "x86_64"), what
    spaces = [line.split("address space at ")[1].split(",")[0] for line in lines
              if " ping started" in line or " pong started" in line][:2]
    assert len(set(spaces)) == 2
    for number in range(1, 5):
        assert f"pong: ping {number} of badge 7, 64 bytes as expected" in lines
        assert f"ping: answer {number}, 64 bytes as expected" in lines
    measured = {(one.operation, one.variant): one for one in result.measurements}
    with_unit = name in WITH_UNIT
    assert set(measured) == SOFTWARE_OPERATIONS | (HARDWARE_OPERATIONS if with_unit else set())
    # Throughput is measured in runs of many messages.
    assert all(one.n >= (64 if one.operation == "ipc_throughput" else 1000) for one in result.measurements)
    if not with_unit:
        return
    assert "accelerator: capability unit in use" in lines
    assert any(line.startswith("device: mailbox, ") for line in lines)
    # The claims of the first release, on the same image in the same run.
    assert 5 * measured["capability_check", "hw-hit"].median <= measured["capability_check", "sw-hit"].median
    assert measured["ipc_small_roundtrip", "hw-hit"].median < measured["ipc_small_roundtrip", "sw-hit"].median


def _check_suite(result, unit):
    outcome = tap.parse_tap(result.output)
    assert outcome.problems == []
    assert outcome.planned == SUITE_TESTS
    assert len(outcome.passed) + len(outcome.skipped) == SUITE_TESTS
    assert ("hardware and software checks agree" in outcome.passed) == unit
    assert len(outcome.skipped) == (0 if unit else 1)
    assert rights.faults(rights.parse(result.output)) == []
    assert result.code == 0


@pytest.mark.parametrize("name", ALL)
def test_suite(name):
    """Every bad thing that a process does ends in a typed error or in its own end, and everybody else lives on."""
    _check_suite(_boot(name, init="suite"), unit=name in WITH_UNIT)


@pytest.mark.slow
@pytest.mark.parametrize("preset", [name for name in PRESETS if not SocConfig.from_json(name).layout.small])
def test_suite_on_another_system(preset):
    config = SocConfig.from_json(preset)
    result = _boot("soc", init="suite", config=config)
    _check_suite(result, unit=True)
    assert f"device: mailbox, {config.mailbox_queues} queues of {config.mailbox_depth} messages" in _lines(result)
    assert ("accelerator: capability unit in use" + ("" if config.capability_revocation else ", revocation in software")
            in _lines(result))


@pytest.mark.parametrize("name", [*EMULATED, "model"])
def test_suite_with_assertions(name):
    """The same, in a kernel with its own assertions and traps on undefined behaviour."""
    architecture = TARGETS[name].architecture
    result = _boot(name, init="suite", kernel=build_kernel(architecture, test=True))
    _check_suite(result, unit=name in WITH_UNIT)
    # Such a kernel lets others run between the steps of a revocation, so the tests of that met some half done.
    # (The model's engine needs no time.)
    if name not in WITH_UNIT:
        assert len(re.findall(r"^# \d+ of 160 are left", result.output, re.MULTILINE)) >= 5
    # Who is to get what is being revoked is made once, and not for each step.
    section = re.search(r"# processes made around a revocation(.*?)# and no others", result.output, re.DOTALL)[1]
    numbers = list(map(int, re.findall(r"process (\d+): hostile started", section)))
    assert numbers == list(range(numbers[0], numbers[0] + 3))


def test_broken_tree_ends_the_machine():
    """An engine that meets a tree that is none says so, and the kernel stops: nothing is left half revoked."""
    result = _boot("model", init="capabilities", bootargs="plant=tree", kernel=build_kernel("riscv64", test=True))
    assert result.code == PANIC
    assert re.search(r"kernel panic: revocation below slot \d+ ended in state \d+", result.output)
    # The same kernel with trees as they are.
    assert _boot("model", init="capabilities", kernel=build_kernel("riscv64", test=True)).code == 0


@pytest.mark.parametrize("name", EMULATED)
def test_unknown_first_program(name):
    result = _boot(name, init="nothing")
    assert result.code == PANIC
    assert "kernel panic: init=nothing: no such program in the initrd" in result.output


@pytest.mark.parametrize("name", EMULATED)
@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "other machine"])
def test_damaged_initrd(name, damage, tmp_path):
    """The kernel does not trust the archive: it ends with one clear line."""
    architecture = TARGETS[name].architecture
    good = build_initrd(architecture).read_bytes()
    other = "x86_64" if architecture != "x86_64" else "riscv64"
    bad = {"empty": b"\0", "cut": good[:200], "noise": b"070701" + bytes(range(256)) * 40,
           "other machine": build_initrd(other).read_bytes() if damage == "other machine" else b""}[damage]
    path = tmp_path / "initrd"
    path.write_bytes(bad)
    result = _boot(name, init="hostile", initrd=path)
    assert result.code == PANIC
    assert "kernel panic: init=hostile: " in result.output


@pytest.mark.parametrize("name", EMULATED)
def test_first_process_takes_the_machine_with_it(name):
    """`hostile` as the first process, told nothing, ends with the code of its start word 0 (exit with word 1: 0)."""
    result = _boot(name, init="hostile")
    assert result.code == 0
    assert "process 1: hostile exited with 0" in result.output


def test_unit_is_left_alone_when_not_wanted():
    result = _boot("soc-sw", init="hostile")
    assert "accelerator: capability unit found, not used (accel=off)" in result.output
    assert result.code == 0
