"""Builds the SoC with the bit unit and runs the program on it: ``python -m examples.capability_port``."""

import sys
from pathlib import Path

import click

from sim.bare_metal import build_program
from sim.elf import load_program
from sim.run_elf import run_program
from sim.toolchain import ROOT, run_command
from soc.config import SocConfig

from .bits import CAUSE, FUNCT7, POLYNOMIAL, Operation

HERE = Path(__file__).parent
#: Start-up and console.
BENCH = ROOT / "bench" / "core" / "programs"

CONFIG = SocConfig(capability_unit=False, mailbox=False, unit="examples.capability_port.bits:BitUnit")
NUMBERS = {"FUNCT7": FUNCT7, "CAUSE": CAUSE, "POLYNOMIAL": POLYNOMIAL} | {each.name: each.value for each in Operation}


@click.command()
@click.option("--trace", type=click.Path(path_type=Path), metavar="OUT", help="Write a commit log.")
@click.option("--wave", metavar="OUT", help="Write a waveform (.vcd or .fst); builds a slower model once.")
def main(trace, wave):
    """Run program.c on the RTL with the bit unit."""
    program = build_program([BENCH / "start.S", BENCH / "console.c", HERE / "program.c"], include=(HERE, BENCH),
                            flags=tuple(f"-DBITS_{name}={value:#x}" for name, value in NUMBERS.items()))
    sys.exit(run_program(load_program(program), config=CONFIG, trace=trace, wave=wave).code)


if __name__ == "__main__":
    run_command(main)
