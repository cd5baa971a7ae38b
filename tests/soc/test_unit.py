"""Units of one's own in the SoC."""

import sys

import pytest
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from hw.abi import CUSTOM_0
from hw.core.isa import Cause
from hw.core.port import CapabilityPort
from sim.model import build_verilog
from sim.toolchain import ToolError
from soc.config import SocConfig
from soc.top import SoC
from soc.unit import load_unit, unit_sources

ALONE = {"capability_unit": False, "mailbox": False, "sdram": ""}
EXAMPLE = "examples.capability_port.bits:BitUnit"


class NoPort(wiring.Component):
    other: In(1)


class TooMany(wiring.Component):
    port: In(CapabilityPort())
    window: In(1)
    strap: In(1)


@pytest.fixture
def units(monkeypatch):
    """This module under a name that Python finds."""
    monkeypatch.setitem(sys.modules, "units_of_the_test", sys.modules[__name__])
    return "units_of_the_test"


def test_it_is_part_of_the_soc():
    soc = SoC(SocConfig(unit=EXAMPLE, **ALONE))
    assert type(soc._unit).__name__ == "BitUnit"
    assert SoC(SocConfig(**ALONE))._unit is None


def test_its_sources():
    assert {path.name for path in unit_sources(EXAMPLE)} == {"__init__.py", "__main__.py", "bits.py"}


@pytest.mark.parametrize("name, message", [
    ("nowhere:Unit", "there is no module nowhere"),
    ("examples.nowhere.else:Unit", "there is no module examples.nowhere.else"),
    ("examples.capability_port.bits:Nothing", "examples.capability_port.bits has no Nothing"),
    ("{units}:NoPort", "{units}:NoPort is no unit: it wants a member port: In(CapabilityPort())"),
    ("{units}:ALONE", "{units}:ALONE is no class"),
    ("{units}:TooMany", "{units}:TooMany has members that the SoC cannot connect: strap, window"),
])
def test_what_is_no_unit(units, name, message):
    with pytest.raises(ValueError) as refusal:
        load_unit(name.format(units=units))
    assert str(refusal.value) == message.format(units=units)


def test_model_of_what_is_no_unit():
    with pytest.raises(ToolError, match="there is no module nowhere"):
        build_verilog(SocConfig(unit="nowhere:Unit", **ALONE), quiet=True)


def test_without_a_unit_custom_instructions_are_illegal():
    """The first instruction in main memory is one: the core traps, where it would wait for ever."""
    soc = SoC(SocConfig(**ALONE))
    illegal = []

    async def memory(ctx):
        """Nothing but custom instructions; acknowledges at once."""
        ctx.set(soc.straps.loaded, 1)
        ctx.set(soc.memory.dat_r, CUSTOM_0 << 32 | CUSTOM_0)
        async for _, _reset, requested in ctx.tick().sample(soc.memory.cyc & soc.memory.stb & ~soc.memory.ack):
            ctx.set(soc.memory.ack, requested)

    async def watch(ctx):
        async for _, _reset, valid, trap, cause, insn in ctx.tick().sample(
                *(getattr(soc.trace, name) for name in ("valid", "trap", "cause", "insn"))):
            if valid and trap:
                illegal.append((cause, insn))
                return

    async def limit(ctx):
        for _ in range(1500):
            await ctx.tick()
            if illegal:
                return

    simulator = Simulator(soc)
    simulator.add_clock(1e-6)
    simulator.add_process(memory)
    simulator.add_testbench(watch, background=True)
    simulator.add_testbench(limit)
    simulator.run()
    assert illegal == [(Cause.ILLEGAL_INSTRUCTION, CUSTOM_0)]


@pytest.mark.parametrize("fields, error, message", [
    ({"unit": 5}, TypeError, "unit must be a text like 'package.module:Class', not 5"),
    ({"unit": "bits.BitUnit"}, ValueError, "unit must be like 'package.module:Class', not 'bits.BitUnit'"),
    ({"unit": EXAMPLE, "capability_unit": True}, ValueError,
     "unit wants capability_unit off: the capability port holds one unit"),
])
def test_bad_fields(fields, error, message):
    with pytest.raises(error) as caught:
        SocConfig(**ALONE | fields)
    assert str(caught.value) == message
