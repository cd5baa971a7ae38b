"""SPI NOR flash: a window for reads, and registers for single commands."""

from amaranth import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from ..bus.bridge import Bridge
from ..bus.field import RW, External, R, Reserved
from ..bus.memory_map import MemoryBlock, MemoryMap
from ..bus.register import Field, Register, RegisterBank

__all__ = ["DIVIDER_BITS", "FlashPins", "ReadCommand", "SpiFlash"]

ADDRESS_BITS = 24
#: Clocks of the flash between the mode bits and the first data of a quad I/O read. With the two that the mode bits
#: take it is six, the reset value of all chips that have the command.
DUMMY_CLOCKS = 4
#: Mode bits of a quad I/O read: the value that no maker gives a meaning, so the next command begins with its code.
MODE_BITS = 0xff
#: Cycles with the chip deselected between two commands: 66 ns at 60 MHz, of 50 that the slowest chips want.
DESELECT_CYCLES = 4
DIVIDER_BITS = 8


class ReadCommand(enum.Enum, shape=8):
    """Codes of the reads that the window makes (common to Winbond, ISSI, Macronix, Micron, GigaDevice)."""

    READ = 0x03
    QUAD_IO_READ = 0xeb


class FlashPins(wiring.Signature):
    """Pins of the chip, seen from the controller.

    Members
    -------
    clk : Out(1)
        SPI mode 0: rests low, both sides sample while it rises.
    cs : Out(1)
        The chip is selected. Chips have it inverted.
    d_o, d_oe, d_i : Out(4), Out(4), In(4)
        Data, each line with an enable of its own. Line 0 is the chip's data in, line 1 its data out; 2 and 3 are write
        protect and hold, driven high, until a quad read uses them.
    """

    def __init__(self):
        super().__init__({"clk": Out(1), "cs": Out(1), "d_o": Out(4), "d_oe": Out(4), "d_i": In(4)})


class _Lines(enum.Enum, shape=2):
    """How the data lines are used."""

    SINGLE = 0
    QUAD_OUT = 1
    QUAD_IN = 2


class SpiFlash(wiring.Component):
    """Controller of one SPI NOR flash with 24-bit addresses.

    A read of the window starts a read command, and the chip stays selected behind it: the word at the next address is
    read ahead, so a program that copies forward pays for the data only. All other commands go byte by byte through
    registers.

    Parameters
    ----------
    window_bits : int
        Log2 of the window's bytes, 3 to 24.
    divider : int
        Reset value of the register: a flash clock takes ``2 * (divider + 1)`` cycles; 0 to 255.

    Attributes
    ----------
    window : Interface, In
        ``peripheral_signature(window_bits)``: contents of the chip from its first byte on. Whole words of 64 bits are
        read, whatever `sel`. Writes are answered with `err`, and so are reads while software has the chip selected.
    bus : Interface, In
        ``peripheral_signature(4)``: registers.
    pins : FlashPins, Out
    """

    class Control(Register, access="rw", width=32):
        """How the chip is read, and whether software talks to it."""

        def __init__(self, divider):
            super().__init__({
                "quad": Field(RW, 1, description="the window reads by quad I/O (0xeb), else by the plain read (0x03)"),
                "select": Field(RW, 1, description="the chip is selected for `transfer`; the window is closed"),
                "_0": Field(Reserved, 6),
                "divider": Field(RW, DIVIDER_BITS, init=divider,
                                 description="a clock of the flash takes 2 * (divider + 1) cycles"),
            })

    class Status(Register, access="r", width=32):
        """State of the register path."""

        busy: Field(R, 1, description="`select` has not taken effect yet, or a byte is on its way")

    class Transfer(Register, access="rw", width=32):
        """Write: send a byte, most significant bit first, and receive one. Read: the byte that came.

        Without effect while busy or not selected.
        """

        data: Field(External, 8, "rw", description="byte to send, byte received")

    def __init__(self, *, window_bits=ADDRESS_BITS, divider=0):
        if not isinstance(window_bits, int) or not 3 <= window_bits <= ADDRESS_BITS:
            raise ValueError(f"Window must have 3 to {ADDRESS_BITS} address bits, not {window_bits!r}")
        if not isinstance(divider, int) or not 0 <= divider < 1 << DIVIDER_BITS:
            raise ValueError(f"Divider must be an integer from 0 to {(1 << DIVIDER_BITS) - 1}, not {divider!r}")
        self.window_bits = window_bits
        bank = RegisterBank(addr_width=4)
        self._control = bank.add("control", self.Control(divider), offset=0x0)
        self._status = bank.add("status", self.Status(), offset=0x4)
        self._transfer = bank.add("transfer", self.Transfer(), offset=0x8)
        self._bridge = Bridge(bank)
        super().__init__({
            "window": In(wishbone.peripheral_signature(window_bits)),
            "bus": In(self._bridge.bus.signature.flip()),
            "pins": Out(FlashPins()),
        })
        self.bus.memory_map = bank.memory_map
        self.window.memory_map = MemoryMap(addr_width=window_bits)
        self.window.memory_map.add_resource(MemoryBlock(1 << window_bits, False), name="contents",
                                            size=1 << window_bits)

    def elaborate(self, platform):
        m = Module()
        m.submodules.bridge = self._bridge
        wiring.connect(m, wiring.flipped(self.bus), self._bridge.bus)
        control = self._control.f
        quad, select = Signal(), Signal()
        m.d.comb += [quad.eq(control.quad.data), select.eq(control.select.data)]

        # One clock of the flash: low first, with what is to be sent on the lines; sampled and shifted as it falls
        # again, when the chip's answer has had a whole clock.
        clocking, clk = Signal(), Signal()
        left = Signal(range(64))
        wait = Signal(DIVIDER_BITS)
        shift_out, shift_in = Signal(32), Signal(64)
        lines = Signal(_Lines)
        shifts, last = Signal(), Signal()
        m.d.comb += [shifts.eq(clocking & clk & (wait == 0)), last.eq(shifts & (left == 0))]
        with m.If(clocking):
            with m.If(wait == 0):
                m.d.sync += [clk.eq(~clk), wait.eq(control.divider.data)]
            with m.Else():
                m.d.sync += wait.eq(wait - 1)
        with m.If(shifts):
            m.d.sync += left.eq(left - 1)
            with m.If(lines == _Lines.SINGLE):
                m.d.sync += [shift_out.eq(Cat(C(0, 1), shift_out)), shift_in.eq(Cat(self.pins.d_i[1], shift_in))]
            with m.Else():
                m.d.sync += [shift_out.eq(Cat(C(0, 4), shift_out)), shift_in.eq(Cat(self.pins.d_i, shift_in))]

        def begin(clocks, way, out=None):
            """Statements that start `clocks` clocks with the next cycle."""
            statements = [clocking.eq(1), clk.eq(0), wait.eq(control.divider.data), left.eq(clocks - 1), lines.eq(way)]
            return statements + ([] if out is None else [shift_out.eq(out)])

        chip_select = Signal()
        pins = self.pins
        single = lines == _Lines.SINGLE
        m.d.comb += [
            pins.clk.eq(clk),
            pins.cs.eq(chip_select),
            pins.d_o.eq(Mux(single, Cat(shift_out[-1], C(0b110, 3)), shift_out[-4:])),
            pins.d_oe.eq(Mux(single, 0b1101, (lines == _Lines.QUAD_OUT).replicate(4))),
        ]

        window = self.window
        asked, read, wanted = Signal(), Signal(), Signal()
        #: Word that is in the shift register, or on its way there.
        address = Signal(self.window_bits - 3)
        m.d.comb += [
            asked.eq(window.cyc & window.stb & ~window.ack & ~window.err),
            read.eq(asked & ~window.we),
            wanted.eq(window.adr == address),
            # The first byte that came is in the highest bits.
            window.dat_r.eq(Cat(shift_in[8 * byte:8 * byte + 8] for byte in reversed(range(8)))),
        ]
        ack = Signal()
        m.d.sync += [window.ack.eq(ack), window.err.eq(asked & (window.we | select))]

        transfer = self._transfer.f.data.bus
        ready, rest = Signal(), Signal(range(DESELECT_CYCLES))
        m.d.comb += [
            transfer.r_data.eq(shift_in[:8]),
            self._status.f.busy.r_data.eq((ready != select) | clocking),
        ]

        def release():
            m.d.sync += [chip_select.eq(0), clocking.eq(0), clk.eq(0), lines.eq(_Lines.SINGLE),
                         rest.eq(DESELECT_CYCLES - 1)]
            m.next = "deselected"

        # Nobody waits for the word that is read ahead if something else is asked for. A command goes on as it began.
        leave, by_quad = Signal(), Signal()
        m.d.comb += leave.eq(select | (read & ~wanted) | (quad != by_quad))
        code = Cat(C(0, 24), Mux(quad, ReadCommand.QUAD_IO_READ, ReadCommand.READ))
        place = Signal(ADDRESS_BITS)
        m.d.comb += place.eq(Cat(C(0, 3), address))
        with m.FSM(name="flash"):
            with m.State("idle"):
                with m.If(select):
                    m.d.sync += chip_select.eq(1)
                    m.next = "software"
                with m.Elif(read):
                    m.d.sync += [chip_select.eq(1), address.eq(window.adr), by_quad.eq(quad),
                                 *begin(8, _Lines.SINGLE, code)]
                    m.next = "code"
            with m.State("code"):
                with m.If(last):
                    m.d.sync += begin(Mux(by_quad, 8, 24), Mux(by_quad, _Lines.QUAD_OUT, _Lines.SINGLE),
                                      Cat(C(MODE_BITS, 8), place))
                    m.next = "address"
            with m.State("address"):
                with m.If(last):
                    with m.If(by_quad):
                        m.d.sync += begin(DUMMY_CLOCKS, _Lines.QUAD_IN)
                        m.next = "turn"
                    with m.Else():
                        m.d.sync += begin(64, _Lines.SINGLE)
                        m.next = "data"
            with m.State("turn"):
                with m.If(last):
                    m.d.sync += begin(16, _Lines.QUAD_IN)
                    m.next = "data"
            with m.State("data"):
                with m.If(leave):
                    release()
                with m.Elif(last):
                    m.d.sync += clocking.eq(0)
                    m.next = "word"
            with m.State("word"):
                with m.If(leave):
                    release()
                with m.Elif(read):
                    # The word stays on the bus for the next cycle; the first shift comes behind it.
                    m.d.comb += ack.eq(1)
                    m.d.sync += [address.eq(address + 1), *begin(Mux(by_quad, 16, 64), lines)]
                    m.next = "data"
            with m.State("deselected"):
                m.d.sync += rest.eq(rest - 1)
                with m.If(rest == 0):
                    m.next = "idle"
            with m.State("software"):
                m.d.comb += ready.eq(1)
                with m.If(last):
                    m.d.sync += clocking.eq(0)
                with m.If(~clocking):
                    with m.If(~select):
                        release()
                    with m.Elif(transfer.w_stb & transfer.w_mask.all()):
                        m.d.sync += begin(8, _Lines.SINGLE, Cat(C(0, 24), transfer.w_data))
        return m
