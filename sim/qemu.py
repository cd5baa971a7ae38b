"""Runs kernels in QEMU: one entry per architecture, with the exit device's code as the result.

`-icount shift=0` makes every counter count instructions, the same in every run.
"""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .process import EXIT_INTERRUPTED, EXIT_TIMEOUT, Finished, watch
from .toolchain import ToolError, install_packages

__all__ = ["EMULATORS", "Emulator", "emulator_version", "ensure_installed", "run_kernel"]

MEMORY = "128M"
#: QEMU ended without the exit device: a reset, a closed window, an error of QEMU itself.
EXIT_NO_CODE = 1


def _direct(code: int) -> int:
    """Test finisher and semihosting: QEMU's exit code is the guest's."""
    return code


def _debug_exit(code: int) -> int:
    """isa-debug-exit: QEMU ends with the guest's value * 2 + 1; an even code did not come from the guest."""
    return code >> 1 if code & 1 else EXIT_NO_CODE


@dataclass(frozen=True)
class Emulator:
    """How one architecture's kernel runs in QEMU.

    Attributes
    ----------
    program : str
    machine : tuple of str
        Arguments that make the machine.
    packages : tuple of str
        Debian packages that hold it.
    guest_code : callable
        QEMU's exit code to the guest's.
    """

    program: str
    machine: tuple[str, ...]
    packages: tuple[str, ...]
    guest_code: Callable[[int], int]


EMULATORS = {
    "riscv64": Emulator("qemu-system-riscv64", ("-machine", "virt", "-cpu", "rv64"),
                        ("qemu-system-misc", "opensbi"), _direct),
    "x86_64": Emulator("qemu-system-x86_64", ("-machine", "q35", "-cpu", "max", "-device",
                                              "isa-debug-exit,iobase=0xf4,iosize=0x04"),
                       ("qemu-system-x86",), _debug_exit),
    "aarch64": Emulator("qemu-system-aarch64", ("-machine", "virt", "-cpu", "cortex-a72", "-semihosting"),
                        ("qemu-system-arm",), _direct),
}


def ensure_installed(emulator: Emulator) -> None:
    """Install the emulator when this is possible without asking, else say how in one line.

    Raises
    ------
    ToolError
        With the one command to type, or when the installation failed.
    """
    if shutil.which(emulator.program) is not None:
        return
    install_packages(emulator.packages, f"{emulator.program} is")
    if shutil.which(emulator.program) is None:
        raise ToolError(f"{emulator.program} is still missing after {' '.join(emulator.packages)} were installed")


def run_kernel(architecture: str, kernel: Path, *, initrd: Path | None = None, bootargs: str = "",
               timeout: float | None = None, echo: bool = True, interactive: bool = False,
               on_line: Callable[[str], None] = lambda line: None, keys: int | None = None) -> Finished:
    """Boot `kernel` on the emulator of `architecture`; the result's code is the guest's.

    Parameters are those of :func:`sim.process.watch`, and the kernel's files and command line.
    """
    emulator = EMULATORS[architecture]
    ensure_installed(emulator)
    command = [emulator.program, *emulator.machine, "-m", MEMORY, "-smp", "1", "-icount", "shift=0", "-display", "none",
               "-serial", "stdio", "-monitor", "none", "-no-reboot", "-nodefaults", "-kernel", str(kernel)]
    command += ["-initrd", str(initrd)] if initrd is not None else []
    command += ["-append", bootargs] if bootargs else []
    finished = watch(command, timeout=timeout, echo=echo, on_line=on_line, interactive=interactive,
                     keys=keys)
    if finished.code in (EXIT_INTERRUPTED, EXIT_TIMEOUT):
        return finished
    return Finished(emulator.guest_code(finished.code) if finished.code >= 0 else EXIT_NO_CODE, finished.output)


def emulator_version(architecture: str) -> str:
    """First line of the emulator's version, for reports."""
    program = EMULATORS[architecture].program
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
