"""The SoC as the simulation sees it: every input passes a register.

With no input that combinational logic depends on, Verilator settles the design once a cycle instead of twice. Nothing
changes for the SoC: what the host drives after it saw cycle n arrives in cycle n + 1 either way.
"""

from pathlib import Path

import click
from amaranth import *
from amaranth.hdl import Value, ValueCastable
from amaranth.lib import wiring

from soc.config import SocConfig
from soc.top import SoC
from soc.verilog import convert

__all__ = ["SimulationTop"]


class SimulationTop(wiring.Component):
    """A SoC behind input registers; its ports are the SoC's.

    Parameters
    ----------
    soc : wiring.Component
        A :class:`soc.top.SoC`, or what has one inside.
    """

    def __init__(self, soc: wiring.Component):
        self._soc = soc
        super().__init__(soc.signature)

    def elaborate(self, platform):
        m = Module()
        # The reset too: next-state logic depends on it everywhere.
        m.domains.inner = inner = ClockDomain("inner")
        m.d.comb += inner.clk.eq(ClockSignal())
        reset = Signal(reset_less=True)
        m.d.sync += reset.eq(ResetSignal())
        m.d.comb += inner.rst.eq(reset)
        m.submodules.soc = DomainRenamer("inner")(self._soc)
        inside = dict(_leaves(self._soc))
        for path, (flow, port) in _leaves(self):
            if flow == wiring.In:
                m.d.sync += inside[path][1].eq(port)
            else:
                m.d.comb += port.eq(inside[path][1])
        return m


def _leaves(component):
    """(path, (flow, value)) of each port that is a value."""
    for path, member, value in component.signature.flatten(component):
        if isinstance(value, ValueCastable):
            value = value.as_value()
        if isinstance(value, Value):
            yield path, (member.flow, value)


@click.command()
@click.option("--config", required=True, help="Configuration as JSON.")
@click.option("--name", required=True, help="Name of the Verilog module.")
@click.option("--output", required=True, type=click.Path(path_type=Path))
def main(config, name, output):
    """Write the simulation's Verilog."""
    output.write_text(convert(SimulationTop(SoC(SocConfig.from_json(config))), name))


if __name__ == "__main__":
    main()
