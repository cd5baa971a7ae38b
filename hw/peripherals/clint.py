"""Core-local interruptor: software interrupts and the machine timer, in SiFive's layout (as QEMU `virt`)."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus.bridge import Bridge
from ..bus.field import RW, External
from ..bus.register import Field, Register, RegisterBank

__all__ = ["Clint"]

MSIP_OFFSET = 0x0
MTIMECMP_OFFSET = 0x4000
MTIME_OFFSET = 0xbff8
#: SiFive's layout has room for this many.
HARTS_MAX = 4095


class Clint(wiring.Component):
    """Timer and software interrupts of all harts.

    Parameters
    ----------
    harts : int
        How many.
    divider : int
        Core clocks for one step of `mtime`.

    Attributes
    ----------
    bus : Interface, In
        ``peripheral_signature(16)``: 64 KiB.
    time : Out(64)
        `mtime`, for `rdtime` and Sstc.
    msip, mtip : Out(harts)
        Interrupt lines, bit by hart.
    """

    class SoftwareInterrupt(Register, access="rw", width=32):
        """Raises the machine software interrupt of one hart."""

        pending: Field(RW, 1, description="interrupt line")

    class TimeCompare(Register, access="rw", width=64):
        """The machine timer interrupt of one hart is high while mtime is at or past this."""

        # Hardware of SiFive leaves it undefined; all ones keeps the line low until software wants it.
        value: Field(RW, 64, init=2**64 - 1, description="time of the interrupt")

    class Time(Register, access="rw", width=64):
        """Counts up; shared by all harts."""

        value: Field(External, 64, "rw", init=0, description="time in timer steps")

    def __init__(self, *, harts=1, divider=1):
        if not isinstance(harts, int) or not 1 <= harts <= HARTS_MAX:
            raise ValueError(f"Number of harts must be an integer from 1 to {HARTS_MAX}, not {harts!r}")
        if not isinstance(divider, int) or divider < 1:
            raise ValueError(f"Divider must be a positive integer, not {divider!r}")
        self.harts = harts
        self.divider = divider
        bank = RegisterBank(addr_width=16)
        self._msip = [bank.add(f"msip_{hart}", self.SoftwareInterrupt(), offset=MSIP_OFFSET + 4 * hart)
                      for hart in range(harts)]
        self._mtimecmp = [bank.add(f"mtimecmp_{hart}", self.TimeCompare(), offset=MTIMECMP_OFFSET + 8 * hart)
                          for hart in range(harts)]
        self._mtime = bank.add("mtime", self.Time(), offset=MTIME_OFFSET)
        self._bridge = Bridge(bank)
        super().__init__({
            "bus": In(self._bridge.bus.signature.flip()),
            "time": Out(64),
            "msip": Out(harts),
            "mtip": Out(harts),
        })
        self.bus.memory_map = bank.memory_map

    def elaborate(self, platform):
        m = Module()
        m.submodules.bridge = self._bridge
        wiring.connect(m, wiring.flipped(self.bus), self._bridge.bus)

        port = self._mtime.f.value.bus
        m.d.comb += port.r_data.eq(self.time)
        step = Signal(init=1)
        if self.divider > 1:
            count = Signal(range(self.divider))
            m.d.comb += step.eq(count == self.divider - 1)
            m.d.sync += count.eq(Mux(step, 0, count + 1))
        with m.If(step):
            m.d.sync += self.time.eq(self.time + 1)
        with m.If(port.w_stb):
            m.d.sync += self.time.eq((self.time & ~port.w_mask) | (port.w_data & port.w_mask))

        for hart in range(self.harts):
            compare = self._mtimecmp[hart].f.value
            reached = Signal(name=f"reached_{hart}")
            # The comparison is registered. In the cycle where a new value shows its answer is stale: a line that
            # software has just pushed into the future must not be seen high after the store is answered.
            m.d.sync += reached.eq(self.time >= compare.data)
            m.d.comb += [
                self.msip[hart].eq(self._msip[hart].f.pending.data),
                self.mtip[hart].eq(reached & ~compare.w_stb),
            ]
        return m
