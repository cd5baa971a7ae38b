"""Boards: what is ours of each. Pins come from the package amaranth-boards."""

import difflib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module

from sim.toolchain import ToolError

__all__ = ["DEFAULT", "BlockRam", "Board", "Pin", "Sdram", "boards", "find_board"]

DEFAULT = "ulx3s-85f"


@dataclass(frozen=True)
class Pin:
    """A pin by its resource on the platform: `Pin("led", 2)`, `Pin("rgb_led", 0, "r")`."""

    resource: str
    number: int = 0
    part: str = ""


@dataclass(frozen=True)
class Sdram:
    """Main memory in an SDR SDRAM chip, the platform's resource `sdram`.

    Attributes
    ----------
    chip : str
        Name in :data:`hw.memory.sdram_config.CHIPS`.
    degrees : float
        By how much the chip's clock comes after the system's (docs/datasheet/clocks-and-resets.md).
    """

    chip: str
    degrees: float = 90

    def __str__(self):
        return f"SDRAM {self.chip}"


@dataclass(frozen=True)
class BlockRam:
    """Main memory in the device's block RAM, where the board's own memory is none that we drive.

    Attributes
    ----------
    size : int
        Bytes, a power of two.
    instead_of : str
        The board's own memory.
    """

    size: int
    instead_of: str = ""

    def __str__(self):
        return f"{self.size >> 10} KiB block RAM" + (f" ({self.instead_of} not driven)" if self.instead_of else "")


@dataclass(frozen=True)
class Board:
    """A board.

    Attributes
    ----------
    name : str
        As users type it.
    platform : callable
        Makes the platform of amaranth-boards.
    memory : Sdram, BlockRam or str
        Main memory; a string where the design brings its own.
    configuration : dict
        Fields of :class:`soc.config.SocConfig`, or the name of a preset under the key "preset"; what is missing has
        its default. Of other designs: their parameters.
    clock_hz : int
        Clock of the system.
    design : str
        What is built: "soc", or "accelerator" (:mod:`fpga.accelerator`).
    uart : Pin
        Resource with `rx` and `tx`.
    heartbeat, halted : Pin or None
        LEDs: one that blinks with the clock, one that is lit while the system is held in reset or has ended.
    reset : Pin or None
        Button that resets the system.
    upload : Pin or None
        Button that makes the boot ROM wait for an upload.
    flash : Pin or None
        Resource of the SPI flash that the bitstream comes from: `cs` and `dq`, or `cs`, `copi`, `cipo`, `wp`, `hold`.
    held : tuple of (Pin, level)
        Other pins that want a level.
    resources : tuple
        Resources that the platform lacks, such as a serial line on a connector.
    loader : tuple of str
        Options of openFPGALoader.
    pack : tuple of str
        Options of the tool that makes the bitstream.
    note : str
        One line for the table of boards.
    """

    name: str
    platform: Callable
    memory: Sdram | BlockRam | str
    configuration: dict = field(default_factory=dict)
    clock_hz: int = 60_000_000
    design: str = "soc"
    uart: Pin = Pin("uart")
    heartbeat: Pin | None = None
    halted: Pin | None = None
    reset: Pin | None = None
    upload: Pin | None = None
    flash: Pin | None = Pin("spi_flash_4x")
    held: tuple = ()
    resources: tuple = ()
    loader: tuple[str, ...] = ()
    pack: tuple[str, ...] = ("--compress",)
    note: str = ""

    @property
    def device(self) -> str:
        """As its vendor names it: "LFE5U-85F", "iCE40UP5K"."""
        return self.platform.device

    @property
    def family(self) -> str:
        """Name in :data:`fpga.family.FAMILIES`."""
        return "ecp5" if self.device.startswith("LFE5") else "ice40"

    def make_platform(self):
        """A new platform with our resources; each is good for one design."""
        platform = self.platform()
        platform.add_resources(self.resources)
        return platform


def boards() -> dict[str, Board]:
    """All boards by name: `BOARDS` of each module in `fpga.boards`."""
    try:
        import amaranth_boards  # noqa: F401
    except ModuleNotFoundError:
        raise ToolError("the package 'amaranth-boards' is not installed; 'make' sets the virtual environment up"
                        ) from None
    package = import_module("fpga.boards")
    found = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        for board in import_module(f"fpga.boards.{module}").BOARDS:
            if board.name in found:
                raise ValueError(f"Two boards are called {board.name}")
            found[board.name] = board
    return found


def find_board(name: str) -> Board:
    """The board `name`.

    Raises
    ------
    ToolError
        With the near names, for one that there is not.
    """
    known = boards()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5) or [
        board for board in known if board.startswith(name.lower().partition("-")[0])]
    ask = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)};"
    raise ToolError(f"there is no board '{name}'; {ask} 'make fpga' lists them", 2)
