"""run_elf on the one model that all tests share (the boot configuration)."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.bare_metal import build_program
from sim.model import build_model
from sim.toolchain import ROOT
from soc.config import SocConfig
from soc.memory_map import FIRMWARE_BASE

PROGRAMS = Path(__file__).parent / "programs"


def ends(value):
    return build_program([PROGRAMS / "ends.S"], flags=(f"-DTOHOST_VALUE={value}",))


@pytest.fixture(scope="module", autouse=True)
def model():
    """Built before the first test: the progress of a build would stand on stderr beside what a test expects there."""
    return build_model(SocConfig(), quiet=True)


def run_elf(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "sim.run_elf", *map(str, arguments)], cwd=ROOT, capture_output=True,
                          text=True, timeout=600, **options)


@pytest.mark.parametrize("value, code", [(1, 0), (3, 1), (2 * 42 + 1, 42), (2 * 256 + 1, 255)])
def test_tohost_codes(value, code):
    done = run_elf("--quiet", ends(value))
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_program_that_never_ends():
    done = run_elf("--quiet", "--max-cycles", 2000, ends(0))
    assert (done.returncode, done.stderr) == (3, "veridian: gave up after 2000 cycles\n")


def test_port_of_a_benchmark(tmp_path):
    """As docs/simulation.md tells: formatted output, memcpy, mcycle, an exit code."""
    elf, ours = tmp_path / "port.elf", "bench/core/programs"
    built = subprocess.run([sys.executable, "-m", "sim.bare_metal", f"{ours}/start.S", f"{ours}/console.c",
                            "kernel/lib/memory.c", PROGRAMS / "port.c", "--include", ours, "--flag=-DCODE=42",
                            "--output", elf], cwd=ROOT, capture_output=True, text=True)
    assert (built.returncode, built.stderr) == (0, "")
    done = run_elf("--quiet", elf)
    assert (done.returncode, done.stdout, done.stderr) == (42, "port: sum 46, code 42\n", "")


def test_speed_is_printed():
    done = run_elf(ends(1))
    assert re.fullmatch(r"veridian: \d+ cycles in \d+\.\d s, \d+\.\d\d MHz\n", done.stderr)


def test_interrupt_leaves_nothing_behind():
    command = [sys.executable, "-m", "sim.run_elf", "--quiet", "--max-cycles", str(10**9), ends(0)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 300
        while not (child := children.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=30)
        finally:
            if process.poll() is None:
                os.kill(int(child.split()[0]), signal.SIGKILL)
                process.kill()
    assert (process.returncode, errors) == (130, "veridian: interrupted\n")
    assert not Path(f"/proc/{child}").exists()


@pytest.mark.parametrize("name, content", [("missing.elf", None), ("text.elf", b"hello")])
def test_files_that_cannot_be_run(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = run_elf(path)
    assert done.returncode == 2
    assert re.fullmatch(r"veridian: .*\n", done.stderr)


def test_signature(tmp_path):
    out = tmp_path / "signature"
    done = run_elf("--quiet", "--signature", out, build_program([PROGRAMS / "signature.S"]))
    assert (done.returncode, done.stderr) == (0, "")
    # The atomic addition changed the first word after it was copied: 0x89abcdef + 2, and the sign is extended.
    assert out.read_text().split() == ["89abcdf1", "01234567", "89abcdef", "deefcdef", "00000000", "00000002",
                                       "89abcdef", "deadbeef"]


def test_signature_without_symbols(tmp_path):
    done = run_elf("--signature", tmp_path / "signature", ends(1))
    assert (done.returncode, done.stderr) == (
        2, "veridian: --signature wants the symbol begin_signature, which the program lacks\n")


def test_trace_has_spikes_format(tmp_path):
    out = tmp_path / "trace"
    assert run_elf("--quiet", "--trace", out, ends(1)).returncode == 0
    log = out.read_text()
    lines = log[log.index(f"core   0: 3 0x{FIRMWARE_BASE:016x}"):].splitlines()
    assert lines[0] == f"core   0: 3 0x{FIRMWARE_BASE:016x} (0x4285) x5  0x0000000000000001"
    store = [line for line in lines if re.search(r" mem 0x[0-9a-f]{16} 0x0000000000000001$", line)]
    assert len(store) == 1


def test_uart_echo_and_finisher():
    program = build_program([PROGRAMS / "echo.S"], flags=("-DECHO_CODE=17",))
    command = [build_model(SocConfig()), "--quiet", "--max-cycles", "3000000", "--load", hex(FIRMWARE_BASE),
               flat(program)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        output, _ = process.communicate(b"To be, or not.", timeout=300)
    assert (process.returncode, output) == (17, b"To be, or not.")


def test_reset_by_the_finisher_starts_again():
    program = build_program([PROGRAMS / "restart.S"])
    command = [build_model(SocConfig()), "--quiet", "--max-cycles", "3000000", "--load", hex(FIRMWARE_BASE),
               flat(program)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout.read(1) == b"S"
        process.stdin.write(b"r")
        assert process.stdout.read(1) == b"S"
        output, _ = process.communicate(b".", timeout=300)
    assert (process.returncode, output) == (17, b"")


def flat(program):
    """The program's first (and only) segment as a file."""
    from sim.elf import load_program

    [(address, content)] = load_program(program).segments
    assert address == FIRMWARE_BASE
    path = program.with_suffix(".flat")
    path.write_bytes(content)
    return path


def test_report_says_how_it_ended(tmp_path):
    out = tmp_path / "report"
    done = subprocess.run([build_model(SocConfig()), "--quiet", "--max-cycles", "100", "--report", out],
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 3
    report = json.loads(out.read_text())
    assert (report["reason"], report["code"], report["cycles"]) == ("max-cycles", 3, 100)


@pytest.mark.parametrize("arguments, line", [
    (["--nonsense"], "unknown option '--nonsense'; --help lists them"),
    (["--max-cycles"], "--max-cycles lacks an argument"),
    (["--max-cycles", "many"], "--max-cycles wants a non-negative integer, not 'many'"),
    (["--max-cycles", "-1"], "--max-cycles wants a non-negative integer, not '-1'"),
    (["--memory-latency", "0"], "--memory-latency must be at least 1"),
    (["--memory-beat", "0"], "--memory-beat must be at least 1"),
    (["--load", "0x80000000", "/nonexistent"], "cannot read '/nonexistent'"),
    (["--load", "0x1000", "/dev/null"], "0x1000 is not in main memory"),
    (["--wave", "x.vcd"], "this model was built without waveforms"),
])
def test_host_program_refuses_bad_options(arguments, line):
    done = subprocess.run([build_model(SocConfig()), *arguments], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, f"veridian: {line}\n")
