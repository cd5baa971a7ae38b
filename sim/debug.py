"""Debugs a bare-metal program on the SoC's RTL with OpenOCD and GDB: ``python -m sim.debug FILE``.

Starts the simulation with a debug module, OpenOCD at its JTAG pins and GDB at OpenOCD; the program stands before its
first instruction. The exit code is the program's if it has ended, else GDB's; 2 for bad input.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import click

from soc.config import SocConfig
from soc.memory_map import FIRMWARE_BASE

from .elf import BAD_INPUT, Program, load_program
from .model import build_model
from .run_elf import host_arguments
from .toolchain import ROOT, ToolError, install_packages, run_command

__all__ = ["ensure_installed", "gdb_command", "jtag_simulation", "openocd"]

OPENOCD, GDB = "openocd", "gdb-multiarch"
CONFIGURATION = ROOT / "sim" / "openocd.cfg"
#: Seconds that GDB gives a simulated machine for an answer.
REMOTE_TIMEOUT = 60
#: Seconds in which OpenOCD notices that the machine has gone, and in which a machine that ends has ended.
GRACE, PATIENCE = 0.5, 10


def ensure_installed() -> None:
    """Install OpenOCD and GDB when this is possible without asking.

    Raises
    ------
    ToolError
        With the one command to type, or when the installation failed.
    """
    missing = tuple(program for program in (OPENOCD, GDB) if shutil.which(program) is None)
    if missing:
        install_packages(missing, f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'}")
    for program in missing:
        if shutil.which(program) is None:
            raise ToolError(f"{program} is still missing after it was installed")


def _end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.terminate()
    process.wait()


def _find(stream, pattern: str, seen: list[str]) -> re.Match | None:
    """First line of `stream` that matches; all lines read go to `seen`."""
    for line in stream:
        seen.append(line)
        if match := re.search(pattern, line):
            return match
    return None


@contextmanager
def jtag_simulation(model: Path, program: Program, *, port: int = 0) -> Iterator[tuple[subprocess.Popen, int]]:
    """The simulation of `program`, halted at reset, and its JTAG port.

    It is out of Ctrl-C's reach, which belongs to GDB.
    """
    with host_arguments(program) as images:
        process = subprocess.Popen([model, "--quiet", *images, "--jtag", str(port)], stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            seen = []
            if (match := _find(process.stderr, r"debugger at port (\d+)$", seen)) is None:
                raise ToolError(seen[-1].strip().removeprefix("veridian: ") if seen else "the simulation ended",
                                process.wait() or 1)
            yield process, int(match[1])
        finally:
            _end(process)
            process.stderr.close()


@contextmanager
def openocd(simulation: subprocess.Popen, jtag_port: int, *,
            start: int | None = FIRMWARE_BASE) -> Iterator[tuple[subprocess.Popen, int]]:
    """OpenOCD at the simulation's JTAG pins, and its port for GDB.

    It is ended with the simulation: by itself it would go on asking, and GDB wait for it.

    Parameters
    ----------
    simulation : Popen
    jtag_port : int
    start : int, optional
        Have the hart run up to this address first: GDB looks at the code around the pc, and the boot ROM has no
        symbols.
    """
    commands = [f"set JTAG_PORT {jtag_port}", f"source {{{CONFIGURATION}}}", "gdb_port 0", "tcl_port disabled",
                "telnet_port disabled", "init"]
    if start is not None:
        commands += [f"bp {start:#x} 2 hw", "resume", "wait_halt 60000", f"rbp {start:#x}"]
    arguments = [argument for command in commands for argument in ("-c", command)]
    process = subprocess.Popen([OPENOCD, *arguments, "-c", "echo ready"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def follow() -> None:
        simulation.wait()
        _end(process)

    try:
        seen = []
        port = _find(process.stderr, r"Listening on port (\d+) for gdb connections", seen)
        if port is None or _find(process.stderr, "^ready$", seen) is None:
            errors = [line for line in seen if line.startswith("Error")] or seen[-1:] or ["it says nothing"]
            raise ToolError(f"openocd failed: {errors[0].strip()}")
        # Its later messages are of no use here, but someone must read them.
        for task in (process.stderr.read, follow):
            threading.Thread(target=task, daemon=True).start()
        yield process, int(port[1])
    finally:
        _end(process)


def gdb_command(file: Path, gdb_port: int, commands: Path | None = None) -> list[str]:
    """Command line of GDB for the program in `file`."""
    # Debian's GDB takes a program without a system for a Linux one, and would step by breakpoints.
    settings = ("set architecture riscv:rv64", "set osabi none", f"set remotetimeout {REMOTE_TIMEOUT}",
                "set pagination off", f"target extended-remote 127.0.0.1:{gdb_port}")
    arguments = [GDB, "-q", *(argument for setting in settings for argument in ("-ex", setting))]
    if commands is not None:
        arguments += ["-batch", "-nx", "-x", str(commands)]
    return [*arguments, str(file)]


def debug(file: Path, *, commands: Path | None = None, config: SocConfig | None = None) -> int:
    """Run GDB on `file` and return the exit code; see the module's text."""
    program = load_program(file)
    ensure_installed()
    model = build_model(replace(config or SocConfig(), debug=True))
    with (jtag_simulation(model, program) as (machine, jtag_port),
          openocd(machine, jtag_port) as (probe, gdb_port)):
        default = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C halts the hart, by GDB.
        try:
            code = subprocess.call(gdb_command(file, gdb_port, commands),
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        finally:
            signal.signal(signal.SIGINT, default)
        # OpenOCD outlives GDB, but not the machine, which may not have ended altogether yet.
        with suppress(subprocess.TimeoutExpired):
            probe.wait(GRACE)
            return machine.wait(PATIENCE)
        return code


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--commands", type=click.Path(path_type=Path), metavar="FILE",
              help="Have GDB execute the commands in FILE and end.")
def main(file, commands):
    """Debug the bare-metal RISC-V program FILE on the SoC's RTL with GDB."""
    if commands is not None and not os.access(commands, os.R_OK):
        raise ToolError(f"cannot read '{commands}'", BAD_INPUT)
    sys.exit(debug(file, commands=commands))


if __name__ == "__main__":
    run_command(main)
