"""Capability unit and mailbox without a processor, behind a serial line: for a small FPGA beside another machine.

The host reads and writes the bus by :class:`hw.bus.serial_bridge.SerialBridge`; :mod:`fpga.client` is that host's side.
Addresses are those of the whole system.
"""

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.arbiter import Arbiter
from hw.bus.decoder import Decoder
from hw.bus.memory_map import MemoryMap
from hw.bus.serial_bridge import SerialBridge
from hw.bus.sram import Sram
from hw.capability.config import CapabilityUnitConfig
from hw.capability.unit import CapabilityUnit
from hw.mailbox.config import MailboxConfig
from hw.mailbox.mailbox import Mailbox
from soc.memory_map import region

from .board import Board
from .pads import led, serial_line
from .spram import SIZE, Spram

__all__ = ["Accelerator", "AcceleratorConfig", "AcceleratorTop", "baud_of"]

#: Cycles of the serial line's divider: the fastest rate that UART chips make of 12 MHz as well as we do.
DIVISOR = 3
#: Eight bits, no parity, one stop bit.
EIGHT_BITS = 3


def baud_of(clock_hz: int) -> int:
    """Rate of the serial line."""
    return round(clock_hz / (16 * DIVISOR))


@dataclass(frozen=True)
class AcceleratorConfig:
    """What of it there is.

    Attributes
    ----------
    lines, ways : int
        As in :class:`hw.capability.config.CapabilityUnitConfig`.
    counters : bool
        Of the capability unit.
    revocation : bool
        Whether it has a revocation engine; without it the host revokes.
    mailbox : bool
        Whether there is a mailbox, without instructions.
    queues, depth, pages, senders : int
        As in :class:`hw.mailbox.config.MailboxConfig`.
    """

    lines: int = 4
    ways: int = 2
    counters: bool = False
    revocation: bool = False
    mailbox: bool = False
    queues: int = 1
    depth: int = 2
    pages: int = 1
    senders: int = 1

    def __post_init__(self):
        for name in ("counters", "revocation", "mailbox"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, not {getattr(self, name)!r}")
        # They check the rest.
        _ = self.unit_config, self.mailbox_config

    @property
    def unit_config(self) -> CapabilityUnitConfig:
        return CapabilityUnitConfig(lines=self.lines, ways=self.ways, counters=self.counters,
                                    revocation=self.revocation, memory_base=region("memory").base, memory_bytes=SIZE)

    @property
    def mailbox_config(self) -> MailboxConfig:
        return MailboxConfig(contexts=0, queues=self.queues, depth=self.depth, pages=self.pages, senders=self.senders)


class Accelerator(wiring.Component):
    """The blocks, memory for the tables, and the bridge.

    Parameters
    ----------
    config : AcceleratorConfig
    memory : component, optional
        Target `bus` of 128 KiB; by default a memory that any simulator knows.
    **bridge
        See :class:`hw.bus.serial_bridge.SerialBridge`.

    Attributes
    ----------
    rx, tx : streams of bytes
    irq : Out(1)
        The mailbox's.
    """

    rx: In(stream.Signature(8))
    tx: Out(stream.Signature(8))
    irq: Out(1)

    def __init__(self, config: AcceleratorConfig | None = None, memory=None, **bridge):
        super().__init__()
        self._bridge = SerialBridge(**bridge)
        self.config = AcceleratorConfig() if config is None else config
        self._unit = CapabilityUnit(self.config.unit_config)
        self._mailbox = Mailbox(self.config.mailbox_config) if self.config.mailbox else None
        self._memory = Sram(SIZE) if memory is None else memory
        self._decoder = Decoder()
        targets = {"capability_unit": self._unit.window, "memory": self._memory.bus}
        if self._mailbox is not None:
            targets["mailbox"] = self._mailbox.bus
        for name, target in targets.items():
            self._decoder.add(target, addr=region(name).base, name=name)

    @property
    def memory_map(self) -> MemoryMap:
        """Everything on the bus: a window for each target."""
        return self._decoder.bus.memory_map

    @property
    def unit_map(self) -> MemoryMap:
        """Registers of the capability unit."""
        return self._unit.window.memory_map

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = unit = self._unit
        m.submodules.memory = self._memory
        m.submodules.decoder = decoder = self._decoder
        m.submodules.arbiter = arbiter = Arbiter()
        m.submodules.bridge = bridge = self._bridge
        arbiter.add(bridge.bus)
        arbiter.add(unit.walker)
        if self.config.revocation:
            arbiter.add(unit.revoker)
        wiring.connect(m, arbiter.bus, decoder.bus)
        wiring.connect(m, wiring.flipped(self.rx), bridge.rx)
        wiring.connect(m, wiring.flipped(self.tx), bridge.tx)
        # Nobody issues instructions.
        m.d.comb += [unit.port.issue.valid.eq(0), unit.port.commit.valid.eq(0)]
        if self._mailbox is None:
            m.d.comb += unit.check.request.valid.eq(0)
        else:
            m.submodules.mailbox = mailbox = self._mailbox
            wiring.connect(m, mailbox.check, unit.check)
            m.d.comb += [mailbox.forget.eq(unit.forgets), self.irq.eq(mailbox.irq)]
        return m


class AcceleratorTop(Elaboratable):
    """Top of a bitstream with the accelerator; the clock is the board's own.

    Parameters
    ----------
    board : Board
    config : AcceleratorConfig
    """

    def __init__(self, board: Board, config: AcceleratorConfig):
        self.board = board
        self.accelerator = Accelerator(config, Spram())

    def elaborate(self, platform):
        m = Module()
        board = self.board
        m.submodules.accelerator = accelerator = self.accelerator
        serial = serial_line(m, platform, board.uart)
        m.d.comb += [serial.divisor.eq(DIVISOR), Value.cast(serial.format).eq(EIGHT_BITS)]
        wiring.connect(m, serial.rx, accelerator.rx)
        wiring.connect(m, accelerator.tx, serial.tx)
        beat = Signal((board.clock_hz - 1).bit_length())
        m.d.sync += beat.eq(beat + 1)
        led(m, platform, board.heartbeat, beat[-1])
        led(m, platform, board.halted, accelerator.irq)
        return m
