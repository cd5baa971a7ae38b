"""What a store to the capability unit's registers makes it forget: the whole machine and the reference model alike."""

import subprocess
import sys
from pathlib import Path

import pytest

from hw.abi import MailStatus
from hw.bus.register import registers
from hw.capability.unit import CapabilityUnit
from kernel.registers import write_register_headers
from sim.bare_metal import build_program
from sim.model import build_model
from sim.reference.build import build_program as build_reference
from sim.toolchain import ROOT
from soc.config import SocConfig
from soc.generate.c_header import write_headers
from soc.memory_map import region

BENCH = ROOT / "bench" / "core" / "programs"
#: Registers and whether a store to them makes the unit forget everything.
STORES = {"control": True, "space_base": True, "space_count": True, "slot_base": True, "slot_count": True,
          "object_base": True, "object_count": True, "operand1": False, "dead": False}


@pytest.fixture(scope="module", autouse=True)
def models():
    build_reference(quiet=True)
    build_model(SocConfig(), quiet=True)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    include = tmp_path_factory.mktemp("include")
    write_headers(include)
    write_register_headers(include)
    unit = CapabilityUnit()
    unit._MustUse__silence = True
    offsets = {register.name: register.offset for register in registers(unit.window.memory_map)}
    flags = [f"-DUNIT={region('capability_unit').base:#x}", f"-DMAILBOX={region('mailbox').base:#x}",
             "-DREGISTERS=" + ",".join(str(offsets[name]) for name in STORES)]
    return build_program([BENCH / "start.S", BENCH / "console.c", Path(__file__).parent / "programs" / "forget.c",
                          ROOT / "kernel" / "lib" / "memory.c"], include=[BENCH, include, include / "veridian"],
                         flags=tuple(flags))


@pytest.mark.parametrize("module", ["sim.reference", "sim.run_elf"])
def test_open_messages_are_forgotten(program, tmp_path, module):
    """Alike by what each of them is held against: mail.pop finds nothing open, and the message is received again."""
    path = tmp_path / "signature"
    done = subprocess.run([sys.executable, "-m", module, program, "--signature", path, "--quiet"], cwd=ROOT,
                          capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    # A line of a signature has 32 bits (riscv-arch-test).
    words = [int(line, 16) for line in path.read_text().split()]
    statuses = [MailStatus(low | high << 32).name for low, high in zip(words[::2], words[1::2], strict=True)]
    expected = {True: ["LOST", "OK", "OK"], False: ["OK", "NO_MESSAGE", "LOST"]}
    assert {name: tuple(statuses[3 * place:3 * place + 3]) for place, name in enumerate(STORES)} == {
        name: tuple(expected[forgets]) for name, forgets in STORES.items()}
