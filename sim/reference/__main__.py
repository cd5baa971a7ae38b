"""Runs a bare-metal program on the reference model: ``python -m sim.reference FILE``.

Takes what :mod:`sim.run_elf` takes and ends as it does; a cycle is an instruction here.
"""

import sys
from pathlib import Path

import click

from hw.core.config import CoreConfig

from ..elf import Program, load_program
from ..process import Finished, watch
from ..run_elf import DEFAULT_MAX_CYCLES, host_arguments
from ..toolchain import run_command
from .build import build_program

__all__ = ["run_program"]

#: Instructions; the model does as many in a few seconds.
DEFAULT_LIMIT = 10 * DEFAULT_MAX_CYCLES


def run_program(program: Program, *, signature: Path | None = None, max_cycles: int = DEFAULT_LIMIT,
                trace: Path | None = None, core: CoreConfig | None = None, echo: bool = True, quiet: bool = False,
                timeout: float | None = None, interactive: bool = False) -> Finished:
    """Run `program` on the model of a hart like `core`; see :func:`sim.run_elf.run_program`."""
    core = CoreConfig() if core is None else core
    model = build_program()
    with host_arguments(program, signature=signature) as arguments:
        arguments += ["--max-cycles", str(max_cycles), "--contexts", str(core.contexts)]
        arguments += ["--pmp-entries", str(core.pmp_entries)]
        arguments += ["--trace", str(trace)] if trace is not None else []
        arguments += ["--quiet"] if quiet else []
        return watch([model, *arguments], timeout=timeout, echo=echo, interactive=interactive)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--signature", type=click.Path(path_type=Path), metavar="OUT",
              help="Write begin_signature to end_signature as 32-bit words in hexadecimal, one a line.")
@click.option("--max-cycles", type=click.IntRange(min=1), default=DEFAULT_LIMIT, show_default=True, metavar="N",
              help="Give up after N instructions with exit code 3.")
@click.option("--trace", type=click.Path(path_type=Path), metavar="OUT",
              help="Write a commit log in the format of spike --log-commits.")
@click.option("--contexts", type=click.IntRange(1, 16), default=CoreConfig().contexts, show_default=True,
              help="Thread contexts.")
@click.option("--pmp-entries", type=click.IntRange(0, 16), default=CoreConfig().pmp_entries, show_default=True,
              help="Regions of physical memory protection.")
@click.option("--interactive", is_flag=True, help="The UART reads the keyboard.")
@click.option("--quiet", is_flag=True, help="No line about speed at the end.")
def main(file, signature, max_cycles, trace, contexts, pmp_entries, interactive, quiet):
    """Run the bare-metal RISC-V program FILE on the reference model, in machine mode from 0x8000_0000."""
    program = load_program(file)
    core = CoreConfig(contexts=contexts, pmp_entries=pmp_entries)
    sys.exit(run_program(program, signature=signature, max_cycles=max_cycles, trace=trace, core=core,
                         interactive=interactive, quiet=quiet).code)


if __name__ == "__main__":
    run_command(main)
