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
from .l2_arrays import L2Arrays, tag_layout
from .l2_config import L2Config
from .l2_line import LineFill, WriteBack, memory_signature, whole_address

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
        config, bus, planted = self.config, self.bus, self._planted
        word_bits, index_bits = config.word_bits, config.word_bits + config.set_bits
        m.submodules.arrays = arrays = self._arrays = self._create_arrays()
        m.submodules.fill = fill = LineFill(config)
        m.submodules.write_back = write_back = WriteBack(config)

        request = data.StructLayout({"address": config.address_bits, "we": 1, "sel": config.data_width // 8,
                                     "dat": config.data_width, "cti": wishbone.CycleType,
                                     "bte": wishbone.BurstTypeExt})
        compare_valid, compare_stale = Signal(), Signal()
        compare = Signal(request)
        serve_valid, serve_marked = Signal(), Signal()
        serve_dirty = Signal(config.ways)
        serve = Signal(request)
        self._serve_address = serve.address
        #: Ways that hit; while a line is brought, the way that it is brought to.
        serve_ways = Signal(config.ways)
        serve_present = Signal(config.ways)
        serve_words = Signal(arrays.words.shape(), reset_less=True)
        past_wrote, past_marked = Signal(), Signal()
        past_set = Signal(config.set_bits)

        def set_of(address):
            return address[word_bits:index_bits]

        def word_of(address):
            return address[:word_bits]

        # ---- compare
        hit_ways = Signal(config.ways)
        present, dirty = Signal(config.ways), Signal(config.ways)
        for way in range(config.ways):
            tag = arrays.tags[way]
            m.d.comb += [present[way].eq(tag.valid), dirty[way].eq(tag.dirty),
                         hit_ways[way].eq(tag.valid & (tag.tag == compare.address[index_bits:]))]

        # ---- serve
        hit = Signal()
        write_hit = Signal()
        served_word = Signal(config.data_width)
        read_ready, forward_ready = Signal(), Signal()
        answered, last_beat = Signal(), Signal()
        filling = Signal()
        selected = C(0, config.data_width)
        for way in range(config.ways):
            selected = selected | (serve_words[way] & serve_ways[way].replicate(config.data_width))
        m.d.comb += [
            hit.eq(serve_ways.any()),
            serve_marked.eq((serve_ways & serve_dirty).any()),
            served_word.eq(selected),
            last_beat.eq((bus.cti != wishbone.CycleType.INCR_BURST) & (bus.cti != wishbone.CycleType.CONST_BURST)),
            answered.eq(bus.cyc & bus.stb & read_ready),
            bus.dat_r.eq(Mux(filling, fill.payload, served_word)),
        ]

        # ---- look-up
        accepts = Signal()
        taken = Signal()
        advance = Signal()
        look_address = Signal(index_bits)
        following = Signal(config.address_bits)
        streams = Signal()
        same_as_past, same_as_serve, again = Signal(), Signal(), Signal()
        near = slice(0, min(CONFLICT_BITS, config.set_bits))
        m.d.comb += [
            following.eq(wishbone.next_burst_address(compare.address, compare.cti, compare.bte)),
            streams.eq((compare.cti == wishbone.CycleType.INCR_BURST)
                       | (compare.cti == wishbone.CycleType.CONST_BURST)),
            same_as_past.eq(set_of(compare.address)[near] == past_set[near]),
            same_as_serve.eq(set_of(compare.address)[near] == set_of(serve.address)[near]),
            # What was looked up while, or before, a write to it reached the arrays.
            again.eq((compare_stale & ~planted("no_replay"))
                     | (past_marked & same_as_past)
                     | (~compare.we & past_wrote & same_as_past & ~planted("no_conflict"))
                     | (~compare.we & write_hit & same_as_serve & ~planted("no_conflict"))),
            taken.eq(accepts & bus.cyc & bus.stb),
            bus.ack.eq(bus.cyc & bus.stb & (Mux(bus.we, accepts, read_ready | forward_ready))),
            arrays.read_word.eq(look_address),
        ]

        # ---- writes of the arrays: always in the set of `serve`
        tag = Signal(tag_layout(config))
        m.d.comb += [
            arrays.write_word.eq(Cat(Mux(filling, fill.word, word_of(serve.address)), set_of(serve.address))),
            arrays.write_data.eq(Mux(filling, fill.payload, serve.dat)),
            arrays.write_sel.eq(Mux(filling | planted("all_bytes"), ~0, serve.sel)),
            arrays.tag_set.eq(set_of(serve.address)),
            arrays.tag.eq(tag),
            tag.tag.eq(serve.address[index_bits:]),
        ]

        # ---- a line that leaves
        victim = Signal(config.ways)
        next_victim = Signal(config.ways, init=1)
        old_tag = Signal(tag_layout(config))
        step = Signal(range(config.line_words + 2))
        copied = step == config.line_words + 1
        read_word = Signal(word_bits)
        m.d.comb += victim.eq(next_victim)
        for way in reversed(range(config.ways)):
            with m.If(~serve_present[way]):
                m.d.comb += victim.eq(1 << way)
        m.d.comb += [
            fill.address.eq(serve.address),
            write_back.payload.eq(served_word),
            write_back.address.eq(Cat(serve.address[:index_bits], old_tag.tag)),
        ]

        # ---- flush
        flush_wanted, wants_invalidate = Signal(), Signal()
        flushes, flush_invalidates = Signal(), Signal()
        with m.If(self.flush):
            m.d.sync += [flush_wanted.eq(1), wants_invalidate.eq(self.invalidate | wants_invalidate)]
        dirty_ways = Signal(config.ways)
        first_dirty = Signal(config.ways)
        for way in reversed(range(config.ways)):
            forgotten = planted("flush_skips_way") if way == config.ways - 1 else 0
            m.d.comb += dirty_ways[way].eq(arrays.tags[way].valid & arrays.tags[way].dirty & ~forgotten)
            with m.If(dirty_ways[way]):
                m.d.comb += first_dirty.eq(1 << way)
        m.d.comb += self.flushing.eq(flush_wanted | flushes)
        following_set = Signal(config.set_bits)
        m.d.comb += following_set.eq(set_of(serve.address) + 1)

        # ---- a reader that waits for a word of the line that is brought
        forwarding = Signal()
        wanted = Signal(word_bits)
        wanted_here = Signal()
        m.d.comb += wanted_here.eq(forwarding & ((fill.word == wanted) | planted("forward_any")))

        store_failed = Signal()
        with m.FSM():
            with m.State("clear"):
                m.d.comb += [self.clearing.eq(1), arrays.tag_ways.eq(~0)]
                m.d.sync += set_of(serve.address).eq(following_set)
                with m.If((following_set == 0) | planted("no_clear")):
                    m.d.sync += set_of(serve.address).eq(0)
                    m.next = "run"

            with m.State("run"):
                reads = serve_valid & ~serve.we
                m.d.comb += [
                    write_hit.eq(serve_valid & serve.we & hit),
                    read_ready.eq(reads & hit),
                    advance.eq(~serve_valid | write_hit | (reads & (answered | ~bus.cyc))),
                    accepts.eq((~serve_valid | write_hit) & (~compare_valid | (compare.we & ~again)) & ~flush_wanted),
                    arrays.read_en.eq(advance),
                    look_address.eq(bus.adr[:index_bits]),
                    arrays.write_ways.eq(Mux(write_hit, serve_ways, 0)),
                    arrays.tag_ways.eq(Mux(write_hit & ~serve_marked & ~planted("forget_dirty"), serve_ways, 0)),
                    tag.valid.eq(1), tag.dirty.eq(1),
                    self.events.access.eq(write_hit | answered),
                ]
                with m.If(compare_valid & again):
                    m.d.comb += look_address.eq(compare.address[:index_bits])
                with m.Elif(compare_valid & ~compare.we):
                    m.d.comb += look_address.eq(following[:index_bits])

                with m.If(advance):
                    m.d.sync += [
                        compare_stale.eq(0),
                        past_wrote.eq(write_hit), past_marked.eq(write_hit & ~serve_marked),
                        past_set.eq(set_of(serve.address)),
                        serve_valid.eq(compare_valid & ~again),
                        serve.eq(compare), serve_ways.eq(hit_ways), serve_present.eq(present),
                        serve_dirty.eq(dirty), serve_words.eq(arrays.words),
                    ]
                    with m.If(~(compare_valid & again)):
                        with m.If(compare_valid & ~compare.we):
                            m.d.sync += [compare.address.eq(following), compare_valid.eq(streams)]
                        with m.Else():
                            m.d.sync += [
                                compare_valid.eq(taken), compare.address.eq(bus.adr), compare.we.eq(bus.we),
                                compare.sel.eq(bus.sel), compare.dat.eq(bus.dat_w), compare.cti.eq(bus.cti),
                                compare.bte.eq(bus.bte),
                            ]
                    # The reader has its last word, or has given up: what was looked up ahead is void.
                    with m.If(compare_valid & ~compare.we & (~bus.cyc | (answered & last_beat))):
                        m.d.sync += [compare_valid.eq(0), serve_valid.eq(0)]
                with m.Elif(serve_valid & ~hit & ~write_back.busy):
                    m.d.comb += [fill.start.eq(1), arrays.read_en.eq(1),
                                 look_address.eq(serve.address[:index_bits]), self.events.fill.eq(1)]
                    m.d.sync += [
                        serve_ways.eq(victim), next_victim.eq(next_victim.rotate_left(1)),
                        forwarding.eq(~serve.we), wanted.eq(word_of(serve.address)),
                        read_word.eq(word_of(serve.address) + 1), step.eq(0),
                        # A read is still on the bus and will be looked up from there; writes have been acknowledged.
                        compare_valid.eq(compare_valid & compare.we), compare_stale.eq(1),
                    ]
                    m.next = "replace"
                with m.If(flush_wanted & ~serve_valid & ~compare_valid & ~write_back.busy):
                    m.d.sync += [
                        serve.address.eq(0), flushes.eq(1), flush_invalidates.eq(wants_invalidate),
                        flush_wanted.eq(self.flush), wants_invalidate.eq(self.flush & self.invalidate),
                    ]
                    m.next = "flush-read"

            # The old line goes to the buffer, each word before the new one comes.
            with m.State("replace"):
                m.d.comb += [
                    filling.eq(1),
                    arrays.read_en.eq(1),
                    look_address.eq(Cat(read_word, set_of(serve.address))),
                    arrays.write_ways.eq(Mux(fill.valid, serve_ways, 0)),
                    write_back.put.eq((step != 0) & ~copied),
                    forward_ready.eq(fill.valid & wanted_here),
                    bus.err.eq(bus.cyc & bus.stb & ~bus.we & fill.failed & wanted_here),
                    self.events.access.eq(bus.ack),
                ]
                m.d.sync += [read_word.eq(read_word + 1), serve_words.eq(arrays.words)]
                with m.If(~copied):
                    m.d.sync += step.eq(step + 1)
                with m.If(step == 0):
                    for way in range(config.ways):
                        with m.If(serve_ways[way]):
                            m.d.sync += old_tag.eq(arrays.tags[way])
                            m.d.sync += old_tag.tag.eq(Mux(planted("wrong_victim"),
                                                           arrays.tags[(way + 1) % config.ways].tag,
                                                           arrays.tags[way].tag))
                self._forward(m, forwarding, wanted, last_beat)
                failed = Signal()
                with m.If(fill.failed):
                    m.d.sync += failed.eq(1)
                with m.If(copied & ~fill.busy):
                    m.d.comb += [
                        arrays.tag_ways.eq(serve_ways),
                        tag.valid.eq(Mux(flushes, ~flush_invalidates, ~failed | planted("keep_failed_line"))),
                        write_back.start.eq(old_tag.valid & old_tag.dirty & ~planted("skip_write_back")),
                        self.events.write_back.eq(write_back.start),
                        store_failed.eq(serve_valid & serve.we & failed),
                    ]
                    with m.If(flushes):
                        m.d.comb += tag.tag.eq(old_tag.tag)
                    # A write goes on as a hit.
                    m.d.sync += [serve_valid.eq(serve_valid & serve.we & ~failed), serve_dirty.eq(0),
                                 failed.eq(0), past_wrote.eq(0), past_marked.eq(0), forwarding.eq(0)]
                    with m.If(flushes):
                        m.next = "flush-wait"
                    with m.Else():
                        m.next = "run"

            with m.State("flush-wait"):
                with m.If(~write_back.busy):
                    m.next = "flush-read"
            with m.State("flush-read"):
                m.d.comb += [arrays.read_en.eq(1), look_address.eq(Cat(C(0, word_bits), set_of(serve.address)))]
                m.next = "flush-tags"
            with m.State("flush-tags"):
                m.d.sync += [serve_ways.eq(first_dirty), step.eq(0), read_word.eq(1)]
                m.next = "flush-choose"
            with m.State("flush-choose"):
                with m.If(hit):
                    m.next = "replace"
                with m.Else():
                    m.d.comb += arrays.tag_ways.eq(flush_invalidates.replicate(config.ways))
                    m.d.sync += set_of(serve.address).eq(following_set)
                    m.next = "flush-read"
                    with m.If(following_set == 0):
                        m.d.sync += flushes.eq(0)
                        m.next = "run"

        self._connect_memory(m, fill.bus, write_back.bus)
        self._collect_errors(m, store_failed, write_back)
        return m

    def _forward(self, m, forwarding, wanted, last_beat):
        """Which word of the line the reader wants next, as long as it goes on within the line."""
        bus, bits = self.bus, len(wanted)
        following = Signal(self.config.address_bits)
        wraps = Signal()
        m.d.comb += following.eq(wishbone.next_burst_address(Cat(wanted, C(0, len(following) - bits)), bus.cti,
                                                             bus.bte))
        m.d.comb += wraps.eq(following[bits:].any())
        with m.If(~bus.cyc | bus.err):
            m.d.sync += forwarding.eq(0)
        with m.Elif(bus.ack):
            m.d.sync += [wanted.eq(following[:bits]),
                         forwarding.eq(forwarding & ~last_beat & ~wraps)]

    def _connect_memory(self, m, fill, write_back):
        """Fill and write-back are never at work together."""
        memory = self.memory
        with m.If(write_back.cyc):
            for name in ("adr", "dat_w", "sel", "cyc", "stb", "we", "cti", "bte"):
                m.d.comb += getattr(memory, name).eq(getattr(write_back, name))
        with m.Else():
            for name in ("adr", "sel", "cyc", "stb", "we", "cti", "bte"):
                m.d.comb += getattr(memory, name).eq(getattr(fill, name))
        for port in (fill, write_back):
            m.d.comb += [port.ack.eq(memory.ack), port.err.eq(memory.err), port.dat_r.eq(memory.dat_r)]

    def _collect_errors(self, m, store_failed, write_back):
        """The first error's address stays until software has seen it."""
        config, status = self.config, self.status
        write_back_failed = write_back.failed & ~self._planted("lose_error")
        with m.If(self.error_clear):
            m.d.sync += status.eq(0)
        with m.If(write_back_failed | store_failed):
            address = Mux(store_failed, self._serve_address, write_back.failed_address)
            m.d.sync += [status.write_back_error.eq(write_back_failed | (status.write_back_error & ~self.error_clear)),
                         status.store_error.eq(store_failed | (status.store_error & ~self.error_clear))]
            with m.If(self.error_clear | ~(status.write_back_error | status.store_error)):
                m.d.sync += status.address.eq(Cat(C(0, exact_log2(config.data_width // 8)),
                                                  whole_address(config, address)))
