"""Pads of a board: serial line, LEDs, buttons, and the SDRAM's with their registers."""

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer

from hw.peripherals.uart_serial import UartSerial

from .board import Board, Pin, Sdram

__all__ = ["SDRAM_REGISTERS", "PadRules", "TimedInput", "button", "find_pin", "flash_pads", "led", "pad_rules",
           "sdram_clock", "sdram_pads", "serial_line"]

#: Clock edges between the controller's registers and `dq_i` besides those of the chip: a register in each output pad
#: and one in each input pad, less the one that the chip gains as its clock comes a part of a period after the
#: system's and not a whole one.
SDRAM_REGISTERS = 1


def find_pin(platform, pin: Pin):
    """The port of `pin`; of a resource with parts it may be asked for any number of them."""
    requested = platform.__dict__.setdefault("_veridian_requested", {})
    key = pin.resource, pin.number
    if key not in requested:
        requested[key] = platform.request(*key, dir="-")
    return getattr(requested[key], pin.part) if pin.part else requested[key]


def led(m: Module, platform, pin: Pin | None, value) -> None:
    """Light an LED while `value`; none without a pin."""
    if pin is not None:
        m.submodules += (buffer := io.Buffer("o", find_pin(platform, pin)))
        m.d.comb += buffer.o.eq(value)


def button(m: Module, platform, pin: Pin | None, domain: str) -> Signal:
    """High while the button is pressed, in `domain`; never without a pin."""
    pressed = Signal()
    if pin is not None:
        m.submodules += (buffer := io.Buffer("i", find_pin(platform, pin)))
        m.submodules[f"{pin.resource}_{pin.number}"] = FFSynchronizer(buffer.i, pressed, o_domain=domain)
    return pressed


def serial_line(m: Module, platform, pin: Pin, **connections) -> UartSerial:
    """Serial line at the resource `pin`."""
    port = find_pin(platform, pin)
    m.submodules.serial = serial = UartSerial()
    m.submodules.serial_rx = rx = io.Buffer("i", port.rx)
    m.submodules.serial_tx = tx = io.Buffer("o", port.tx)
    m.d.comb += [serial.rx_line.eq(rx.i), tx.o.eq(serial.tx_line)]
    return serial


def flash_pads(m: Module, platform, pin: Pin, pins) -> None:
    """The SPI flash that an ECP5 is configured from. Its clock has no pin of its own: it leaves by USRMCLK, whose
    enable must be a signal and no constant (FPGA-TN-02039, "USRMCLK"); nobody drives it while the system is in reset.

    Parameters
    ----------
    pins : interface of :class:`hw.peripherals.spi_flash.FlashPins`
        Of the controller.
    """
    port = find_pin(platform, pin)
    m.submodules.flash_clk = Instance("USRMCLK", i_USRMCLKI=pins.clk, i_USRMCLKTS=ResetSignal("sync"))
    m.submodules.flash_cs = select = io.Buffer("o", port.cs)
    m.d.comb += select.o.eq(pins.cs)
    pads = list(port.dq.io) if hasattr(port, "dq") else [pad.io for pad in (port.copi, port.cipo, port.wp, port.hold)]
    for line, pad in enumerate(pads):
        # Whatever the platform says of its direction and level: in a quad read all lines are data.
        m.submodules[f"flash_d{line}"] = buffer = io.Buffer("io", io.SingleEndedPort(pad))
        m.d.comb += [
            buffer.o.eq(pins.d_o[line]), buffer.oe.eq(pins.d_oe[line]), pins.d_i[line].eq(buffer.i)]


def sdram_clock(m: Module, platform, domain: str) -> None:
    """The clock of `domain` to the SDRAM chip: out of an output register too, so that its way out is as long as the
    others'."""
    m.submodules.sdram_clk = clock = io.DDRBuffer("o", find_pin(platform, Pin("sdram")).clk, o_domain=domain)
    m.d.comb += [clock.o[0].eq(1), clock.o[1].eq(0)]


def sdram_pads(m: Module, platform, pins) -> None:
    """SDRAM chip at the resource `sdram`: registers of the domain `sync` in all pads but the clock's.

    Parameters
    ----------
    pins : interface of :class:`hw.memory.sdram.SdramPins`
        Of the controller.
    """
    port = find_pin(platform, Pin("sdram"))

    def register(name, pads, value):
        m.submodules[f"sdram_{name}"] = buffer = io.FFBuffer("o", pads)
        m.d.comb += buffer.o.eq(value)

    command = pins.command.as_value()
    # The enumeration has the levels of RAS#, CAS#, WE#; the pads are inverted, so they take assertions.
    for name, bit in (("ras", 2), ("cas", 1), ("we", 0)):
        register(name, getattr(port, name), ~command[bit])
    register("ba", port.ba, pins.bank)
    register("a", port.a, pins.address)
    register("dqm", port.dqm, pins.dqm)
    for name in ("clk_en", "cs"):
        if hasattr(port, name):
            register(name, getattr(port, name), 1)
    m.submodules.sdram_dq = data = io.FFBuffer("io", port.dq)
    m.d.comb += [data.o.eq(pins.dq_o), data.oe.eq(pins.dq_oe), pins.dq_i.eq(data.i)]


@dataclass(frozen=True)
class TimedInput:
    """Inputs that need no synchroniser, as their sender has its clock from us.

    Attributes
    ----------
    pads : str
        The names of their ports begin so.
    in_pad : bool
        The way to the first register counts, so that is in the pad.
    why : str
    """

    pads: str
    in_pad: bool
    why: str


@dataclass(frozen=True)
class PadRules:
    """What a board asks of registers at its pads (docs/datasheet/clocks-and-resets.md).

    Attributes
    ----------
    timed : tuple of TimedInput
    steady : tuple of str
        Outputs that others act on at an edge or a level: the names of their ports begin so.
    """

    timed: tuple[TimedInput, ...] = ()
    steady: tuple[str, ...] = ()

    def timed_by(self, pad: str) -> TimedInput | None:
        """What times the input `pad`; None for one that comes when it likes."""
        return next((timed for timed in self.timed if pad.startswith(timed.pads)), None)

    def is_steady(self, pad: str) -> bool:
        """Whether the output `pad` must be free of glitches."""
        return pad.startswith(self.steady)


def pad_rules(board: Board) -> PadRules:
    """The rules for the pads of `board`, by the names that Amaranth gives to ports."""
    def prefix(pin: Pin, part: str = "") -> str:
        return f"{pin.resource}_{pin.number}__{part}"
    timed, steady = [], [prefix(board.uart, "tx")]
    if isinstance(board.memory, Sdram):
        timed.append(TimedInput(prefix(Pin("sdram"), "dq"), True, "the chip's clock is ours, later by its phase"))
        steady.append(prefix(Pin("sdram")))
    if board.flash is not None:
        why = "the flash answers to the clock that the controller makes"
        timed += [TimedInput(prefix(board.flash, part), False, why) for part in ("dq", "copi", "cipo", "wp", "hold")]
        steady += [prefix(board.flash, "cs"), "flash_clk"]
    return PadRules(tuple(timed), tuple(steady))
