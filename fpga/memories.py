"""Where the memories of a design went: block RAM, LUT RAM, or flip-flops by accident."""

import re
from dataclasses import dataclass

__all__ = ["BLOCK", "LARGE", "LUT", "NEITHER", "Memory", "memories_of", "memory_name", "misplaced"]

BLOCK, LUT, NEITHER = "block RAM", "LUT RAM", "logic"
#: Bits from which a memory belongs into block RAM, unless it has no more words than a LUT RAM: then it takes the cells
#: that a single word of it would take.
LARGE, LUT_RAM_WORDS = 2048, 16
_KINDS = {"DP16KD": BLOCK, "PDPW16KD": BLOCK, "SB_RAM40_4K": BLOCK, "TRELLIS_DPR16X4": LUT}


@dataclass(frozen=True)
class Memory:
    """A memory of the RTL.

    Attributes
    ----------
    name : str
        Path from the top.
    width, depth : int
    place : str
        `BLOCK`, `LUT` or `NEITHER`.
    """

    name: str
    width: int
    depth: int
    place: str

    @property
    def bits(self) -> int:
        return self.width * self.depth


def memory_name(cell: str) -> str:
    """The memory that a cell is part of: Yosys names what a memory is cut into by row and column."""
    return re.sub(r"\.\d+\.\d+(_\d+)?$", "", cell)


def memories_of(text: str, cells: dict[str, str], top: str) -> list[Memory]:
    """All memories of a design.

    Parameters
    ----------
    text : str
        RTLIL, with a module for each instance, named by its path.
    cells : dict
        Type of each cell of the flattened netlist by its name.
    top : str
    """
    places: dict[str, str] = {}
    for name, kind in cells.items():
        if kind in _KINDS:
            places[memory_name(name)] = _KINDS[kind]
    found, module = [], ""
    for line in text.splitlines():
        if line.startswith("module \\"):
            module = line.removeprefix("module \\").removeprefix(top).removeprefix(".")
        elif memory := re.match(r"  memory width (\d+) size (\d+) \\(\S+)$", line):
            name = f"{module}.{memory[3]}".removeprefix(".")
            found.append(Memory(name, int(memory[1]), int(memory[2]), places.get(name, NEITHER)))
    return found


def misplaced(memories: list[Memory]) -> list[Memory]:
    """Those that are in logic, and large ones that are not in block RAM."""
    return [memory for memory in memories if memory.place == NEITHER
            or memory.bits >= LARGE and memory.depth > LUT_RAM_WORDS and memory.place != BLOCK]
