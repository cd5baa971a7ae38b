"""Which blocks there are, and their RTL: what :mod:`fpga.size` measures and :mod:`fpga.verilog` exports.

Four blocks stand alone: `core`, `soc`, `capability-unit` and `mailbox`. Every submodule of those is a block too, named
by its path (`core.fetch.tlb`), or by its last name where that is unique in the core (`fetch`, `walker`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from amaranth.back import rtlil
from amaranth.lib import wiring

from hw.capability.config import CapabilityUnitConfig
from hw.capability.unit import CapabilityUnit
from hw.core.core import Core
from hw.mailbox.mailbox import Mailbox
from sim.toolchain import ToolError
from soc.config import SocConfig
from soc.memory_map import RESET_VECTOR, region
from soc.top import SoC
from soc.verilog import flat_ports

__all__ = ["ROOTS", "Block", "Port", "find_block"]


def _core(config: SocConfig) -> wiring.Component:
    """The core as the SoC has it."""
    memory, boot = region("memory"), region("boot_rom")
    return Core(replace(config.core, reset_vector=RESET_VECTOR, trace=config.trace,
                        cached=((memory.base, memory.size),), uncached_code=((boot.base, boot.size),)))


def _capability_unit(config: SocConfig) -> wiring.Component:
    memory = region("memory")
    return CapabilityUnit(CapabilityUnitConfig(memory_base=memory.base, memory_bytes=memory.size))


#: Blocks that stand alone, with how each is made for a system's configuration.
ROOTS: dict[str, Callable[[SocConfig], wiring.Component]] = {
    "core": _core,
    "soc": SoC,
    "capability-unit": _capability_unit,
    "mailbox": lambda config: Mailbox(),
}


@dataclass(frozen=True)
class Port:
    """A port of a module in RTLIL."""

    name: str
    width: int
    is_input: bool


@dataclass(frozen=True)
class Block:
    """A module of the elaborated design.

    Attributes
    ----------
    name : str
        As users name it.
    module : str
        Its RTLIL module, the instance path joined by dots (`core.fetch`).
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


def find_block(name: str, config: SocConfig) -> Block:
    """Elaborate the block `name` of the system that `config` describes.

    Raises
    ------
    ToolError
        For a name that fits no block or several.
    """
    path = name.split(".")
    root = path[0] if path[0] in ROOTS else "core"
    component = ROOTS[root](config)
    top = root.replace("-", "_")
    text = rtlil.convert(component, name=top, ports=flat_ports(component), emit_src=False)
    modules = tuple(re.findall(r"^module \\(\S+)$", text, re.MULTILINE))
    wanted = name.replace("-", "_")
    if wanted in modules:
        return Block(name, wanted, modules, text)
    fitting = [module for module in modules if module.endswith("." + wanted)]
    if len(fitting) == 1:
        return Block(name, fitting[0], modules, text)
    if fitting:
        raise ToolError(f"block '{name}' may be {' or '.join(fitting)}; name it by its path", 2)
    raise ToolError(f"there is no block '{name}'; there are {', '.join(ROOTS)} and parts of them: "
                    f"{', '.join(sorted(modules)[1:])}", 2)
