"""Checks a Promela model with spin: all states, safety and absence of deadlocks."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sim.toolchain import ToolError, install_packages

__all__ = ["Checked", "check", "ensure_spin"]

PROGRAM = "spin"
_STATES, _ERRORS = re.compile(r"^\s*(\d+(?:\.\d+e\+\d+)?) states, stored", re.MULTILINE), re.compile(r"errors: (\d+)")


def ensure_spin() -> None:
    """Install spin when this is possible without asking, else say how in one line.

    Raises
    ------
    ToolError
        With the one command to type, or when the installation failed.
    """
    if shutil.which(PROGRAM) is None:
        install_packages((PROGRAM,), f"{PROGRAM} is")
        if shutil.which(PROGRAM) is None:
            raise ToolError(f"{PROGRAM} is still missing after its package was installed")


@dataclass(frozen=True)
class Checked:
    """What came of it.

    Attributes
    ----------
    errors : int
        1 at the first that was found, 0 when all states were visited without one.
    states : float
        Visited.
    report : str
        Everything that the checker printed.
    """

    errors: int
    states: float
    report: str


def check(model: Path, folder: Path, timeout: float = 540, **definitions: int | None) -> Checked:
    """Build the checker of `model` in `folder` and run it.

    Parameters
    ----------
    definitions
        Macros of the model; None: defined without a value.
    """
    macros = [f"-D{name}" if value is None else f"-D{name}={value}" for name, value in definitions.items()]
    subprocess.run([PROGRAM, *macros, "-a", model.resolve()], cwd=folder, check=True, capture_output=True)
    # Its generated code is not free of warnings.
    subprocess.run(["gcc", "-w", "-O2", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c"], cwd=folder, check=True,
                   capture_output=True)
    done = subprocess.run(["./pan", "-m1000000", "-n"], cwd=folder, capture_output=True, text=True, timeout=timeout)
    report = done.stdout + done.stderr
    errors, states = _ERRORS.search(report), _STATES.search(report)
    # "errors: 0" of a search that was cut short is no result.
    if done.returncode != 0 or errors is None or states is None or "max search depth too small" in report \
            or "out of memory" in report:
        raise AssertionError(f"{model.name} was not checked to the end:\n{report}")
    return Checked(int(errors[1]), float(states[1]), report)
