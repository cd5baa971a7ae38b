"""Straps: what the board, or the simulation, tells the boot ROM."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from ..bus.bridge import Bridge
from ..bus.field import R
from ..bus.register import Field, Register, RegisterBank

__all__ = ["BootStraps", "Straps"]


class BootStraps(data.Struct):
    """How to boot. All zero: test memory, load from flash, wait for an upload if there is no valid image."""

    #: Do not look into the flash: a key is held.
    upload: 1
    #: Main memory holds a program already: enter it. For simulations.
    loaded: 1
    #: Test a sample of memory, and wait for shorter times. For simulations.
    quick: 1


class Straps(wiring.Component):
    """One register with the levels of the straps.

    Attributes
    ----------
    bus : Interface, In
        ``peripheral_signature(3)``: 8 bytes.
    straps : In(BootStraps)
        Synchronous to the clock; the boot ROM reads it after reset, and again behind the test of its own memory.
    """

    class Levels(Register, access="r", width=32):
        """How to boot, as the pins say it now."""

        upload: Field(R, 1, description="do not look into the flash")
        loaded: Field(R, 1, description="main memory holds a program already: enter it")
        quick: Field(R, 1, description="test a sample of memory, wait for shorter times")

    def __init__(self):
        bank = RegisterBank(addr_width=3)
        self._levels = bank.add("levels", self.Levels(), offset=0)
        self._bridge = Bridge(bank)
        super().__init__({"bus": In(self._bridge.bus.signature.flip()), "straps": In(BootStraps)})
        self.bus.memory_map = bank.memory_map

    def elaborate(self, platform):
        m = Module()
        m.submodules.bridge = self._bridge
        wiring.connect(m, wiring.flipped(self.bus), self._bridge.bus)
        fields = self._levels.f
        m.d.comb += [
            fields.upload.r_data.eq(self.straps.upload),
            fields.loaded.r_data.eq(self.straps.loaded),
            fields.quick.r_data.eq(self.straps.quick),
        ]
        return m
