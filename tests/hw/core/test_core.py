"""The core runs self-checking programs, with a quick bus and with random wait states."""

import subprocess

import pytest

from hw.core.config import CoreConfig
from sim.reference.build import build_program
from sim.spike import commit_log
from soc.memory_map import FIRMWARE_BASE

PROGRAMS = (
    "smoke", "integer", "muldiv", "memory", "compressed", "atomic",
    "traps", "paging", "pmp", "interrupts", "contexts", "custom", "prediction", "refetch", "region",
)


@pytest.mark.parametrize("wait", (None, 1, 2))
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(run_program, name, wait):
    finished = run_program(name, *(() if wait is None else ("--wait", str(wait))))
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr


#: Programs that want no more than what every machine has: those are judged by two others as well.
PORTABLE = ("pmp",)
PMP_ENTRIES = CoreConfig().pmp_entries


@pytest.mark.parametrize("name", PORTABLE)
def test_program_on_the_reference_model(assemble_program, name):
    finished = subprocess.run([build_program(quiet=True), "--quiet", "--max-cycles", "1000000",
                               "--pmp-entries", str(PMP_ENTRIES),
                               "--load", hex(FIRMWARE_BASE), assemble_program(name)], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("name", PORTABLE)
def test_program_on_spike(assemble_program, tmp_path, name):
    """A failure is an exit code of Spike's."""
    elf = assemble_program(name, defines=("TOHOST",)).with_name("program.elf")
    log = commit_log(elf, tmp_path / "spike.log", pmp_entries=PMP_ENTRIES)
    assert len(log.read_text().splitlines()) > 1000
