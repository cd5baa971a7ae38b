"""Test finisher: how software ends the run or resets the machine (SiFive's, as QEMU `virt`)."""

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..bus.bridge import Bridge
from ..bus.field import W
from ..bus.register import Field, Register, RegisterBank

__all__ = ["Command", "Finisher"]


class Command(enum.Enum, shape=16):
    """What software asks for; any other value has no effect."""

    NONE = 0x0000
    #: End with `code` as exit code.
    FAIL = 0x3333
    #: End with exit code 0.
    PASS = 0x5555
    #: Reset the machine.
    RESET = 0x7777


class Finisher(wiring.Component):
    """One register that ends it all.

    Attributes
    ----------
    bus : Interface, In
        ``peripheral_signature(3)``: 8 bytes.
    done : Out(1)
        High in the cycle of a PASS or FAIL and ever after.
    code : Out(16)
        Exit code, valid with `done`.
    failed : Out(1)
        The command was FAIL, valid with `done`.
    reset : Out(1)
        High for one cycle for each RESET.
    """

    class Control(Register, access="w", width=32):
        """Ends the run; reads zero."""

        command: Field(W, Command, description="PASS, FAIL or RESET")
        code: Field(W, 16, description="exit code of FAIL")

    def __init__(self):
        bank = RegisterBank(addr_width=3)
        self._control = bank.add("control", self.Control(), offset=0)
        self._bridge = Bridge(bank)
        super().__init__({
            "bus": In(self._bridge.bus.signature.flip()),
            "done": Out(1),
            "code": Out(16),
            "failed": Out(1),
            "reset": Out(1),
        })
        self.bus.memory_map = bank.memory_map

    def elaborate(self, platform):
        m = Module()
        m.submodules.bridge = self._bridge
        wiring.connect(m, wiring.flipped(self.bus), self._bridge.bus)
        command, code = self._control.f.command, self._control.f.code
        m.d.sync += self.reset.eq(0)
        # The first end counts.
        with m.If(command.w_stb & ~self.done):
            with m.Switch(command.w_data):
                with m.Case(Command.PASS):
                    m.d.sync += self.done.eq(1)
                with m.Case(Command.FAIL):
                    m.d.sync += [
                        self.done.eq(1),
                        self.failed.eq(1),
                        # A 16-bit store carries no code.
                        self.code.eq(Mux(code.w_stb, code.w_data, 0)),
                    ]
                with m.Case(Command.RESET):
                    m.d.sync += self.reset.eq(1)
        return m
