"""Builds the attack harness: the capability unit by Verilator alone, and what attacks it."""

from pathlib import Path

from hw.capability.config import CapabilityUnitConfig
from hw.capability.unit import CapabilityUnit
from sim.harness import build_harness
from sim.reference.build import build_library
from sim.toolchain import python_sources
from soc.verilog import convert

__all__ = ["CONFIG", "build_program"]

HERE = Path(__file__).parent
TOP = "unit"
#: Few lines, so that they are thrown out; every fault is at hand.
CONFIG = CapabilityUnitConfig(lines=64, ways=2, fault_inputs=True)


def build_program(*, quiet: bool = False) -> Path:
    """The harness; `__main__.py` runs it."""
    numbers = build_library(quiet=quiet) / "numbers.hpp"
    return build_harness("attack", top=TOP, verilog=lambda: {f"{TOP}.v": convert(CapabilityUnit(CONFIG), TOP)},
                         depends=[python_sources("hw"), repr(CONFIG), numbers], sources=sorted(HERE.glob("*.[ch]pp")),
                         include=[numbers.parent], quiet=quiet)
