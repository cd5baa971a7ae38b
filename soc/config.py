"""Configuration of the SoC."""

import json
from dataclasses import asdict, dataclass, field, replace

from hw.capability.config import CapabilityUnitConfig
from hw.core.config import CoreConfig
from hw.mailbox.config import MailboxConfig
from hw.memory.l2_config import MAX_BYTES, L2Config
from hw.memory.sdram_config import AS4C16M16SA_7, CHIPS, SdramConfig
from hw.peripherals.spi_flash import DIVIDER_BITS

from .memory_map import FLASH_BYTES, FLASH_IMAGE_OFFSET, MEMORY_BYTES, Layout, Region, layout, region
from .presets import PRESETS, read_fields
from .unit import check_name

__all__ = ["SocConfig"]


#: Less is not worth its logic: a first-level cache has 8 KiB.
L2_MIN_BYTES = 16 << 10
#: Smallest piece of a flash that can be erased.
FLASH_ALIGNMENT = 4096
FLASH_DIVIDER_MAX = 2**DIVIDER_BITS - 1
UART_DIVISOR_MAX = 2**16 - 1


def _tuples(value):
    """JSON has lists where configurations have tuples."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


@dataclass(frozen=True)
class SocConfig:
    """What a Veridian SoC is made of.

    Attributes
    ----------
    core : CoreConfig
        Every hart's core.
    harts : int
        Number of harts. This version has one.
    clock_hz : int
        Clock of core, bus and peripherals.
    timebase_hz : int
        Rate of the CLINT's `mtime`; divides `clock_hz`.
    capability_unit : bool
        Attach the capability unit to the core and to the bus.
    capability_lines : int
        Slots that its lookaside buffer holds, as in :class:`hw.capability.config.CapabilityUnitConfig`.
    capability_revocation : bool
        Whether it has a revocation engine, `revocation` there; without it the kernel revokes by software.
    capability_counters : bool
        Whether it has statistics counters, `counters` there.
    mailbox : bool
        Attach the mailbox. It asks the capability unit about every sender, so it wants one.
    mailbox_queues, mailbox_depth, mailbox_pages, mailbox_senders : int
        As in :class:`hw.mailbox.config.MailboxConfig`.
    unit : str
        A unit of your own at the core's capability port, as `package.module:Class`; empty: none. The port holds one
        unit, so the capability unit must be off. See :mod:`soc.unit`.
    l2_bytes : int
        Size of the second-level cache in front of main memory, 16 KiB to 256 KiB; 0: none.
    l2_ways, l2_line_bytes : int
        As in :class:`hw.memory.l2_config.L2Config`.
    memory_bytes : int
        Size of main memory, a power of two from 64 KiB to 32 MiB. Where firmware, kernel and device tree lie in it is
        :func:`soc.memory_map.layout`'s.
    sdram : str
        Name of a chip in :data:`hw.memory.sdram_config.CHIPS` that is main memory, behind a controller in the system;
        that of a ULX3S unless told. Empty: main memory lies outside, behind a bus port.
    sdram_input_registers : int
        Registers outside between the chip's data pins and the controller, 0 to 4: one in each pad.
    flash : bool
        Have a controller for a SPI flash, and boot from it.
    flash_offset : int
        Where the image lies in the flash, bytes; a multiple of 4 KiB.
    flash_clock_hz : int
        Fastest clock of the flash; its clock is an even part of `clock_hz`.
    baud : int
        Rate of the boot ROM's UART.
    trace : bool
        Lead the core's retirement trace to ports of the SoC (simulation).
    debug : bool
        Have a debug module with JTAG pins, and debug mode in the core.

    Raises
    ------
    TypeError, ValueError
        With the field's name, for anything that cannot be built.
    """

    core: CoreConfig = field(default_factory=CoreConfig)
    harts: int = 1
    clock_hz: int = 60_000_000
    timebase_hz: int = 60_000_000
    capability_unit: bool = True
    capability_lines: int = CapabilityUnitConfig.lines
    capability_revocation: bool = CapabilityUnitConfig.revocation
    capability_counters: bool = CapabilityUnitConfig.counters
    mailbox: bool = True
    mailbox_queues: int = MailboxConfig.queues
    mailbox_depth: int = MailboxConfig.depth
    mailbox_pages: int = MailboxConfig.pages
    mailbox_senders: int = MailboxConfig.senders
    unit: str = ""
    l2_bytes: int = 65536
    l2_ways: int = 4
    l2_line_bytes: int = 32
    memory_bytes: int = MEMORY_BYTES
    sdram: str = AS4C16M16SA_7.name
    sdram_input_registers: int = 1
    flash: bool = True
    flash_offset: int = FLASH_IMAGE_OFFSET
    flash_clock_hz: int = 33_000_000
    baud: int = 115_200
    trace: bool = True
    debug: bool = False

    def __post_init__(self):
        if not isinstance(self.core, CoreConfig):
            raise TypeError(f"Core must be a CoreConfig, not {self.core!r}")
        for name in ("harts", "clock_hz", "timebase_hz", "memory_bytes", "flash_clock_hz", "baud"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be a positive integer, not {value!r}")
            if value <= 0:
                raise ValueError(f"{name} must be a positive integer, not {value!r}")
        for name in ("capability_unit", "capability_revocation", "capability_counters", "mailbox", "flash", "trace",
                     "debug"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, not {getattr(self, name)!r}")
        try:
            layout(self.memory_bytes)
        except ValueError as error:
            raise ValueError(f"memory_bytes: {error}") from None
        if self.harts != 1:
            raise ValueError(f"harts must be 1 in this version, not {self.harts}")
        if self.clock_hz % self.timebase_hz:
            raise ValueError(f"timebase_hz must divide the clock of {self.clock_hz} Hz, not {self.timebase_hz}")
        if not isinstance(self.flash_offset, int) or isinstance(self.flash_offset, bool):
            raise TypeError(f"flash_offset must be an integer, not {self.flash_offset!r}")
        if not 0 <= self.flash_offset < FLASH_BYTES or self.flash_offset % FLASH_ALIGNMENT:
            raise ValueError(f"flash_offset must be a multiple of {FLASH_ALIGNMENT} below {FLASH_BYTES}, not "
                             f"{self.flash_offset}")
        if not 1 <= self.uart_divisor <= UART_DIVISOR_MAX:
            raise ValueError(f"baud {self.baud} is out of reach at {self.clock_hz} Hz")
        if self.flash_divider > FLASH_DIVIDER_MAX:
            raise ValueError(f"flash_clock_hz {self.flash_clock_hz} is too slow for a clock of {self.clock_hz} Hz")
        if not isinstance(self.l2_bytes, int) or isinstance(self.l2_bytes, bool):
            raise TypeError(f"l2_bytes must be an integer, not {self.l2_bytes!r}")
        if self.l2_bytes and not L2_MIN_BYTES <= self.l2_bytes <= MAX_BYTES:
            raise ValueError(f"l2_bytes must be 0 or from {L2_MIN_BYTES} to {MAX_BYTES}, not {self.l2_bytes}")
        parts = [("Capability unit", CapabilityUnitConfig, {"lines": self.capability_lines}),
                 ("Mailbox", MailboxConfig, self.mailbox_parameters)]
        if self.l2_bytes:
            parts.append(("Second-level cache", L2Config, {"size": self.l2_bytes, "ways": self.l2_ways,
                                                           "line_bytes": self.l2_line_bytes,
                                                           "memory_bytes": self.memory_bytes}))
        for name, kind, parameters in parts:
            try:
                kind(**parameters)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{name}: {error}") from None
        self._check_sdram()
        if self.unit != "":
            check_name(self.unit)
            if self.capability_unit:
                raise ValueError("unit wants capability_unit off: the capability port holds one unit")
        if self.mailbox and not self.capability_unit:
            raise ValueError("mailbox wants capability_unit: it asks the unit about every sender")

    def _check_sdram(self):
        if not isinstance(self.sdram, str):
            raise TypeError(f"sdram must be a chip's name or empty, not {self.sdram!r}")
        if self.sdram and self.sdram not in CHIPS:
            raise ValueError(f"sdram must be empty or one of {', '.join(CHIPS)}, not {self.sdram!r}")
        if self.sdram:
            try:
                chip = self.sdram_config.chip
            except (TypeError, ValueError) as error:
                raise type(error)(f"SDRAM: {error}") from None
            if chip.size != self.memory_bytes:
                raise ValueError(f"sdram must have the {self.memory_bytes} bytes of main memory, {self.sdram} has "
                                 f"{chip.size}")

    @property
    def memory(self) -> Region:
        """Main memory on the bus."""
        return replace(region("memory"), size=self.memory_bytes)

    @property
    def layout(self) -> Layout:
        """Where an image's parts lie in main memory."""
        return layout(self.memory_bytes)

    @property
    def sdram_config(self) -> SdramConfig | None:
        """What the SDRAM controller is configured with; None without one."""
        if not self.sdram:
            return None
        return SdramConfig(chip=CHIPS[self.sdram], clock_hz=self.clock_hz, input_registers=self.sdram_input_registers)

    @property
    def uart_divisor(self) -> int:
        """Divisor latch of the UART for `baud`."""
        return round(self.clock_hz / (16 * self.baud))

    @property
    def flash_divider(self) -> int:
        """Divider of the flash controller for `flash_clock_hz`."""
        return -(-self.clock_hz // (2 * self.flash_clock_hz)) - 1

    @property
    def mailbox_parameters(self) -> dict:
        """What the mailbox is configured with."""
        return {"contexts": self.core.contexts,
                **{name: getattr(self, f"mailbox_{name}") for name in ("queues", "depth", "pages", "senders")}}

    def to_json(self) -> str:
        """One line that :meth:`from_json` reads back; also a key for caches."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "SocConfig":
        """The configuration that `text` describes, JSON or a preset's name; absent fields have their defaults."""
        try:
            fields = read_fields(text)
        except ValueError as error:
            raise ValueError(f"A configuration is a JSON object: {error}, nor is it {' or '.join(PRESETS)}") from None
        if not isinstance(fields, dict):
            raise ValueError(f"A configuration is a JSON object, not {fields!r}")
        if unknown := set(fields) - set(cls.__dataclass_fields__):
            raise ValueError(f"Unknown configuration field {min(unknown)!r}; there are "
                             f"{', '.join(cls.__dataclass_fields__)}")
        core = fields.pop("core", {})
        if not isinstance(core, dict):
            raise ValueError(f"core is a JSON object, not {core!r}")
        if unknown := set(core) - set(CoreConfig.__dataclass_fields__):
            raise ValueError(f"Unknown core field {min(unknown)!r}; there are "
                             f"{', '.join(CoreConfig.__dataclass_fields__)}")
        return cls(core=CoreConfig(**{name: _tuples(value) for name, value in core.items()}), **fields)
