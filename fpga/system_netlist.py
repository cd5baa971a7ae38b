"""The netlist of a whole system in simulation: ``python -m fpga.system_netlist`` boots it.

Everything that lies behind a board's pads is what Yosys has made of it, main memory in block RAM too; pads, PLL and
reset counter are left out. The host program is that of the RTL's simulation.
"""

import sys
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import click
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hw.peripherals.straps import BootStraps
from sim.model import build_model
from sim.process import watch
from sim.system import build_image
from sim.toolchain import BUILD, ToolError, console, digest, locked, run_command
from sim.top import SimulationTop
from soc.config import SocConfig
from soc.image import pack
from soc.presets import PRESETS
from soc.top import SoC

from .block_ram import BlockRamMemory
from .netlist import DEFINES, cell_models, netlist

__all__ = ["SystemWithMemory", "build_netlist_model"]

DEFAULT = "blockram"
#: What models of cells refuse by `$fatal` is a warning else.
FLAGS = ("-Werror-USERFATAL", *(f"-D{name}" for name in DEFINES))


class SystemWithMemory(wiring.Component):
    """A SoC and its main memory in block RAM; its ports are the SoC's without that of memory.

    Parameters
    ----------
    config : SocConfig
        Without `sdram`.
    """

    def __init__(self, config: SocConfig):
        self._soc = SoC(config)
        self._memory = BlockRamMemory(config.memory_bytes)
        super().__init__({name: member for name, member in self._soc.signature.members.items() if name != "memory"})

    def elaborate(self, platform):
        m = Module()
        m.submodules.soc, m.submodules.memory = self._soc, self._memory
        for name, member in self.signature.members.items():
            inside, outside = getattr(self._soc, name), getattr(self, name)
            if member.is_port:
                m.d.comb += outside.eq(inside) if member.flow == Out else inside.eq(outside)
            else:
                wiring.connect(m, inside, wiring.flipped(outside))
        wiring.connect(m, self._soc.memory, self._memory.bus)
        return m


def build_netlist_model(config: SocConfig, *, quiet: bool = False) -> Path:
    """The simulation program of the netlist; built when the hardware changed."""
    with nullcontext() if quiet else console.status("Synthesising the netlist: some minutes"):
        text = netlist(SimulationTop(SystemWithMemory(config)), "veridian")
    sources = {"veridian.v": text, **cell_models()}
    folder = BUILD / "sim" / f"netlist-{digest(repr(sorted(sources.items())))}"
    with locked("netlist"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in sources.items():
            if not (folder / name).exists():
                (folder / name).write_text(content)
    return build_model(config, quiet=quiet, sources=[folder / name for name in sources], flags=FLAGS)


@click.command()
@click.option("--config", "text", default=DEFAULT, show_default=True, metavar="JSON",
              help=f"Fields of SocConfig that differ from their defaults, or {', '.join(PRESETS)}; without SDRAM.")
@click.option("--until", metavar="TEXT", help="End when the console has shown TEXT.")
@click.option("--max-cycles", type=click.IntRange(min=1), metavar="N", help="Give up after N cycles with exit code 3.")
def main(text, until, max_cycles):
    """Boot the netlist of a system from the simulated flash, and show its console."""
    try:
        config = replace(SocConfig.from_json(text), trace=False)
    except (TypeError, ValueError) as error:
        raise ToolError(str(error), 2) from None
    if config.sdram:
        raise ToolError("an SDRAM chip is outside of the netlist: sdram must be empty", 2)
    program = build_netlist_model(config)
    with tempfile.TemporaryDirectory(prefix="veridian-") as folder:
        image = Path(folder) / "image.bin"
        image.write_bytes(pack(build_image(config), config.layout))
        command = [program, "--straps", str(BootStraps.const({"quick": 1}).as_bits()),
                   "--flash", hex(config.flash_offset), image]
        command += ["--until", until] if until else []
        command += ["--max-cycles", str(max_cycles)] if max_cycles else []
        sys.exit(watch(command, timeout=None, echo=True).code)


if __name__ == "__main__":
    run_command(main)
