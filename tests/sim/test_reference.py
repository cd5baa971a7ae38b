"""The reference model: against Spike, and as a machine to run programs on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim.bare_metal import build_program
from sim.lockstep import run_seed
from sim.random_program import options_of
from sim.reference.build import build_program as build_model
from sim.reference.numbers import numbers_header
from sim.toolchain import ROOT
from soc.memory_map import region

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="module", autouse=True)
def model():
    return build_model(quiet=True)


def run_model(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "sim.reference", *map(str, arguments)], cwd=ROOT, capture_output=True,
                          text=True, timeout=600, **options)


@pytest.mark.parametrize("first", [101, 109])
def test_model_agrees_with_spike(tmp_path, first):
    """About 90,000 instructions each."""
    total = 0
    for seed in range(first, first + 8):
        outcome = run_seed(seed, tmp_path, reference=True)
        assert outcome.mismatch is None, f"seed {seed}: {outcome.mismatch}"
        total += outcome.instructions
    assert total > 60_000


@pytest.mark.slow
@pytest.mark.parametrize("first", range(3000, 3400, 100))
def test_model_agrees_with_spike_for_long(tmp_path, first):
    """About 2,400,000 instructions each."""
    for seed in range(first, first + 100):
        outcome = run_seed(seed, tmp_path, options_of(seed, blocks=240), reference=True)
        assert outcome.mismatch is None, f"seed {seed}: {outcome.mismatch}"


@pytest.mark.parametrize("value, code", [(1, 0), (3, 1), (2 * 42 + 1, 42), (2 * 256 + 1, 255)])
def test_tohost_codes(value, code):
    done = run_model("--quiet", build_program([PROGRAMS / "ends.S"], flags=(f"-DTOHOST_VALUE={value}",)))
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_a_program_that_never_ends():
    endless = build_program([PROGRAMS / "ends.S"], flags=("-DTOHOST_VALUE=0",))
    done = run_model("--quiet", "--max-cycles", 2000, endless)
    assert (done.returncode, done.stderr) == (3, "veridian: gave up after 2000 instructions\n")


def test_signature_is_that_of_the_rtl(tmp_path):
    program = build_program([PROGRAMS / "signature.S"])
    signatures = []
    for module in ("sim.reference", "sim.run_elf"):
        path = tmp_path / f"{module}.signature"
        subprocess.run([sys.executable, "-m", module, program, "--signature", path, "--quiet"], cwd=ROOT, check=True)
        signatures.append(path.read_text())
    assert signatures[0] == signatures[1] and "deadbeef" in signatures[0]


def test_characters_and_a_restart():
    done = run_model("--quiet", "--interactive", build_program([PROGRAMS / "restart.S"]), input="rx")
    assert (done.returncode, done.stdout) == (17, "SS")


def test_speed_is_printed():
    done = run_model(build_program([PROGRAMS / "ends.S"], flags=("-DTOHOST_VALUE=1",)))
    assert re.fullmatch(r"veridian: \d+ instructions in \d+\.\d s, \d+\.\d\d MHz\n", done.stderr)


def test_numbers_come_from_the_hardware():
    text = numbers_header()
    assert f"constexpr uint64_t uart_base = {region('uart').base:#x}ull;" in text
    assert "constexpr uint16_t mscratch = 0x340u;" in text
    assert "constexpr uint16_t sctxdata = 0x5c4u;" in text


@pytest.mark.parametrize("name, content", [("missing.elf", None), ("text.elf", b"hello")])
def test_files_that_cannot_be_run(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = run_model(path)
    assert done.returncode == 2
    assert re.fullmatch(r"veridian: .*\n", done.stderr)
