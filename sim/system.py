"""What the SoC boots: firmware, kernel, initrd and device tree, built for a configuration and put where they belong."""

from pathlib import Path

from soc.config import SocConfig
from soc.firmware.build import build_firmware
from soc.generate.device_tree import device_tree
from soc.image import Image, ImageError, system_image

from .toolchain import ToolError, console

__all__ = ["SMALL_PROGRAM", "build_guest", "build_image"]

#: The program, and the first process, where memory is too small for the demonstration's and the tests'.
SMALL_PROGRAM = "greeting"


def build_guest(architecture: str, *, small: bool = False) -> tuple[Path, Path]:
    """Kernel image and initrd: the same for every target of an architecture, but for a `small` memory's one program."""
    from kernel.build import BuildError, build_initrd, build_kernel

    try:
        with console.status(f"Building the kernel for {architecture}"):
            return build_kernel(architecture), build_initrd(architecture, [SMALL_PROGRAM] if small else [])
    except BuildError as error:
        raise ToolError(f"the kernel does not build: {error}") from None


def build_image(config: SocConfig, *, bootargs: str = "", kernel: Path | None = None,
                initrd: Path | None = None) -> Image:
    """Firmware, kernel, initrd and device tree as the machine has them in main memory.

    Parameters
    ----------
    config : SocConfig
    bootargs : str
        The kernel's command line. A small memory's initrd has one program, which is the first process unless `init=`
        is given.
    kernel, initrd : Path, optional
        In place of the built ones.

    Raises
    ------
    ToolError
        With exit code 2, when they do not fit.
    """
    small = config.layout.small
    if kernel is None or initrd is None:
        built_kernel, built_initrd = build_guest("riscv64", small=small)
        kernel, initrd = kernel or built_kernel, initrd or built_initrd
    if small and not any(argument.startswith("init=") for argument in bootargs.split()):
        bootargs = f"{bootargs} init={SMALL_PROGRAM}".strip()
    content = initrd.read_bytes()
    try:
        tree = device_tree(config, bootargs=bootargs, initrd_bytes=len(content))
        firmware = build_firmware(config.harts, config.memory_bytes).read_bytes()
        return system_image(firmware, kernel.read_bytes(), content, tree, config.layout)
    except (ImageError, ValueError) as error:
        raise ToolError(str(error), 2) from None
