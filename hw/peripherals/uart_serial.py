"""Serial line of the UART for boards: characters to bits and back."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["LineFormat", "LineErrors", "UartSerial"]

#: Ticks of the divided clock in a bit (TI PC16550D, section 6.0).
OVERSAMPLING = 16


class LineFormat(data.Struct):
    """Shape of a character on the line: the low seven bits of the line control register."""

    #: Data bits, less five.
    word_length: 2
    #: Two stop bits (one and a half with five data bits).
    long_stop: 1
    parity: 1
    even_parity: 1
    #: The parity bit is constant: the inverse of `even_parity`.
    stick_parity: 1
    #: Hold the line low.
    set_break: 1


class LineErrors(data.Struct):
    """What was wrong with a character that came in. `overrun` is a strobe by itself."""

    overrun: 1
    parity: 1
    framing: 1
    broken: 1


class UartSerial(wiring.Component):
    """Transmitter and receiver at ``clock / (16 * divisor)`` baud.

    Attributes
    ----------
    tx : stream of 8 bits, In
        Characters to send.
    rx : stream of 8 bits, Out
        Characters that came in; held until taken. One that ends meanwhile is lost (`errors.overrun`).
    divisor : In(16)
        0 stops both.
    format : LineFormat, In
    busy : Out(1)
        A character is on its way out.
    errors : LineErrors, Out
        Of the character in `rx`; `overrun` for one cycle.
    tx_line, rx_line : Out(1), In(1)
        Pins; `rx_line` may be asynchronous.
    """

    tx: In(stream.Signature(8))
    rx: Out(stream.Signature(8))
    divisor: In(16)
    format: In(LineFormat)
    busy: Out(1)
    errors: Out(LineErrors)
    tx_line: Out(1, init=1)
    rx_line: In(1, init=1)

    def elaborate(self, platform):
        m = Module()
        tick = Signal()
        count = Signal(16)
        with m.If(count + 1 >= self.divisor):
            m.d.sync += count.eq(0)
            m.d.comb += tick.eq(self.divisor != 0)
        with m.Else():
            m.d.sync += count.eq(count + 1)
        self._transmitter(m, tick)
        self._receiver(m, tick)
        return m

    def _data_bits(self):
        return self.format.word_length + 5

    def _missing_bits(self):
        """How many fewer than eight: three less `word_length`."""
        return ~self.format.word_length

    def _parity_of(self, character):
        """The parity bit that belongs to a character whose unused bits are zero (PC16550D table II, LCR)."""
        odd = character.xor()
        return Mux(self.format.stick_parity, ~self.format.even_parity, odd ^ ~self.format.even_parity)

    def _masked(self, character):
        return character & (0xff >> self._missing_bits())

    def _transmitter(self, m, tick):
        shift = Signal(8)
        parity = Signal()
        left = Signal(range(10))
        phase = Signal(range(2 * OVERSAMPLING))
        stop_ticks = Mux(self.format.long_stop,
                         Mux(self.format.word_length == 0, OVERSAMPLING * 3 // 2, 2 * OVERSAMPLING), OVERSAMPLING)
        line = Signal(init=1)
        m.d.sync += self.tx_line.eq(line & ~self.format.set_break)
        end = Signal()
        m.d.comb += end.eq(tick & (phase == 0))
        with m.If(tick & (phase != 0)):
            m.d.sync += phase.eq(phase - 1)
        m.d.comb += self.busy.eq(1)
        with m.FSM(name="transmit"):
            with m.State("idle"):
                m.d.comb += [self.tx.ready.eq(1), self.busy.eq(0)]
                with m.If(self.tx.valid):
                    m.d.sync += [
                        shift.eq(self.tx.payload),
                        parity.eq(self._parity_of(self._masked(self.tx.payload))),
                        left.eq(self._data_bits()),
                        phase.eq(0),
                    ]
                    m.next = "start"
            with m.State("start"):
                with m.If(end):
                    m.d.sync += [line.eq(0), phase.eq(OVERSAMPLING - 1)]
                    m.next = "data"
            with m.State("data"):
                with m.If(end):
                    m.d.sync += phase.eq(OVERSAMPLING - 1)
                    with m.If(left != 0):
                        m.d.sync += [line.eq(shift[0]), shift.eq(shift >> 1), left.eq(left - 1)]
                    with m.Elif(self.format.parity):
                        m.d.sync += line.eq(parity)
                        m.next = "stop"
                    with m.Else():
                        m.d.sync += [line.eq(1), phase.eq(stop_ticks - 1)]
                        m.next = "wait"
            with m.State("stop"):
                with m.If(end):
                    m.d.sync += [line.eq(1), phase.eq(stop_ticks - 1)]
                    m.next = "wait"
            with m.State("wait"):
                with m.If(end):
                    m.next = "idle"

    def _receiver(self, m, tick):
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx_line, line, init=1)
        shift = Signal(8)
        left = Signal(range(10))
        phase = Signal(range(OVERSAMPLING))
        wrong_parity, all_low = Signal(), Signal()
        sample = Signal()
        m.d.comb += sample.eq(tick & (phase == 0))
        with m.If(tick):
            m.d.sync += phase.eq(phase - 1)
        m.d.sync += self.errors.overrun.eq(0)
        with m.If(self.rx.valid & self.rx.ready):
            m.d.sync += self.rx.valid.eq(0)
        with m.FSM(name="receive"):
            with m.State("idle"):
                m.d.sync += [phase.eq(OVERSAMPLING // 2 - 1), shift.eq(0), left.eq(self._data_bits())]
                with m.If(~line):
                    m.next = "start"
            with m.State("start"):
                with m.If(sample):
                    m.d.sync += [wrong_parity.eq(0), all_low.eq(1)]
                    # A glitch is no start bit.
                    with m.If(line):
                        m.next = "idle"
                    with m.Else():
                        m.next = "data"
            with m.State("data"):
                with m.If(sample):
                    m.d.sync += [shift.eq(Cat(shift[1:], line)), left.eq(left - 1), all_low.eq(all_low & ~line)]
                    with m.If(left == 1):
                        with m.If(self.format.parity):
                            m.next = "parity"
                        with m.Else():
                            m.next = "stop"
            with m.State("parity"):
                with m.If(sample):
                    character = shift >> self._missing_bits()
                    m.d.sync += [
                        wrong_parity.eq(line != self._parity_of(character)),
                        all_low.eq(all_low & ~line),
                    ]
                    m.next = "stop"
            with m.State("stop"):
                with m.If(sample):
                    with m.If(self.rx.valid & ~self.rx.ready):
                        m.d.sync += self.errors.overrun.eq(1)
                    with m.Else():
                        m.d.sync += [
                            self.rx.valid.eq(1),
                            self.rx.payload.eq(shift >> self._missing_bits()),
                            self.errors.parity.eq(wrong_parity),
                            self.errors.framing.eq(~line),
                            self.errors.broken.eq(~line & all_low),
                        ]
                    m.next = "high"
            with m.State("high"):
                # After a framing error or a break, wait for the line to rest.
                with m.If(line):
                    m.next = "idle"
