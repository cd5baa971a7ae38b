"""Builds two blocks around a bus master and runs it: ``python -m examples.bus_master``."""

import subprocess
import sys
from pathlib import Path

import click

from kernel.registers import write_register_headers
from sim.harness import build_harness
from sim.toolchain import BUILD, ROOT, python_sources, run_command
from soc.export import export
from soc.generate.c_header import write_headers

__all__ = ["BLOCKS", "build_program"]

HERE = Path(__file__).parent
#: The two blocks with their parameters, as `make verilog` takes them.
BLOCKS = {"capability-unit": ("lines=64",), "mailbox": ("contexts=0", "queues=4")}


def build_program(*, quiet: bool = False) -> Path:
    """The system and its master as one program."""
    headers = BUILD / "generated" / "include"
    write_headers(headers)
    write_register_headers(headers)

    def verilog():
        blocks = {f"{name}.v": export(name, parameters=parameters) for name, parameters in BLOCKS.items()}
        return blocks | {"system.v": (HERE / "system.v").read_text()}
    return build_harness("bus_master", top="system", verilog=verilog, quiet=quiet, include=[headers], optimize="-O0",
                         depends=[python_sources("hw"), sorted((ROOT / "soc").glob("*.py")), HERE / "system.v",
                                  sorted((headers / "veridian").glob("*.h")), repr(BLOCKS)],
                         sources=sorted(HERE.glob("*.cpp")))


@click.command()
@click.option("--diagram", is_flag=True, help="Print a store and a load of a register as WaveJSON instead.")
def main(diagram):
    """Let a plain Wishbone master check, send, receive and revoke."""
    sys.exit(subprocess.run([build_program(), *(["diagram"] if diagram else [])]).returncode)


if __name__ == "__main__":
    run_command(main)
