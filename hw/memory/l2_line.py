"""How lines travel between the second-level cache and memory: fill, and write-back through a buffer of one line."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..bus import wishbone

__all__ = ["LineFill", "WriteBack", "memory_signature", "whole_address"]

WRAP = {4: wishbone.BurstTypeExt.WRAP_4, 8: wishbone.BurstTypeExt.WRAP_8, 16: wishbone.BurstTypeExt.WRAP_16}


def memory_signature(config):
    """Port to the memory: as the system bus."""
    features = wishbone.system_signature().features
    return wishbone.Signature(addr_width=32 - exact_log2(config.data_width // 8), data_width=config.data_width,
                              granularity=8, features=features)


def whole_address(config, address):
    """Address on the memory's port of a word within the memory."""
    base = config.memory_base * 8 // config.data_width >> config.address_bits
    return Cat(address, C(base, 32 - exact_log2(config.data_width // 8) - config.address_bits))


class LineFill(wiring.Component):
    """Reads a line in one wrapping burst, from any of its words on.

    Parameters
    ----------
    config : L2Config

    Attributes
    ----------
    start, address : In
        Read the line of the word at `address`, that word first. `address` is held until `busy` falls.
    busy : Out(1)
        From the cycle after `start` until all that arrived has been shown.
    valid, word, payload : Out
        A word of the line, in the cycle after the memory gave it.
    failed : Out(1)
        The memory answered for `word` with an error instead, which ends the fill.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({
            "start": In(1),
            "address": In(config.address_bits),
            "busy": Out(1),
            "valid": Out(1),
            "word": Out(config.word_bits),
            "payload": Out(config.data_width),
            "failed": Out(1),
            "bus": Out(memory_signature(config)),
        })
        self.active = Signal()
        #: Word on the bus, and how many came before it.
        self.next_word, self.count = Signal(config.word_bits), Signal(config.word_bits)

    def elaborate(self, platform):
        m = Module()
        config, bus = self._config, self.bus
        active, word, count = self.active, self.next_word, self.count
        last = count == config.line_words - 1
        m.d.comb += [
            bus.cyc.eq(active),
            bus.stb.eq(active),
            bus.sel.eq(~0),
            bus.adr.eq(whole_address(config, Cat(word, self.address[config.word_bits:]))),
            bus.bte.eq(WRAP[config.line_words]),
            bus.cti.eq(Mux(last, wishbone.CycleType.END_OF_BURST, wishbone.CycleType.INCR_BURST)),
            self.busy.eq(active | self.valid | self.failed),
        ]
        m.d.sync += [self.valid.eq(active & bus.ack), self.failed.eq(active & bus.err)]
        with m.If(self.start):
            m.d.sync += [active.eq(1), word.eq(self.address), count.eq(0)]
        with m.If(active):
            m.d.sync += [self.word.eq(word), self.payload.eq(bus.dat_r)]
            with m.If(bus.ack):
                m.d.sync += [word.eq(word + 1), count.eq(count + 1)]
            with m.If(bus.err | (bus.ack & last)):
                m.d.sync += active.eq(0)
        return m


class WriteBack(wiring.Component):
    """Holds a line that has left the cache and writes it to memory in one wrapping burst.

    Parameters
    ----------
    config : L2Config

    Attributes
    ----------
    put, payload : In
        Take a word of the line into the buffer, while not `busy`. All of them before `start`, in the order that a
        wrapping burst has.
    start, address : In
        Write the line to memory; `address` is that of the word that was put in first.
    busy : Out(1)
        From the cycle after `start` until the memory has taken the last word.
    failed, failed_address : Out
        The memory refused a word. The others are written all the same.
    """

    def __init__(self, config):
        self._config = config
        super().__init__({
            "put": In(1),
            "payload": In(config.data_width),
            "start": In(1),
            "address": In(config.address_bits),
            "busy": Out(1),
            "failed": Out(1),
            "failed_address": Out(config.address_bits),
            "bus": Out(memory_signature(config)),
        })
        self.buffer = memory.Memory(shape=config.data_width, depth=config.line_words, init=[])
        #: Place in the buffer; word and line of the memory that it goes to.
        self.count, self.word = Signal(config.word_bits), Signal(config.word_bits)
        self.line = Signal(config.address_bits - config.word_bits)

    def elaborate(self, platform):
        m = Module()
        config, bus = self._config, self.bus
        count, word, line = self.count, self.word, self.line
        m.submodules.buffer = buffer = self.buffer
        write, read = buffer.write_port(), buffer.read_port(domain="comb")
        last = count == config.line_words - 1
        m.d.comb += [
            write.addr.eq(count),
            write.data.eq(self.payload),
            write.en.eq(self.put),
            read.addr.eq(count),
            bus.cyc.eq(self.busy),
            bus.stb.eq(self.busy),
            bus.we.eq(1),
            bus.sel.eq(~0),
            bus.dat_w.eq(read.data),
            bus.adr.eq(whole_address(config, Cat(word, line))),
            bus.bte.eq(WRAP[config.line_words]),
            bus.cti.eq(Mux(last, wishbone.CycleType.END_OF_BURST, wishbone.CycleType.INCR_BURST)),
            self.failed.eq(self.busy & bus.err),
            self.failed_address.eq(Cat(word, line)),
        ]
        with m.If(self.busy):
            # An error ends the burst; the next word begins another one.
            with m.If(bus.ack | bus.err):
                m.d.sync += [word.eq(word + 1), count.eq(count + 1), self.busy.eq(~last)]
        with m.Elif(self.start):
            m.d.sync += [Cat(word, line).eq(self.address), count.eq(0), self.busy.eq(1)]
        with m.Elif(self.put):
            m.d.sync += count.eq(count + 1)
        return m
