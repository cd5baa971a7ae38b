"""The blocks that people use alone: how each is made, and its RTL.

Five blocks stand alone (:data:`ROOTS`). Every submodule of those is a block too, named by its path (`core.fetch.tlb`),
or by its last name where that is unique in the core (`fetch`, `walker`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from amaranth.back import rtlil
from amaranth.lib import wiring

from hw.capability.config import CapabilityUnitConfig
from hw.capability.units import capability_unit
from hw.core.config import CoreConfig
from hw.core.core import Core
from hw.mailbox.config import MailboxConfig
from hw.mailbox.mailbox import Mailbox
from hw.memory.l2_cache import L2Cache
from hw.memory.l2_config import L2Config

from .config import SocConfig
from .memory_map import region
from .parameters import configure
from .top import SoC
from .verilog import flat_ports

__all__ = ["ROOTS", "Block", "Port", "Root", "find_block", "root_of"]


@dataclass(frozen=True)
class Root:
    """A block that stands alone.

    Attributes
    ----------
    module : str
        Name of its Verilog module.
    configuration : type
        Its parameters.
    make : callable
        The component for a configuration.
    defaults : dict
        Parameters that the system sets.
    """

    module: str
    configuration: type
    make: Callable[..., wiring.Component]
    defaults: dict = field(default_factory=dict)


_MEMORY = region("memory")

ROOTS = {
    "soc": Root("veridian", SocConfig, SoC),
    "core": Root("veridian_core", CoreConfig, Core),
    "capability-unit": Root("veridian_capability_unit", CapabilityUnitConfig, capability_unit,
                            {"memory_base": _MEMORY.base, "memory_bytes": _MEMORY.size}),
    "mailbox": Root("veridian_mailbox", MailboxConfig, Mailbox),
    "l2-cache": Root("veridian_l2_cache", L2Config, L2Cache,
                     {"memory_base": _MEMORY.base, "memory_bytes": _MEMORY.size}),
}


@dataclass(frozen=True)
class Port:
    """A port of a module in RTLIL."""

    name: str
    width: int
    is_input: bool


@dataclass(frozen=True)
class Block:
    """A module of an elaborated design.

    Attributes
    ----------
    name : str
        As users name it.
    module : str
        Its RTLIL module: the instance path joined by dots (`core.fetch`).
    modules : tuple of str
        All modules of the design, `module` among them.
    text : str
        RTLIL of the whole design that the block is part of.
    """

    name: str
    module: str
    modules: tuple[str, ...]
    text: str

    @property
    def ports(self) -> list[Port]:
        """Ports in the order of their declaration."""
        body = re.search(rf"^module \\{re.escape(self.module)}$(.*?)^end$", self.text, re.MULTILINE | re.DOTALL)[1]
        return [Port(name, int(width or 1), direction == "input") for width, direction, name
                in re.findall(r"^  wire (?:width (\d+) )?(input|output) \d+ +\\(\S+)$", body, re.MULTILINE)]

    @property
    def units(self) -> list[str]:
        """Paths of all units below this block."""
        return [module[len(self.module) + 1:] for module in self.modules if module.startswith(self.module + ".")]

    def inside(self, depth: int) -> list[str]:
        """Modules at most `depth` levels below this one."""
        above = self.module.count(".")
        return [module for module in self.modules if module.startswith(self.module + ".")
                and module.count(".") - above <= depth]


def root_of(name: str) -> str:
    """Name of the block that stands alone and has `name` in it; parts without a path are the core's."""
    first = name.partition(".")[0]
    return first if first in ROOTS else "core"


def find_block(name: str, configuration=None) -> Block:
    """Elaborate the block `name`.

    Parameters
    ----------
    name : str
    configuration : optional
        Of :func:`root_of` its name; default: the system's.

    Raises
    ------
    ValueError
        For a name that fits no block or several.
    """
    root = ROOTS[root_of(name)]
    if configuration is None:
        configuration = configure(root.configuration, defaults=root.defaults)
    component = root.make(configuration)
    top = root_of(name).replace("-", "_")
    text = rtlil.convert(component, name=top, ports=flat_ports(component), emit_src=False)
    modules = tuple(re.findall(r"^module \\(\S+)$", text, re.MULTILINE))
    wanted = name.replace("-", "_")
    if wanted in modules:
        return Block(name, wanted, modules, text)
    fitting = [module for module in modules if module.endswith("." + wanted)]
    if len(fitting) == 1:
        return Block(name, fitting[0], modules, text)
    if fitting:
        raise ValueError(f"block '{name}' may be {' or '.join(fitting)}; name it by its path")
    raise ValueError(f"there is no block '{name}'; there are {', '.join(ROOTS)} and parts of them, such as "
                     f"{', '.join(sorted(module for module in modules if module.count('.') == 1))}")
