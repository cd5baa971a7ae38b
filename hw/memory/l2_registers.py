"""Register window of the second-level cache: flush, errors, counters."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus.bridge import Bridge
from ..bus.field import RW, R, W
from ..bus.register import Field, Register, RegisterBank
from .l2_cache import L2Events, L2Status
from .l2_config import L2Config

__all__ = ["L2Registers"]

VERSION = 1


class L2Registers(wiring.Component):
    """The window. Everything but `bus` and `irq` is for the cache's ports of the same names.

    Parameters
    ----------
    config : L2Config
        Of the cache.

    Attributes
    ----------
    bus : Interface, In
        ``peripheral_signature(6)``: 64 bytes.
    irq : Out(1)
        High while an error is known and its interrupt enabled.
    """

    class Identity(Register, access="r", width=64):
        """What cache this is."""

        version: Field(R, 8, description="version of this window")
        ways: Field(R, 8, description="lines of a set")
        line: Field(R, 16, description="bytes of a line")
        size: Field(R, 32, description="bytes of the cache")

    class Command(Register, access="w", width=64):
        """Each bit that is written 1 does something once."""

        flush: Field(W, 1, description="write all dirty lines back")
        invalidate: Field(W, 1, description="with flush: forget all lines afterwards")
        clear: Field(W, 1, description="forget the errors")

    class Status(Register, access="r", width=64):
        """State of the cache."""

        flushing: Field(R, 1, description="a flush is under way")
        write_back_error: Field(R, 1, description="memory refused a word of a line that was written back")
        store_error: Field(R, 1, description="memory refused a line that an acknowledged store was to change")

    class ErrorAddress(Register, access="r", width=64):
        """Where the first error was."""

        address: Field(R, 32, description="physical address, of a word for a write-back, of the store otherwise")

    class InterruptEnable(Register, access="rw", width=64):
        """Errors interrupt."""

        errors: Field(RW, 1, description="either error raises the interrupt")

    class Accesses(Register, access="r", width=64):
        """Words read and written since reset."""

        count: Field(R, 48)

    class Fills(Register, access="r", width=64):
        """Lines read from memory since reset."""

        count: Field(R, 48)

    class WriteBacks(Register, access="r", width=64):
        """Lines written to memory since reset."""

        count: Field(R, 48)

    def __init__(self, config: L2Config):
        if not isinstance(config, L2Config):
            raise TypeError(f"Configuration must be an L2Config, not {config!r}")
        self._config = config
        bank = RegisterBank(addr_width=6)
        self._identity = bank.add("identity", self.Identity(), offset=0x00)
        self._command = bank.add("command", self.Command(), offset=0x08)
        self._status = bank.add("status", self.Status(), offset=0x10)
        self._error_address = bank.add("error_address", self.ErrorAddress(), offset=0x18)
        self._enable = bank.add("interrupt_enable", self.InterruptEnable(), offset=0x20)
        self._counters = {}
        if config.counters:
            self._counters = {
                "access": bank.add("accesses", self.Accesses(), offset=0x28),
                "fill": bank.add("fills", self.Fills(), offset=0x30),
                "write_back": bank.add("write_backs", self.WriteBacks(), offset=0x38),
            }
        self._bridge = Bridge(bank)
        super().__init__({
            "bus": In(self._bridge.bus.signature.flip()),
            "irq": Out(1),
            "flush": Out(1),
            "invalidate": Out(1),
            "flushing": In(1),
            "status": In(L2Status),
            "error_clear": Out(1),
            "events": In(L2Events),
        })
        self.bus.memory_map = bank.memory_map

    def elaborate(self, platform):
        m = Module()
        m.submodules.bridge = self._bridge
        wiring.connect(m, wiring.flipped(self.bus), self._bridge.bus)
        identity, command, status = self._identity.f, self._command.f, self._status.f

        def strobe(field):
            return field.w_stb & field.w_data

        m.d.comb += [
            identity.version.r_data.eq(VERSION),
            identity.ways.r_data.eq(self._config.ways),
            identity.line.r_data.eq(self._config.line_bytes),
            identity.size.r_data.eq(self._config.size),
            self.flush.eq(strobe(command.flush)),
            self.invalidate.eq(strobe(command.invalidate)),
            self.error_clear.eq(strobe(command.clear)),
            status.flushing.r_data.eq(self.flushing),
            status.write_back_error.r_data.eq(self.status.write_back_error),
            status.store_error.r_data.eq(self.status.store_error),
            self._error_address.f.address.r_data.eq(self.status.address),
            self.irq.eq((self.status.write_back_error | self.status.store_error) & self._enable.f.errors.data),
        ]
        for name, register in self._counters.items():
            count = Signal(48, name=f"{name}_count")
            m.d.sync += count.eq(count + getattr(self.events, name))
            m.d.comb += register.f.count.r_data.eq(count)
        return m
