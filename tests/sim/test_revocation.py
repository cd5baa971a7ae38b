"""Revocation on the whole machine: through the bus and the second-level cache, and the reference model's the same."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.registers import write_register_headers
from sim.bare_metal import build_program
from sim.model import build_model
from sim.reference.build import build_program as build_reference
from sim.toolchain import ROOT
from soc.config import SocConfig
from soc.generate.c_header import write_headers
from soc.memory_map import region

BENCH = ROOT / "bench" / "core" / "programs"
#: Cycles that a slot may take, by the shape of the tree, and those of a run around them: most are the sweep of the
#: lookaside buffer, which has 128 sets. The SDRAM's refresh comes in between or not, as the program before happens to
#: end: 177 or 196 cycles for one slot.
SHAPES, AROUND = {"STAR": 11, "CHAIN": 20, "TREE": 20}, 190


@pytest.fixture(scope="module", autouse=True)
def models():
    build_reference(quiet=True)
    build_model(SocConfig(), quiet=True)


@pytest.fixture
def program(tmp_path):
    """Builds the program for a shape and a count."""
    include = tmp_path / "include"
    write_headers(include)
    write_register_headers(include)

    def build(shape, count):
        return build_program(
            [BENCH / "start.S", BENCH / "console.c", Path(__file__).parent / "programs" / "revoke.c",
             ROOT / "kernel" / "lib" / "memory.c"], include=[BENCH, include, include / "veridian"],
            flags=(f"-DSHAPE={shape}", f"-DCOUNT={count}", f"-DUNIT={region('capability_unit').base:#x}"))
    return build


def run(module, program, path):
    """Cycles that it prints, and its signature."""
    done = subprocess.run([sys.executable, "-m", module, program, "--signature", path, "--quiet"], cwd=ROOT,
                          capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return int(re.fullmatch(r" cycles=(\d+)\n", done.stdout)[1]), path.read_text()


@pytest.mark.parametrize("count", [0, 1, 64])
@pytest.mark.parametrize("shape", SHAPES)
def test_machine_and_reference_model_agree(program, tmp_path, shape, count):
    elf = program(shape, count)
    cycles, signature = run("sim.run_elf", elf, tmp_path / "rtl")
    assert signature == run("sim.reference", elf, tmp_path / "model")[1]
    assert cycles <= AROUND + SHAPES[shape] * count
    print(f"{shape} of {count}: {cycles} cycles from cap.revoke to the answer DONE")
