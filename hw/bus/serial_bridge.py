"""Wishbone initiator that a byte stream drives: the bus of a design without a processor, reached over a serial line.

A request is a command byte, a byte address (four bytes, a multiple of 8) and, for a write, eight bytes of data; numbers
are little-endian. The answer is a status byte and, for a read that went well, eight bytes of data. One request is
served at a time; the host waits for the answer.
"""

from amaranth import *
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from . import wishbone

__all__ = ["ADDRESS_BYTES", "DATA_BYTES", "Command", "SerialBridge", "Status"]

ADDRESS_BYTES = 4
DATA_BYTES = 8


class Command(enum.Enum, shape=8):
    """First byte of a request. Anything else is answered with `UNKNOWN` at once."""

    READ = ord("R")
    WRITE = ord("W")


class Status(enum.Enum, shape=8):
    """First byte of an answer."""

    OK = ord("K")
    #: The bus has no such address, or refused.
    BUS_ERROR = ord("E")
    UNKNOWN = ord("?")


class SerialBridge(wiring.Component):
    """The bridge.

    Parameters
    ----------
    patience : int
        Cycles of silence after which a request that is not whole is forgotten, so that a host can always begin anew.

    Attributes
    ----------
    rx, tx : streams of bytes
        Requests in, answers out.
    bus : Out(wishbone)
        Classic cycles of whole words.
    """

    rx: In(stream.Signature(8))
    tx: Out(stream.Signature(8))
    bus: Out(wishbone.system_signature(burst=False))

    def __init__(self, patience: int = 1 << 16):
        if not isinstance(patience, int) or isinstance(patience, bool) or patience < 1:
            raise ValueError(f"patience must be a positive integer, not {patience!r}")
        self._patience = patience
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        command, status = Signal(Command, init=Command.READ), Signal(Status, init=Status.OK)
        address, data = Signal(8 * ADDRESS_BYTES), Signal(8 * DATA_BYTES)
        left = Signal(range(DATA_BYTES + 1))
        silence = Signal(range(self._patience + 1))
        m.d.comb += [bus.adr.eq(address[3:]), bus.dat_w.eq(data), bus.sel.eq(~0), bus.we.eq(command == Command.WRITE)]
        with m.FSM():
            with m.State("command"):
                m.d.comb += self.rx.ready.eq(1)
                m.d.sync += [silence.eq(0), left.eq(ADDRESS_BYTES), command.as_value().eq(self.rx.payload)]
                with m.If(self.rx.valid):
                    with m.If((self.rx.payload == Command.READ.value) | (self.rx.payload == Command.WRITE.value)):
                        m.next = "address"
                    with m.Else():
                        m.d.sync += status.eq(Status.UNKNOWN)
                        m.next = "status"
            with m.State("address"):
                m.d.comb += self.rx.ready.eq(1)
                with m.If(self.rx.valid):
                    m.d.sync += [address.eq(Cat(address[8:], self.rx.payload)), left.eq(left - 1), silence.eq(0)]
                    with m.If(left == 1):
                        m.d.sync += left.eq(DATA_BYTES)
                        with m.If(command == Command.WRITE):
                            m.next = "data"
                        with m.Else():
                            m.next = "access"
                with m.Else():
                    m.d.sync += silence.eq(silence + 1)
                    with m.If(silence == self._patience):
                        m.next = "command"
            with m.State("data"):
                m.d.comb += self.rx.ready.eq(1)
                with m.If(self.rx.valid):
                    m.d.sync += [data.eq(Cat(data[8:], self.rx.payload)), left.eq(left - 1), silence.eq(0)]
                    with m.If(left == 1):
                        m.next = "access"
                with m.Else():
                    m.d.sync += silence.eq(silence + 1)
                    with m.If(silence == self._patience):
                        m.next = "command"
            with m.State("access"):
                m.d.comb += [bus.cyc.eq(1), bus.stb.eq(1)]
                m.d.sync += left.eq(DATA_BYTES)
                with m.If(bus.ack | bus.err):
                    m.d.sync += status.eq(Mux(bus.err, Status.BUS_ERROR, Status.OK))
                    with m.If(~bus.we):
                        m.d.sync += data.eq(bus.dat_r)
                    m.next = "status"
            with m.State("status"):
                m.d.comb += [self.tx.valid.eq(1), self.tx.payload.eq(status)]
                with m.If(self.tx.ready):
                    with m.If((status == Status.OK) & ~bus.we):
                        m.next = "answer"
                    with m.Else():
                        m.next = "command"
            with m.State("answer"):
                m.d.comb += [self.tx.valid.eq(1), self.tx.payload.eq(data[:8])]
                with m.If(self.tx.ready):
                    m.d.sync += [data.eq(data >> 8), left.eq(left - 1)]
                    with m.If(left == 1):
                        m.next = "command"
        return m
