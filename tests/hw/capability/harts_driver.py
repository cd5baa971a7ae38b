"""Several harts' capability units on one memory, for cocotb benches: a :class:`~tests.hw.capability.driver.Bench` for
each hart."""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import Lock, RisingEdge

from hw.bus.register import registers
from hw.capability import model
from hw.capability.config import CapabilityUnitConfig
from hw.capability.units import CapabilityUnits
from hw.capability.window import ADDRESS_BITS
from tests.hw.capability.driver import Bench, Bus
from tests.hw.cocotb_bench import seed_of_run
from tests.hw.wishbone_bus import Initiator

__all__ = ["CONFIG", "Hart", "Harts", "component"]


def config():
    """As that of the other benches, for HARTS harts. The walks of more than two, all at one memory, take longer."""
    harts = int(os.environ.get("HARTS", 2))
    return CapabilityUnitConfig(lines=16, ways=2, max_walk_cycles=200 if harts <= 2 else 800, error_injection=True,
                                fault_inputs=True, harts=harts)


CONFIG = config()
#: Interfaces that each hart has.
_OF_A_HART = ("port", "check", "forgets")
#: Both kinds of bus master of a unit alone.
_OF_MEMORY = ("walker", "revoker")


def component():
    """The units of the benches."""
    return CapabilityUnits(config())


class _Ports:
    """The ports as one hart's unit would have them alone."""

    def __init__(self, dut, number):
        self._dut, self._number = dut, number

    def __getattr__(self, name):
        interface, _, signal = name.partition("_")
        if interface in _OF_A_HART:
            interface = f"{interface}{self._number}"
        elif interface in _OF_MEMORY:
            interface = "memory"
        return getattr(self._dut, f"{interface}_{signal}" if signal else interface)


class Hart(Bench):
    """One hart. What belongs to all is that of `system`."""

    def __init__(self, system, number):
        self.system, self.number = system, number
        self.dut = _Ports(system.dut, number)
        self.random, self.memory, self.kernel, self.bus = system.random, system.memory, system.kernel, system.bus
        self.registers = {name: offset + (number << ADDRESS_BITS) for name, offset in system.offsets.items()}

    @property
    def cycle(self):
        return self.system.cycle

    def offset(self, register):
        return (self.registers[register] if isinstance(register, str) else register + (self.number << ADDRESS_BITS))

    async def _transfer(self, offset, value=None, sel=0xff):
        async with self.system.window:
            acknowledged, data = await self.system.initiator.access(offset, value, sel)
        if not acknowledged:
            raise model.BusError(f"{offset:#x}")
        return data


class Harts:
    """The units, their memory and its tables. Iterates over the harts.

    Attributes
    ----------
    window : Lock
        Of the bus that all windows hang on.
    """

    def __init__(self, dut, *, seed=None, **tables):
        self.dut = dut
        self.random = random.Random(seed_of_run() if seed is None else seed)
        self.memory = model.Memory()
        self.kernel = model.KernelTables(self.memory, **tables)
        self.bus = Bus()
        self.cycle = 0
        units = component()
        self.offsets = {register.name: register.offset for register in registers(units._units[0].window.memory_map)}
        for part in (units, units._decoder, *units._units, *(unit._window for unit in units._units),
                     *(unit._window._bridge for unit in units._units)):
            part._MustUse__silence = True
        self.initiator, self.window = Initiator(dut, "window"), Lock()
        self.harts = [Hart(self, number) for number in range(CONFIG.harts)]

    def __iter__(self):
        return iter(self.harts)

    async def start(self, *, configure=True, faults=()):
        """Clock, reset, memory; then each unit's table registers and enable bit."""
        dut = self.dut
        planted = set(faults) | set(filter(None, os.environ.get("FAULTS", "").split(",")))
        dut.faults.value = sum(1 << CONFIG.known_faults.index(name) for name in planted)
        for hart in self:
            hart.dut.check_response_ready.value = 1
        dut.rst.value = 1
        self._clock = Clock(dut.clk, 10, unit="ns")
        self._clock.start()
        cocotb.start_soon(self._count())
        # Walks are bursts of one word.
        cocotb.start_soon(self.harts[0]._revoker_memory())
        await self.cycles(3)
        dut.rst.value = 0
        if configure:
            for hart in self:
                await hart.configure()

    async def cycles(self, count):
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def _count(self):
        while True:
            await RisingEdge(self.dut.clk)
            self.cycle += 1

    def hold_in_reset(self, *harts):
        """These harts' units are in reset from now on, the others are not."""
        self.dut.resets.value = sum(1 << hart.number for hart in harts)

    async def together(self, *coroutines):
        """Results of coroutines that run at the same time."""
        tasks = [cocotb.start_soon(coroutine) for coroutine in coroutines]
        return [await task for task in tasks]
