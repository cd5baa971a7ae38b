"""A unit of the user's own at the core's capability port, named by where Python finds it."""

import importlib
import re
import sys
from importlib import util
from pathlib import Path

from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.core.port import CapabilityPort

__all__ = ["check_name", "load_unit", "unit_sources"]


def check_name(name: str) -> None:
    """Raise unless `name` has the form `package.module:Class`."""
    if not isinstance(name, str):
        raise TypeError(f"unit must be a text like 'package.module:Class', not {name!r}")
    if not re.fullmatch(r"\w+(\.\w+)*:\w+", name):
        raise ValueError(f"unit must be like 'package.module:Class', not {name!r}")


def load_unit(name: str) -> wiring.Component:
    """The unit `name`, made without arguments.

    Raises
    ------
    ValueError
        When there is no such class, or its objects are no units.
    """
    module_name, _, class_name = name.partition(":")
    if module_name not in sys.modules:
        _origin(module_name)
    kind = getattr(importlib.import_module(module_name), class_name, None)
    if kind is None:
        raise ValueError(f"{module_name} has no {class_name}")
    if not isinstance(kind, type):
        raise ValueError(f"{name} is no class")
    unit = kind()
    members = unit.signature.members if isinstance(unit, wiring.Component) else {}
    port = members["port"] if "port" in members else In(1)
    if not (port.is_signature and port.flow == In and isinstance(port.signature.flip(), CapabilityPort)):
        raise ValueError(f"{name} is no unit: it wants a member port: In(CapabilityPort())")
    if others := sorted(set(members) - {"port"}):
        raise ValueError(f"{name} has members that the SoC cannot connect: {', '.join(others)}")
    return unit


def unit_sources(name: str) -> list[Path]:
    """The Python files that the unit `name` is made of: those beside its own. What it imports from elsewhere is not
    among them."""
    return sorted(_origin(name.partition(":")[0]).parent.glob("*.py"))


def _origin(module: str) -> Path:
    try:
        found = util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None or found.origin is None:
        raise ValueError(f"there is no module {module}")
    return Path(found.origin)
