"""UART, register-compatible with the TI PC16550D as QEMU `virt` has it: byte-wide registers at offsets 0 to 7."""

from amaranth import *
from amaranth.lib import enum, fifo, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..bus.bridge import Bridge
from ..bus.field import RW, R, Reserved, W
from ..bus.register import Field, Register, RegisterBank
from .uart_serial import OVERSAMPLING, LineErrors, LineFormat

__all__ = ["DIVISOR_RESET", "Uart", "UartLineSignature"]

FIFO_DEPTH = 16
#: A character stands in the receive FIFO unread for this many characters of ten bits: tell software.
TIMEOUT_BITS = 4 * 10
#: After reset, as in QEMU: 9600 baud of the classic 1.8432 MHz clock.
DIVISOR_RESET = 12


class Interrupt(enum.Enum, shape=3):
    """What the interrupt is about, most urgent last but MODEM_STATUS (PC16550D table IV)."""

    MODEM_STATUS = 0b000
    TRANSMITTER_EMPTY = 0b001
    RECEIVED_DATA = 0b010
    LINE_STATUS = 0b011
    CHARACTER_TIMEOUT = 0b110


class Trigger(enum.Enum, shape=2):
    """Characters in the receive FIFO that make an interrupt."""

    ONE = 0
    FOUR = 1
    EIGHT = 2
    FOURTEEN = 3


class UartLineSignature(wiring.Signature):
    """What a UART and the serial line behind it tell each other besides characters; see :class:`Uart`.

    Members
    -------
    divisor, format : Out
    busy, errors : In
    """

    def __init__(self):
        super().__init__({"divisor": Out(16), "format": Out(LineFormat), "busy": In(1), "errors": In(LineErrors)})


class Uart(wiring.Component):
    """Registers, FIFOs and interrupts; the line is a pair of byte streams.

    A simulation takes the streams as they are, a character a cycle; a board puts
    :class:`~hw.peripherals.uart_serial.UartSerial` behind them.

    Attributes
    ----------
    bus : Interface, In
        ``peripheral_signature(3)``: 8 bytes.
    irq : Out(1)
        Level, high while an enabled interrupt is pending.
    tx : stream of 8 bits, Out
        Characters that software sends.
    rx : stream of 8 bits, In
        Characters for software; waits when the FIFO is full.
    errors : LineErrors, In
        With each character of `rx`; zero where the line makes no errors.
    busy : In(1)
        The line still sends.
    divisor : Out(16)
    format : LineFormat, Out
        What software set for the line.
    """

    class ReceiverBuffer(Register, access="r", width=8):
        """Next received character (DLAB=0)."""

        data: Field(R, 8)

    class TransmitterHolding(Register, access="w", width=8):
        """Character to send (DLAB=0)."""

        data: Field(W, 8)

    class DivisorLow(Register, access="rw", width=8):
        """Divisor latch, low byte (DLAB=1)."""

        value: Field(RW, 8, init=DIVISOR_RESET)

    class DivisorHigh(Register, access="rw", width=8):
        """Divisor latch, high byte (DLAB=1)."""

        value: Field(RW, 8)

    class InterruptEnable(Register, access="rw", width=8):
        """Which events interrupt (DLAB=0)."""

        received_data: Field(RW, 1)
        transmitter_empty: Field(RW, 1)
        line_status: Field(RW, 1)
        modem_status: Field(RW, 1, description="kept, but modem lines never change")

    class InterruptIdentification(Register, access="r", width=8):
        """The most urgent pending interrupt; reading clears "transmitter empty" if that is it."""

        none: Field(R, 1, description="nothing pending")
        cause: Field(R, Interrupt)
        _0: Field(Reserved, 2)
        fifos: Field(R, 2, description="3: FIFOs are on")

    class FifoControl(Register, access="w", width=8):
        """Switches and clears the FIFOs."""

        enable: Field(W, 1)
        clear_receiver: Field(W, 1)
        clear_transmitter: Field(W, 1)
        dma_mode: Field(W, 1, description="no effect")
        _0: Field(Reserved, 2)
        trigger: Field(W, Trigger, description="characters that make an interrupt: 1, 4, 8, 14")

    class LineControl(Register, access="rw", width=8):
        """Format on the line, and which registers are at offsets 0 and 1."""

        format: Field(RW, LineFormat)
        divisor_latch: Field(RW, 1, description="DLAB")

    class ModemControl(Register, access="rw", width=8):
        """Modem outputs, and loop back."""

        data_terminal_ready: Field(RW, 1)
        request_to_send: Field(RW, 1)
        out_1: Field(RW, 1)
        out_2: Field(RW, 1, init=1)
        loop: Field(RW, 1, description="connect transmitter to receiver")

    class LineStatus(Register, access="r", width=8):
        """State of both directions; reading clears the error bits."""

        data_ready: Field(R, 1)
        overrun: Field(R, 1)
        parity_error: Field(R, 1)
        framing_error: Field(R, 1)
        broken: Field(R, 1, description="break received")
        holding_empty: Field(R, 1, description="THRE: no character waits")
        transmitter_empty: Field(R, 1, description="TEMT: and none is on the line")
        fifo_error: Field(R, 1, description="a character in the FIFO has an error")

    class ModemStatus(Register, access="r", width=8):
        """Modem inputs: all there and ready, or the outputs in loop back."""

        changes: Field(R, 4)
        clear_to_send: Field(R, 1)
        data_set_ready: Field(R, 1)
        ring: Field(R, 1)
        carrier: Field(R, 1)

    class Scratch(Register, access="rw", width=8):
        """Keeps a byte."""

        value: Field(RW, 8)

    def __init__(self):
        bank = RegisterBank(addr_width=3)
        self._lcr = self.LineControl()
        latch = self._lcr.f.divisor_latch.data
        self._rbr = bank.add("rbr", self.ReceiverBuffer(), offset=0)
        self._thr = bank.add_alternate("thr", self.TransmitterHolding(), of=self._rbr)
        self._dll = bank.add_alternate("dll", self.DivisorLow(), of=self._rbr, when=latch)
        self._ier = bank.add("ier", self.InterruptEnable(), offset=1)
        self._dlm = bank.add_alternate("dlm", self.DivisorHigh(), of=self._ier, when=latch)
        self._iir = bank.add("iir", self.InterruptIdentification(), offset=2)
        self._fcr = bank.add_alternate("fcr", self.FifoControl(), of=self._iir)
        bank.add("lcr", self._lcr, offset=3)
        self._mcr = bank.add("mcr", self.ModemControl(), offset=4)
        self._lsr = bank.add("lsr", self.LineStatus(), offset=5)
        self._msr = bank.add("msr", self.ModemStatus(), offset=6)
        bank.add("scr", self.Scratch(), offset=7)
        self._bridge = Bridge(bank)
        super().__init__({
            "bus": In(self._bridge.bus.signature.flip()),
            "irq": Out(1),
            "tx": Out(stream.Signature(8)),
            "rx": In(stream.Signature(8)),
            "errors": In(LineErrors),
            "busy": In(1),
            "divisor": Out(16),
            "format": Out(LineFormat),
        })
        self.bus.memory_map = bank.memory_map

    def elaborate(self, platform):
        m = Module()
        m.submodules.bridge = self._bridge
        wiring.connect(m, wiring.flipped(self.bus), self._bridge.bus)
        m.d.comb += [
            self.divisor.eq(Cat(self._dll.f.value.data, self._dlm.f.value.data)),
            self.format.eq(self._lcr.f.format.data),
        ]

        # FIFO control: a change of the enable bit clears both.
        fcr = self._fcr.f
        enabled, trigger = Signal(), Signal(Trigger)
        clear_rx, clear_tx = Signal(), Signal()
        with m.If(fcr.enable.w_stb):
            switched = fcr.enable.w_data != enabled
            m.d.sync += [enabled.eq(fcr.enable.w_data), trigger.eq(fcr.trigger.w_data)]
            m.d.comb += [
                clear_rx.eq(fcr.clear_receiver.w_data | switched),
                clear_tx.eq(fcr.clear_transmitter.w_data | switched),
            ]
        tx_fifo = fifo.SyncFIFO(width=8, depth=FIFO_DEPTH)
        #: Each character travels with its errors.
        rx_fifo = fifo.SyncFIFO(width=11, depth=FIFO_DEPTH)
        m.submodules.tx_fifo = ResetInserter(clear_tx)(tx_fifo)
        m.submodules.rx_fifo = ResetInserter(clear_rx)(rx_fifo)

        # Line side. In loop back the transmitter feeds the receiver and the line rests. Nothing waits there: what
        # finds no room is lost, or takes the place of the one character that there is without FIFOs.
        loop = self._mcr.f.loop.data
        space, overrun, replace = Signal(), Signal(), Signal()
        errors = Cat(self.errors.parity, self.errors.framing, self.errors.broken)
        m.d.comb += [
            tx_fifo.w_data.eq(self._thr.f.data.w_data),
            tx_fifo.w_en.eq(self._thr.f.data.w_stb),
            tx_fifo.r_en.eq(loop | self.tx.ready),
            self.tx.payload.eq(tx_fifo.r_data),
            self.tx.valid.eq(tx_fifo.r_rdy & ~loop),
            # Without FIFOs there is room for one character.
            space.eq(Mux(enabled, rx_fifo.w_rdy, ~rx_fifo.r_rdy)),
            rx_fifo.w_data.eq(Mux(loop, tx_fifo.r_data, Cat(self.rx.payload, errors))),
            overrun.eq(Mux(loop, tx_fifo.r_rdy & ~space, self.errors.overrun)),
            replace.eq(loop & overrun & ~enabled),
            rx_fifo.w_en.eq((Mux(loop, tx_fifo.r_rdy, self.rx.valid) & space) | replace),
            self.rx.ready.eq(space & ~loop),
            rx_fifo.r_en.eq(self._rbr.f.data.r_stb | replace),
            self._rbr.f.data.r_data.eq(Mux(rx_fifo.r_rdy, rx_fifo.r_data[:8], 0)),
        ]

        line_error = self._line_status(m, tx_fifo, rx_fifo, overrun, enabled, clear_rx)
        timeout = self._character_timeout(m, rx_fifo, enabled, clear_rx)
        full_enough = Array([1, 4, 8, 14])[trigger.as_value()] <= rx_fifo.level
        received = rx_fifo.r_rdy & (~enabled | full_enough)
        self._interrupt(m, tx_fifo, clear_tx, line_error, timeout, received)
        m.d.comb += self._iir.f.fifos.r_data.eq(enabled.replicate(2))

        modem, control = self._msr.f, self._mcr.f
        m.d.comb += [
            modem.clear_to_send.r_data.eq(Mux(loop, control.request_to_send.data, 1)),
            modem.data_set_ready.r_data.eq(Mux(loop, control.data_terminal_ready.data, 1)),
            modem.ring.r_data.eq(Mux(loop, control.out_1.data, 0)),
            modem.carrier.r_data.eq(Mux(loop, control.out_2.data, 1)),
        ]
        return m

    def _line_status(self, m, tx_fifo, rx_fifo, lost, enabled, clear_rx):
        """LSR. Returns whether an error stands in it."""
        status = self._lsr.f
        overrun, latched = Signal(), Signal(3)
        with m.If(status.overrun.r_stb):
            m.d.sync += [overrun.eq(0), latched.eq(0)]
        with m.If(lost):
            m.d.sync += overrun.eq(1)
        # The errors of a character show when it comes to the top of the FIFO.
        fresh = Signal(init=1)
        top_errors = rx_fifo.r_data[8:]
        with m.If(rx_fifo.r_rdy & fresh):
            m.d.sync += [latched.eq(Mux(status.overrun.r_stb, 0, latched) | top_errors), fresh.eq(0)]
        with m.If(rx_fifo.r_en | clear_rx):
            m.d.sync += fresh.eq(1)
        # How many characters in the FIFO have errors.
        bad = Signal(range(FIFO_DEPTH + 1))
        comes = rx_fifo.w_en & rx_fifo.w_rdy & rx_fifo.w_data[8:].any()
        goes = rx_fifo.r_en & rx_fifo.r_rdy & top_errors.any()
        m.d.sync += bad.eq(Mux(clear_rx, 0, bad + comes - goes))
        m.d.comb += [
            status.data_ready.r_data.eq(rx_fifo.r_rdy),
            status.overrun.r_data.eq(overrun),
            Cat(status.parity_error.r_data, status.framing_error.r_data, status.broken.r_data).eq(latched),
            status.holding_empty.r_data.eq(~tx_fifo.r_rdy),
            status.transmitter_empty.r_data.eq(~tx_fifo.r_rdy & ~self.busy),
            status.fifo_error.r_data.eq(enabled & (bad != 0)),
        ]
        return overrun | latched.any()

    def _character_timeout(self, m, rx_fifo, enabled, clear_rx):
        """High while characters wait in the FIFO and none has come or gone for four character times."""
        timeout = Signal()
        clocks = Signal(16 + exact_log2(OVERSAMPLING))
        bits = Signal(range(TIMEOUT_BITS))
        with m.If(rx_fifo.w_en | rx_fifo.r_en | clear_rx | ~rx_fifo.r_rdy | ~enabled):
            m.d.sync += [clocks.eq(0), bits.eq(0)]
            with m.If(rx_fifo.r_en | clear_rx | ~enabled):
                m.d.sync += timeout.eq(0)
        with m.Elif(clocks + 1 >= self.divisor * OVERSAMPLING):
            m.d.sync += clocks.eq(0)
            with m.If(bits == TIMEOUT_BITS - 1):
                m.d.sync += timeout.eq(1)
            with m.Else():
                m.d.sync += bits.eq(bits + 1)
        with m.Else():
            m.d.sync += clocks.eq(clocks + 1)
        return timeout

    def _interrupt(self, m, tx_fifo, clear_tx, line_error, timeout, received):
        """IIR and the interrupt line."""
        enable, identification = self._ier.f, self._iir.f
        cause = Signal(Interrupt)
        transmitter_empty = Signal()
        with m.If(enable.line_status.data & line_error):
            m.d.comb += [cause.eq(Interrupt.LINE_STATUS), self.irq.eq(1)]
        with m.Elif(enable.received_data.data & timeout):
            m.d.comb += [cause.eq(Interrupt.CHARACTER_TIMEOUT), self.irq.eq(1)]
        with m.Elif(enable.received_data.data & received):
            m.d.comb += [cause.eq(Interrupt.RECEIVED_DATA), self.irq.eq(1)]
        with m.Elif(enable.transmitter_empty.data & transmitter_empty):
            m.d.comb += [cause.eq(Interrupt.TRANSMITTER_EMPTY), self.irq.eq(1)]
        m.d.comb += [identification.none.r_data.eq(~self.irq), identification.cause.r_data.eq(cause)]

        # "Transmitter empty" is an event: it comes when the FIFO runs empty or when software enables it while the
        # FIFO is empty (as on QEMU, and what drivers rely on), and goes with a read of IIR that names it or a write.
        was_enabled, was_waiting = Signal(), Signal()
        m.d.sync += [was_enabled.eq(enable.transmitter_empty.data), was_waiting.eq(tx_fifo.r_rdy)]
        with m.If(enable.transmitter_empty.data != was_enabled):
            m.d.sync += transmitter_empty.eq(~was_enabled & ~tx_fifo.r_rdy)
        with m.If(identification.cause.r_stb & (cause == Interrupt.TRANSMITTER_EMPTY)):
            m.d.sync += transmitter_empty.eq(0)
        with m.If(was_waiting & ~tx_fifo.r_rdy):
            m.d.sync += transmitter_empty.eq(1)
        with m.If(self._thr.f.data.w_stb):
            m.d.sync += transmitter_empty.eq(0)
        with m.If(clear_tx):
            m.d.sync += transmitter_empty.eq(1)
