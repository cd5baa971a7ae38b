"""Loads a bitstream into its board: ``make program BOARD=...``, or ``python -m fpga.program --help``."""

import json
import shutil
import subprocess

import click

from sim.toolchain import ToolError, run_command

from .board import DEFAULT, find_board
from .build import folder_of
from .report import relative

__all__ = ["LOADER", "command_for"]

LOADER = "openFPGALoader"
PACKAGE = "openfpgaloader"


def command_for(name: str, *, flash: bool = False, anyway: bool = False) -> list[str]:
    """The command that loads the board's bitstream.

    Parameters
    ----------
    name : str
        Board.
    flash : bool
        Into its flash, to stay, and not into the device.
    anyway : bool
        Also a bitstream whose timing is missed.

    Raises
    ------
    ToolError
        If there is no bitstream, or none that should be loaded.
    """
    board = find_board(name)
    folder = folder_of(name)
    try:
        report = json.loads((folder / "report.json").read_text())
        met, bitstream = report["met"], report["bitstream"]
        path = folder / bitstream["file"] if bitstream else None
    except FileNotFoundError:
        met, path = True, None
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"{relative(folder / 'report.json')} is no report of a build: {error!r}") from None
    if path is None or not path.exists():
        raise ToolError(f"there is no bitstream for {name}; type: make fpga BOARD={name}")
    if not met and not anyway:
        raise ToolError(f"timing of {relative(path)} is missed, so it may fail; --anyway loads it")
    return [LOADER, *board.loader, *(["--write-flash"] if flash else []), str(path)]


@click.command()
@click.argument("name", metavar="[BOARD]", default=DEFAULT)
@click.option("--flash", is_flag=True, help="Into the board's flash, where it stays.")
@click.option("--anyway", is_flag=True, help="Load a bitstream whose timing is missed.")
def main(name, flash, anyway):
    """Load the bitstream of BOARD by openFPGALoader."""
    command = command_for(name, flash=flash, anyway=anyway)
    if shutil.which(LOADER) is None:
        raise ToolError(f"{LOADER} is not installed; type: sudo apt-get install -y --no-install-recommends {PACKAGE}")
    if code := subprocess.run(command).returncode:
        raise ToolError(f"{LOADER} failed with exit code {code}; is the board connected, and may you use it?")


if __name__ == "__main__":
    run_command(main)
