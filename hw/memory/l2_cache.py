"""Shared second-level cache: write-back, write-allocate, set-associative, between the system bus and main memory.

A request passes three stages. In *look-up* its address stands at the block RAMs; in *compare* they answer and tags are
compared; in *serve* the way is known: a read is answered, a write reaches the data and is forgotten. Each stage takes a
request a cycle. Registers are prefixed by their stage (`compare_`, `serve_`, and `past_` for the one behind).

A write is acknowledged as it enters look-up. A miss stops the pipeline in *serve* while the line is brought.
"""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..bus import wishbone
from ..bus.memory_map import MemoryBlock, MemoryMap
from .l2_arrays import L2Arrays
from .l2_config import L2Config
from .l2_line import memory_signature, whole_address
from .l2_parts import Parts
from .l2_replace import add_flush, add_replacement, start_replacement

__all__ = ["L2Cache", "L2Events", "L2Status"]

#: Low bits of a set's number that tell whether two requests meet: a false alarm costs two cycles.
CONFLICT_BITS = 6


class L2Status(data.Struct):
    """What went wrong since `error_clear`; `address` is that of the first error, in bytes."""

    #: Memory refused a word of a line that was written back.
    write_back_error: 1
    #: Memory refused to give a line that a store, acknowledged before, was to change.
    store_error: 1
    address: 32


class L2Events(data.Struct):
    """What happened in this cycle."""

    #: A word was read or written.
    access: 1
    #: A line is brought from memory.
    fill: 1
    #: A line is written back.
    write_back: 1


class L2Cache(wiring.Component):
    """The cache.

    Parameters
    ----------
    config : L2Config

    Attributes
    ----------
    bus : In
        From the system bus, with addresses relative to `memory_base`.
    write_answer, read_answer : Out(wishbone.Answer)
        What `bus` answers in this cycle to a request to write and to read, if there is one. They come out of registers
        of the cache, not by way of the request.
    memory : Out
        To the memory.
    flush, invalidate : In(1)
        Write all dirty lines back; with `invalidate` forget all lines as well. `flush` may be a pulse.
    flushing : Out(1)
        From the cycle after `flush` until done. Requests wait meanwhile.
    clearing : Out(1)
        Tags are cleared after reset. Requests wait meanwhile.
    status, error_clear
        Errors that no requester could be told of.
    events : Out(L2Events)
    fault : In
        Only with planted faults: one bit for each of `config.faults`.
    """

    def __init__(self, config: L2Config | None = None):
        config = L2Config() if config is None else config
        if not isinstance(config, L2Config):
            raise TypeError(f"Configuration must be an L2Config, not {config!r}")
        self.config = config
        ports = {
            "bus": In(wishbone.Signature(addr_width=config.address_bits, data_width=config.data_width,
                                         granularity=8, features=wishbone.system_signature().features)),
            "write_answer": Out(wishbone.Answer),
            "read_answer": Out(wishbone.Answer),
            "memory": Out(memory_signature(config)),
            "flush": In(1),
            "invalidate": In(1),
            "flushing": Out(1),
            "clearing": Out(1),
            "status": Out(L2Status),
            "error_clear": In(1),
            "events": Out(L2Events),
        }
        if config.faults:
            ports["fault"] = In(len(config.faults))
        super().__init__(ports)
        self.bus.memory_map = MemoryMap(addr_width=exact_log2(config.memory_bytes))
        self.bus.memory_map.add_resource(MemoryBlock(config.memory_bytes), name="main", size=config.memory_bytes)

    def _planted(self, name):
        return self.fault[self.config.faults.index(name)] if name in self.config.faults else C(0, 1)

    def _create_arrays(self):
        return L2Arrays(self.config)

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.arrays = arrays = self._create_arrays()
        self._parts = parts = Parts(config, self.bus, arrays, self._planted)
        m.submodules.fill = parts.fill
        m.submodules.write_back = parts.write_back
        self._add_stages(m, parts)
        with m.FSM() as self._fsm:
            with m.State("clear"):
                following = Signal(config.set_bits)
                place = parts.set_of(parts.serve.address)
                m.d.comb += [following.eq(place + 1), self.clearing.eq(1), arrays.tag_ways.eq(~0)]
                m.d.sync += place.eq(following)
                with m.If((following == 0) | self._planted("no_clear")):
                    m.d.sync += place.eq(0)
                    m.next = "run"
            with m.State("run"):
                self._run(m, parts)
            add_replacement(m, parts)
            add_flush(m, parts)
        with m.If(self.flush):
            m.d.sync += [parts.flush_wanted.eq(1),
                         parts.wants_invalidate.eq(self.invalidate | parts.wants_invalidate)]
        m.d.comb += self.flushing.eq(parts.flush_wanted | parts.flushes)
        self._connect_memory(m, parts.fill.bus, parts.write_back.bus)
        self._collect_errors(m, parts)
        return m

    def _add_stages(self, m, parts):
        """What does not depend on the state."""
        config, bus, planted, arrays, fill = self.config, self.bus, parts.planted, parts.arrays, parts.fill
        serve, compare = parts.serve, parts.compare
        selected = C(0, config.data_width)
        for way in range(config.ways):
            selected = selected | (parts.serve_words[way] & parts.serve_ways[way].replicate(config.data_width))
        near = slice(0, min(CONFLICT_BITS, config.set_bits))
        compare_set = parts.set_of(compare.address)[near]
        same_as_past, same_as_serve = Signal(), Signal()
        m.d.comb += [
            parts.hit.eq(parts.serve_ways.any()),
            parts.write_hit.eq(parts.running & parts.serve_valid & serve.we & parts.hit),
            parts.marks.eq(parts.write_hit & ~(parts.serve_ways & parts.serve_dirty).any()),
            parts.served_word.eq(selected),
            parts.last_beat.eq((bus.cti != wishbone.CycleType.INCR_BURST)
                               & (bus.cti != wishbone.CycleType.CONST_BURST)),
            parts.wanted_here.eq(parts.forwarding & ((fill.word == parts.wanted) | planted("forward_any"))),
            self.write_answer.ack.eq(parts.accepts),
            self.read_answer.ack.eq(parts.read_ready | parts.forward_ready),
            self.read_answer.err.eq(parts.replacing & fill.failed & parts.wanted_here),
            Cat(bus.ack, bus.err).eq(Mux(bus.cyc & bus.stb, Mux(bus.we, self.write_answer.as_value(),
                                                                self.read_answer.as_value()), 0)),
            bus.dat_r.eq(Mux(parts.replacing, fill.payload, parts.served_word)),

            same_as_past.eq(compare_set == parts.past_set[near]),
            same_as_serve.eq(compare_set == parts.set_of(serve.address)[near]),
            # What was looked up while, or before, a write to it reached the arrays.
            parts.again.eq((parts.compare_stale & ~planted("no_replay"))
                           | (parts.past_marked & same_as_past)
                           | (~compare.we & parts.past_wrote & same_as_past & ~planted("no_conflict"))
                           | (~compare.we & parts.write_hit & same_as_serve & ~planted("no_conflict"))),
            arrays.read_word.eq(parts.look_address),

            # All writes of the arrays are in the set of `serve`.
            arrays.write_word.eq(Cat(Mux(parts.replacing, fill.word, parts.word_of(serve.address)),
                                     parts.set_of(serve.address))),
            arrays.write_data.eq(Mux(parts.replacing, fill.payload, serve.dat)),
            arrays.write_sel.eq(Mux(parts.replacing | planted("all_bytes"), ~0, serve.sel)),
            arrays.tag_set.eq(parts.set_of(serve.address)),
            arrays.tag.eq(parts.tag),
            parts.tag.tag.eq(parts.tag_of(serve.address)),

            fill.address.eq(serve.address),
            parts.write_back.payload.eq(parts.served_word),
            parts.write_back.address.eq(Cat(serve.address[:parts.index_bits], parts.old_tag.tag)),
            self.events.access.eq(bus.ack),
            self.events.fill.eq(fill.start),
            self.events.write_back.eq(parts.write_back.start),
        ]

    def _run(self, m, parts):
        """The state in which requests flow through the stages."""
        bus, arrays, serve, compare = self.bus, parts.arrays, parts.serve, parts.compare
        compare_valid, serve_valid, again = parts.compare_valid, parts.serve_valid, parts.again
        compare_reads = compare_valid & ~compare.we
        reads = serve_valid & ~serve.we
        streams = (compare.cti == wishbone.CycleType.INCR_BURST) | (compare.cti == wishbone.CycleType.CONST_BURST)
        advance, answered = Signal(), Signal()
        following = Signal(self.config.address_bits)
        m.d.comb += [
            parts.running.eq(1),
            parts.read_ready.eq(reads & parts.hit),
            answered.eq(bus.cyc & bus.stb & parts.read_ready),
            advance.eq(~serve_valid | parts.write_hit | (reads & (answered | ~bus.cyc))),
            # Not behind a read, which is still on the bus.
            parts.accepts.eq((~serve_valid | parts.write_hit) & (~compare_valid | (compare.we & ~again))
                             & ~parts.flush_wanted),
            arrays.read_en.eq(advance),
            following.eq(wishbone.next_burst_address(compare.address, compare.cti, compare.bte)),
            parts.look_address.eq(bus.adr[:parts.index_bits]),
            arrays.write_ways.eq(Mux(parts.write_hit, parts.serve_ways, 0)),
            arrays.tag_ways.eq(Mux(parts.marks & ~parts.planted("forget_dirty"), parts.serve_ways, 0)),
            parts.tag.valid.eq(1),
            parts.tag.dirty.eq(1),
        ]
        with m.If(compare_valid & again):
            m.d.comb += parts.look_address.eq(compare.address[:parts.index_bits])
        with m.Elif(compare_reads):
            m.d.comb += parts.look_address.eq(following[:parts.index_bits])
        # A miss. If its reader has given up, nothing looks at what is read.
        misses = ~parts.hit & ~parts.write_back.busy
        with m.If(serve_valid & misses):
            m.d.comb += parts.look_address.eq(serve.address[:parts.index_bits])

        with m.If(advance):
            m.d.sync += [
                parts.past_wrote.eq(parts.write_hit), parts.past_marked.eq(parts.marks),
                parts.past_set.eq(parts.set_of(serve.address)),
                parts.compare_stale.eq(0),
                serve_valid.eq(compare_valid & ~again),
                serve.eq(compare),
                parts.serve_words.eq(arrays.words),
            ]
            for way in range(self.config.ways):
                tag = arrays.tags[way]
                m.d.sync += [
                    parts.serve_ways[way].eq(tag.valid & (tag.tag == parts.tag_of(compare.address))),
                    parts.serve_present[way].eq(tag.valid),
                    parts.serve_dirty[way].eq(tag.dirty),
                ]
            with m.If(~(compare_valid & again)):
                with m.If(compare_reads):
                    m.d.sync += [compare.address.eq(following), compare_valid.eq(streams)]
                with m.Else():
                    m.d.sync += [
                        compare_valid.eq(parts.accepts & bus.cyc & bus.stb),
                        compare.address.eq(bus.adr), compare.we.eq(bus.we), compare.sel.eq(bus.sel),
                        compare.dat.eq(bus.dat_w), compare.cti.eq(bus.cti), compare.bte.eq(bus.bte),
                    ]
            # The reader has its last word, or has given up: what was looked up ahead is void.
            with m.If(compare_reads & (~bus.cyc | (answered & parts.last_beat))):
                m.d.sync += [compare_valid.eq(0), serve_valid.eq(0)]
        with m.Elif(misses):
            start_replacement(m, parts)
            m.next = "replace"
        with m.If(parts.flush_wanted & ~serve_valid & ~compare_valid & ~parts.write_back.busy):
            m.d.sync += [
                serve.address.eq(0), parts.flushes.eq(1), parts.flush_invalidates.eq(parts.wants_invalidate),
                parts.flush_wanted.eq(0), parts.wants_invalidate.eq(0),
            ]
            m.next = "flush-read"

    def _connect_memory(self, m, fill, write_back):
        """Fill and write-back are never at work together."""
        memory = self.memory
        m.d.comb += memory.lock.eq(0)
        with m.If(write_back.cyc):
            for name in ("adr", "dat_w", "sel", "cyc", "stb", "we", "cti", "bte"):
                m.d.comb += getattr(memory, name).eq(getattr(write_back, name))
        with m.Else():
            for name in ("adr", "sel", "cyc", "stb", "we", "cti", "bte"):
                m.d.comb += getattr(memory, name).eq(getattr(fill, name))
        for port in (fill, write_back):
            m.d.comb += [port.ack.eq(memory.ack), port.err.eq(memory.err), port.dat_r.eq(memory.dat_r)]

    def _collect_errors(self, m, parts):
        """The first error's address stays until software has seen it."""
        config, status, store_failed = self.config, self.status, parts.store_failed
        write_back_failed = parts.write_back.failed & ~self._planted("lose_error")
        with m.If(self.error_clear):
            m.d.sync += status.eq(0)
        with m.If(write_back_failed | store_failed):
            address = Mux(store_failed, parts.serve.address, parts.write_back.failed_address)
            m.d.sync += [status.write_back_error.eq(write_back_failed | (status.write_back_error & ~self.error_clear)),
                         status.store_error.eq(store_failed | (status.store_error & ~self.error_clear))]
            with m.If(self.error_clear | ~(status.write_back_error | status.store_error)):
                m.d.sync += status.address.eq(Cat(C(0, exact_log2(config.data_width // 8)),
                                                  whole_address(config, address)))
