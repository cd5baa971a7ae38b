"""User mode against the capability unit on the whole machine, in the RTL and in the reference model."""

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

BENCH = ROOT / "bench" / "core" / "programs"
#: 96 instructions, and 2 x (512 loads, 512 stores, 8 atomics, 8 fetches) past page tables and past PMP.
ATTEMPTS = 96 + 2 * 1040


@pytest.fixture
def program(tmp_path):
    include = tmp_path / "include"
    write_headers(include)
    write_register_headers(include)
    source = Path(__file__).parent / "programs" / "user_attacks.c"
    return build_program([BENCH / "start.S", BENCH / "console.c", source],
                         include=[BENCH, include, include / "veridian"])


@pytest.mark.parametrize("module", ["sim.run_elf", "sim.reference"])
def test_window_and_supervisor_instructions_are_out_of_reach(program, module):
    build_reference(quiet=True) if module == "sim.reference" else build_model(SocConfig(), quiet=True)
    done = subprocess.run([sys.executable, "-m", module, program, "--quiet"], cwd=ROOT, capture_output=True, text=True,
                          timeout=600)
    assert (done.returncode, done.stdout) == (0, f" attempts={ATTEMPTS}\n"), done.stderr
