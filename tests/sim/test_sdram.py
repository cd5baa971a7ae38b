"""The SoC with its SDRAM controller and the simulated chip: traffic of a program, and a chip that asks for more."""

import json
import re
import subprocess
import sys

import pytest

from sim.bare_metal import build_program
from sim.elf import load_program
from sim.model import build_model
from sim.run_elf import host_arguments
from sim.toolchain import ROOT
from soc.config import SocConfig

CONFIG = SocConfig()
#: Lines of the second-level cache, and half as many again.
CAPACITY = CONFIG.l2_bytes // CONFIG.l2_line_bytes
LINES = 3 * CAPACITY // 2


@pytest.fixture(scope="module", autouse=True)
def model():
    """Built before the first test: the progress of a build would stand on stderr beside what a test expects there."""
    return build_model(CONFIG, quiet=True)


@pytest.fixture(scope="module")
def traffic():
    return build_program([ROOT / "tests/sim/programs/traffic.S"], flags=(f"-DLINES={LINES}",))


def run(model, program, *options):
    with host_arguments(load_program(program)) as arguments:
        return subprocess.run([model, *arguments, "--max-cycles", "3000000", *map(str, options)], capture_output=True,
                              text=True, timeout=600)


def test_program_finds_what_it_stored(model, traffic, tmp_path):
    report = tmp_path / "report.json"
    done = run(model, traffic, "--quiet", "--oracle", "--report", report)
    assert (done.returncode, done.stderr) == (0, "")
    content, chip = json.loads(report.read_text()), CONFIG.sdram_config
    # The chip's 200 us are part of the run.
    assert content["cycles"] > chip.power_up
    # Each line is read for the stores; what the cache cannot hold is written back and read once more for the loads.
    words, counts = CONFIG.l2_line_bytes // 8, content["sdram"]
    assert (2 * LINES - CAPACITY) * words <= counts["read"] <= 3 * LINES * words
    assert (LINES - CAPACITY) * words <= counts["write"] <= 2 * LINES * words
    assert counts["activate"] <= counts["read"] + counts["write"]
    turns = (content["cycles"] - chip.power_up) // chip.refresh_interval
    assert 0 <= counts["refresh"] - chip.chip.initial_refreshes - turns + 1 <= 2


#: By how many cycles more the chip asks. One more is enough where the controller's timing is the datasheet's; t_mrd,
#: t_rc and t_power_up have a cycle or two to spare, rows of two banks are never opened close together, and refreshes
#: that come a little late take long to be two intervals late.
STRICTER = {"t_rcd": 1, "t_rp": 1, "t_rfc": 1, "t_wr": 1, "t_ras": 1, "t_mrd": 2, "t_rc": 2, "t_power_up": 3,
            "t_refi": 4, "t_rrd": 12}


@pytest.mark.parametrize("rule", STRICTER)
def test_stricter_chip_is_reported(model, traffic, tmp_path, rule):
    report = tmp_path / "report.json"
    done = run(model, traffic, "--quiet", "--report", report, "--stricter", rule, STRICTER[rule])
    assert done.returncode == 5 and json.loads(report.read_text())["reason"] == "memory-rule"
    line = r"veridian: the SDRAM controller broke a rule of the chip in cycle (\d+): (\w+): .+\n"
    found = re.fullmatch(line, done.stderr)
    assert found[2] == rule and int(found[1]) >= CONFIG.sdram_config.power_up


@pytest.mark.parametrize("arguments, line", [
    (["--memory-latency", "5"], "--memory-latency is for an ideal memory, and this model has an SDRAM chip (a "
                                "configuration with the field sdram empty has none)"),
    (["--stricter", "t_cl", "1"], "the SDRAM chip has no rule 't_cl'"),
    (["--stricter", "t_rp", "much"], "--stricter wants a non-negative integer, not 'much'"),
])
def test_host_program_refuses(model, arguments, line):
    done = subprocess.run([model, *arguments], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, f"veridian: {line}\n")


@pytest.mark.parametrize("module, arguments, options", [
    ("sim.boot", ["--memory-beat", "4"], "--memory-latency and --memory-beat"),
    ("sim.run_elf", ["--latency-noise", "1", "PROGRAM"], "--memory-latency and --latency-noise"),
    ("sim.lockstep", ["--latency", "9"], "--latency and --latency-noise"),
])
def test_speed_of_a_memory_that_has_its_own(traffic, module, arguments, options):
    arguments = [str(traffic) if word == "PROGRAM" else word for word in arguments]
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        2, f"veridian: {options} are for an ideal memory; add --config ideal\n")
