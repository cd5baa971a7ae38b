"""The second-level cache together with what is proven about it, by induction.

One address is chosen freely (`AnyConst`), so what holds for it holds for all. *Specification* registers follow the
ports: `shadow` is the word there as the acknowledged writes left it, `stored` the word in memory. *Properties* compare
with them. *Links* tie them to the inside, so that induction closes: what each register says of the chosen word in each
state.

The cache is small, with words of 8 bits. Its memories keep the tags and the chosen word of each way; any other word,
and what is read at the clock edge that writes it, is anything.
"""

from amaranth import *
from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cover

from hw.bus import wishbone
from hw.memory.l2_arrays import L2Arrays
from hw.memory.l2_cache import L2Cache
from hw.memory.l2_config import L2Config
from tests.formal.bus.rules import initiator_rules, target_rules

__all__ = ["ArraysProof", "L2Proof", "RegisterArrays"]


class RegisterArrays(L2Arrays):
    """The arrays as registers.

    Attributes
    ----------
    chosen : Signal
        The index whose words are kept.
    kept : list of Signal
        Its word in each way.
    """

    def __init__(self, config):
        super().__init__(config)
        self._entry = entry = self.tag.shape()
        self._tags = [[Signal(entry.size, name=f"tag{way}_{number}", reset_less=True)
                       for number in range(config.sets)] for way in range(config.ways)]
        self.chosen = Signal(len(self.read_word))
        self.kept = [Signal(config.data_width, name=f"kept{way}", reset_less=True) for way in range(config.ways)]

    def tag_of(self, way, number):
        """What is kept of the line in a way at set `number`."""
        tags = self._tags[way]
        return self._entry(tags[number] if isinstance(number, int) else Array(tags)[number])

    def elaborate(self, platform):
        m = Module()
        config, size = self._config, self._entry.size
        tags_out = [Signal(size, name=f"tags_out{way}", reset_less=True) for way in range(config.ways)]
        words_out = [Signal(config.data_width, name=f"words_out{way}", reset_less=True) for way in range(config.ways)]
        read_set = self.read_word[config.word_bits:]
        lanes = Cat(lane.replicate(8) for lane in self.write_sel)
        for way in range(config.ways):
            m.d.comb += [self.tags[way].as_value().eq(tags_out[way]), self.words[way].eq(words_out[way])]
            tags, kept = Array(self._tags[way]), self.kept[way]
            writes = self.write_ways[way] & (self.write_word == self.chosen)
            with m.If(self.read_en):
                m.d.sync += [tags_out[way].eq(tags[read_set]), words_out[way].eq(AnySeq(config.data_width))]
                with m.If((self.read_word == self.chosen) & ~writes):
                    m.d.sync += words_out[way].eq(kept)
                with m.If(self.tag_ways[way] & (self.tag_set == read_set)):
                    m.d.sync += tags_out[way].eq(AnySeq(size))
            with m.If(self.tag_ways[way]):
                m.d.sync += tags[self.tag_set].eq(self.tag.as_value())
            with m.If(writes):
                m.d.sync += kept.eq((kept & ~lanes) | (self.write_data & lanes))
        return m


class ArraysProof(L2Arrays):
    """The real arrays do as the registers do, but where those give anything."""

    def __init__(self, *, broken=False):
        self._broken = broken
        super().__init__(L2Config(size=32, ways=2, line_bytes=8, memory_bytes=64, data_width=16))

    def elaborate(self, platform):
        m = super().elaborate(platform)
        config = self._config
        address, lane = AnyConst(len(self.read_word)), AnyConst(1)
        way = AnyConst(1)
        byte, tag = Signal(8), Signal(self.tag.shape())
        shown, shown_tag = Signal(8), Signal(self.tag.shape())
        looks, looks_tag = Signal(), Signal()
        number = address[config.word_bits:]
        writes = (self.write_ways.bit_select(way, 1) & (self.write_word == address)
                  & self.write_sel.bit_select(lane, 1))
        writes_tag = self.tag_ways.bit_select(way, 1) & (self.tag_set == number)
        reads = self.read_en & (self.read_word == address)
        with m.If(writes):
            m.d.sync += byte.eq(self.write_data.word_select(lane, 8) ^ self._broken)
        with m.If(writes_tag):
            m.d.sync += tag.eq(self.tag)
        with m.If(self.read_en):
            m.d.sync += [looks.eq(reads & ~writes), shown.eq(byte),
                         looks_tag.eq((self.read_word[config.word_bits:] == number) & ~writes_tag),
                         shown_tag.eq(tag)]
        with m.If(looks):
            m.d.comb += Assert(self.words[way].word_select(lane, 8) == shown)
        with m.If(looks_tag):
            m.d.comb += Assert(self.tags[way].as_value() == shown_tag.as_value())
        return m


class L2Proof(L2Cache):
    """The cache with its properties.

    Parameters
    ----------
    fault : str, optional
        Planted defect that is switched on all the time.
    cover : bool
        Ask for traces that show that the properties are not empty.
    """

    def __init__(self, fault=None, *, cover=False):
        self._cover = cover
        super().__init__(L2Config(size=16, ways=2, line_bytes=4, memory_bytes=32, memory_base=0, data_width=8,
                                  faults=(fault,) if fault else ()))

    def _create_arrays(self):
        return RegisterArrays(self.config)

    def elaborate(self, platform):
        m = super().elaborate(platform)
        if self.config.faults:
            m.d.comb += Assume(self.fault == 1)
        m.d.comb += Assume(~self.error_clear)
        self.burst = initiator_rules(m, self.bus, Assume, bursts=True)
        target_rules(m, self.bus, Assert)
        self.line_burst = initiator_rules(m, self.memory, Assert, bursts=True)
        target_rules(m, self.memory, Assume)
        m.d.comb += Assert(~self.memory.stb | self.memory.sel.all())
        self._specify(m)
        self._state(m)
        self._stages(m)
        self._line(m)
        self._truth(m)
        if self._cover:
            self._covers(m)
        return m

    def _specify(self, m):
        """The chosen word, in memory and as programs see it; the properties."""
        config, bus, memory = self.config, self.bus, self.memory
        self.address = address = Signal(config.address_bits)
        m.d.comb += [address.eq(AnyConst(config.address_bits)),
                     self._parts.arrays.chosen.eq(address[:self._parts.index_bits])]
        self.shadow, self.stored = Signal(8, reset_less=True), Signal(8, reset_less=True)
        stored, refused = Signal(8), Signal()
        self.here, self.memory_here = bus.adr == address, memory.cyc & memory.stb & (memory.adr == address)
        m.d.comb += stored.eq(Mux(self.memory_here & memory.ack & memory.we, memory.dat_w, self.stored))
        m.d.sync += self.stored.eq(stored)
        with m.If(ResetSignal()):
            # Lines that were not written back are gone.
            m.d.sync += self.shadow.eq(stored)
        with m.Elif(bus.ack & bus.we & self.here & bus.sel.any()):
            m.d.sync += self.shadow.eq(bus.dat_w)
        with m.If(self.memory_here & memory.ack & ~memory.we):
            m.d.comb += Assume(memory.dat_r == self.stored)
        with m.If(self.memory_here & (memory.ack | memory.err)):
            m.d.sync += refused.eq(memory.err)
        self.reported = self.status.write_back_error | self.status.store_error

        # Whatever is read is what was written last, unless an error that lost something has been told of.
        with m.If(bus.ack & ~bus.we & self.here & ~self.reported):
            m.d.comb += Assert(bus.dat_r == self.shadow)
        # An error is the memory's answer for that very word.
        with m.If(bus.err):
            m.d.comb += Assert(~bus.we)
            with m.If(self.here):
                m.d.comb += Assert(refused)
        # After a flush memory has everything.
        self.flushed = Signal()
        m.d.sync += self.flushed.eq(self.flushing)
        with m.If(self.flushed & ~self.flushing & ~self.reported):
            m.d.comb += Assert(self.stored == self.shadow)
        # A word that memory refused to take is told of.
        lost = Signal()
        m.d.sync += lost.eq(memory.cyc & memory.we & memory.err)
        with m.If(lost):
            m.d.comb += Assert(self.status.write_back_error)

    def _state(self, m):
        """What may be under way in each state of the cache."""
        p, fill, write_back = self._parts, self._parts.fill, self._parts.write_back
        self.state = {name: self._fsm.ongoing(name) for name in (
            "clear", "run", "replace", "flush-wait", "flush-read", "flush-tags", "flush-choose")}
        state = self.state
        flush_states = Cat(signal for name, signal in state.items() if name.startswith("flush")).any()
        replaces = state["replace"] & ~p.flushes
        self.replaces = replaces
        m.d.comb += [
            Assert(sum(state.values()) == 1),
            Assert(~(state["clear"] | state["run"]) | ~p.flushes),
            Assert(~flush_states | p.flushes),
            Assert(~p.flushes | (p.word_of(p.serve.address) == 0)),
            Assert(~(state["clear"] | p.flushes) | ~(p.serve_valid | p.compare_valid)),
            Assert(~replaces | p.serve_valid),
            Assert(~state["replace"] | one_hot(p.serve_ways)),
            Assert(~state["flush-choose"] | one_hot(p.serve_ways) | (p.serve_ways == 0)),
            Assert(one_hot(p.next_victim)),
            Assert(state["run"] | ~p.compare_valid | (p.compare.we & p.compare_stale)),
            Assert(~(replaces & ~p.serve.we) | ~p.compare_valid),
            Assert(replaces | ~(fill.active | fill.valid | fill.failed | p.failed | p.forwarding)),
            Assert(~p.forwarding | ~p.serve.we),
            Assert(~write_back.busy | state["run"] | state["flush-wait"]),
            Assert(write_back.busy | state["replace"] | (write_back.count == 0)),
        ]
        arrays = p.arrays
        for first in range(self.config.ways):
            for number in range(self.config.sets):
                one = arrays.tag_of(first, number)
                # Cleared so far.
                with m.If(state["clear"] & (p.set_of(p.serve.address) > number)):
                    m.d.comb += Assert(~one.valid)
                # Passed by the flush.
                with m.If(p.flushes & (p.set_of(p.serve.address) > number)):
                    m.d.comb += Assert(~(one.valid & one.dirty))
                # No line twice.
                for second in range(first):
                    other = arrays.tag_of(second, number)
                    with m.If(~state["clear"]):
                        m.d.comb += Assert(~one.valid | ~other.valid | (one.tag != other.tag))

    def _stages(self, m):
        """What the stages hold is what the arrays hold, and the reader that the bus has."""
        p, arrays, bus, burst = self._parts, self._parts.arrays, self.bus, self.burst
        state, serve, compare = self.state, p.serve, p.compare
        serve_set, compare_set = p.set_of(serve.address), p.set_of(compare.address)
        serve_reads, compare_reads = p.serve_valid & ~serve.we, p.compare_valid & ~compare.we
        met = (p.past_marked & (p.past_set == compare_set))
        met_word = p.past_wrote & (p.past_set == compare_set)
        for way in range(self.config.ways):
            inside, shown = arrays.tag_of(way, serve_set), arrays.tags[way]
            matches = inside.valid & (inside.tag == p.tag_of(serve.address))
            with m.If(state["run"] & p.serve_valid):
                m.d.comb += [Assert(p.serve_ways[way] == matches),
                             Assert(~(matches & p.serve_dirty[way]) | inside.dirty)]
                with m.If(serve_reads & matches & (serve.address == self.address)):
                    m.d.comb += Assert(p.serve_words[way] == arrays.kept[way])
            with m.If(self.replaces):
                m.d.comb += Assert(~matches)
            inside = arrays.tag_of(way, compare_set)
            with m.If(state["run"] & p.compare_valid & ~p.compare_stale & ~met):
                m.d.comb += [Assert(shown.valid == inside.valid), Assert(~shown.valid | (shown.tag == inside.tag)),
                             Assert(~(shown.valid & shown.dirty) | inside.dirty)]
                with m.If(~compare.we & (compare.address == self.address) & ~met_word):
                    m.d.comb += Assert(arrays.words[way] == arrays.kept[way])

        def asks_for(address):
            """The bus has a reader whose next word is that at `address`."""
            return (bus.cyc & ~(bus.stb & bus.we) & (bus.stb | burst.inside) & (~bus.stb | (bus.adr == address))
                    & (~burst.inside | ((burst.expected == address) & ~burst.we)))

        streams = (compare.cti == wishbone.CycleType.INCR_BURST) | (compare.cti == wishbone.CycleType.CONST_BURST)
        cti = Value.cast(bus.cti)
        same_burst = ((~bus.stb | (((cti == Value.cast(compare.cti)) | (streams & (cti == 7)))
                                   & (Value.cast(bus.bte) == Value.cast(compare.bte))))
                      & (~burst.inside | ((burst.kind == Value.cast(compare.cti))
                                          & (burst.bte == Value.cast(compare.bte)))))
        following = Signal(self.config.address_bits)
        m.d.comb += following.eq(wishbone.next_burst_address(serve.address, compare.cti, compare.bte))
        with m.If(state["run"]):
            with m.If(serve_reads):
                m.d.comb += [Assert(asks_for(serve.address)), Assert(~p.compare_valid | ~compare.we)]
            with m.If(compare_reads):
                # At the end of a burst the stage holds one word too many, until the answer.
                m.d.comb += [Assert(~p.compare_stale), Assert(same_burst | (burst.inside & bus.stb & (cti == 7)))]
                with m.If(serve_reads):
                    m.d.comb += [Assert(compare.address == following), Assert(streams)]
                with m.Else():
                    m.d.comb += Assert(asks_for(compare.address))
            m.d.comb += Assert(~(p.compare_valid & p.compare_stale) | compare.we)
        with m.If(p.forwarding):
            m.d.comb += Assert(asks_for(Cat(p.wanted, serve.address[p.word_bits:])))

    def _line(self, m):
        """A line on its way: how far the copy, the fill and the write-back are."""
        p, fill, write_back = self._parts, self._parts.fill, self._parts.write_back
        words, burst = self.config.line_words, self.line_burst
        first = p.word_of(p.serve.address)
        self.acked = acked = Mux(fill.active | fill.failed | p.failed, fill.count, words)
        m.d.comb += Assert(~(fill.valid & fill.failed))
        with m.If(self.state["replace"]):
            m.d.comb += [
                Assert(p.step <= words + 1),
                Assert((p.step > words) | (p.read_word == (first + p.step + 1)[:p.word_bits])),
                Assert(write_back.count == Mux(p.step == 0, 0, (p.step - 1)[:p.word_bits])),
            ]
        with m.If(self.replaces):
            m.d.comb += [
                Assert(acked <= p.step),
                Assert(~fill.active | (fill.next_word == (first + fill.count)[:p.word_bits])),
                Assert(~fill.active | ~(fill.failed | p.failed)),
                Assert(~fill.valid | ((acked != 0) & (fill.word == (first + acked - 1)[:p.word_bits]))),
                Assert(~fill.failed | (fill.word == (first + fill.count)[:p.word_bits])),
                Assert(~p.failed | ~fill.valid),
            ]
        # The burst on the memory's port is the fill's or the write-back's.
        with m.If(burst.inside):
            reads = fill.active & ~burst.we & (burst.expected == Cat(fill.next_word, p.serve.address[p.word_bits:]))
            writes = write_back.busy & burst.we & (burst.expected == Cat(write_back.word, write_back.line))
            m.d.comb += [Assert(reads | writes), Assert(burst.kind == wishbone.CycleType.INCR_BURST.value),
                         Assert(burst.bte == wishbone.BurstTypeExt.WRAP_4.value)]

    def _truth(self, m):
        """Where the chosen word is in each state, and that it is what the programs see."""
        config, p, arrays, state = self.config, self._parts, self._parts.arrays, self.state
        fill, write_back, address = p.fill, p.write_back, self.address
        number, line = p.set_of(address), address[p.word_bits:]
        buffer = write_back.buffer.read_port(domain="comb")
        serve_line = p.serve.address[p.word_bits:] == line
        same_set = p.set_of(p.serve.address) == number
        position = Signal(p.word_bits)
        m.d.comb += [
            # Place of the word in the buffer: where the copy began, or the write-back.
            position.eq(p.word_of(address) - Mux(write_back.busy, write_back.word - write_back.count,
                                                 p.word_of(p.serve.address))),
            buffer.addr.eq(position),
        ]
        cached, dirty, value = Signal(), Signal(), Signal(8)
        leaves = Signal()
        for way in range(config.ways):
            entry, shown = arrays.tag_of(way, number), arrays.tags[way]
            with m.If(entry.valid & (entry.tag == p.tag_of(address))):
                m.d.comb += [cached.eq(1), dirty.eq(entry.dirty), value.eq(arrays.kept[way])]
                with m.If(state["replace"] & same_set & p.serve_ways[way]):
                    m.d.comb += leaves.eq(1)
                    with m.If(p.step == position):
                        m.d.comb += value.eq(arrays.words[way])
                    with m.Elif(p.step == position + 1):
                        m.d.comb += value.eq(p.serve_words[way])
                    with m.Elif(p.step > position + 1):
                        m.d.comb += value.eq(buffer.data)
                    # A flush leaves the line where it is.
                    m.d.comb += Assert(~p.flushes | (value == arrays.kept[way]))
            # The old line's tag, as long as it matters.
            entry = arrays.tag_of(way, p.set_of(p.serve.address))
            at_hand = state["flush-tags"] | state["flush-choose"] | (state["replace"] & (p.step == 0))
            with m.If(at_hand):
                m.d.comb += Assert(shown.as_value() == entry.as_value())
            with m.If((state["flush-tags"] | state["flush-choose"]) & same_set & (p.word_of(address) == 0)):
                m.d.comb += Assert(arrays.words[way] == arrays.kept[way])
            with m.If(state["replace"] & (p.step != 0) & p.serve_ways[way]):
                m.d.comb += Assert(p.old_tag.as_value() == entry.as_value())
            with m.If((state["flush-choose"] | (state["replace"] & p.flushes)) & p.serve_ways[way]):
                m.d.comb += Assert(entry.valid & entry.dirty)
            with m.If(state["flush-choose"] & (p.serve_ways == 0)):
                m.d.comb += Assert(~(entry.valid & entry.dirty))
            # The new line, as far as it has come.
            with m.If(self.replaces & serve_line & p.serve_ways[way] & (position < self.acked - fill.valid)):
                m.d.comb += Assert(arrays.kept[way] == self.stored)
        with m.If(self.replaces & serve_line & fill.valid & (fill.word == p.word_of(address))):
            m.d.comb += Assert(fill.payload == self.stored)

        written_back = write_back.busy & (write_back.line == line)
        goes_back = written_back & (position >= write_back.count)
        kept = Signal(8)
        m.d.comb += kept.eq(Mux(cached, value, Mux(goes_back, buffer.data, self.stored)))
        with m.If(written_back):
            m.d.comb += Assert(~cached | (state["flush-wait"] & ~dirty))
        pending = kept
        for valid, request in ((p.serve_valid, p.serve), (p.compare_valid, p.compare)):
            pending = Mux(valid & request.we & request.sel.any() & (request.address == address), request.dat, pending)
        with m.If(~self.reported):
            with m.If(state["clear"]):
                m.d.comb += Assert(self.shadow == self.stored)
            with m.Else():
                m.d.comb += Assert(self.shadow == pending)
                with m.If(cached & ~dirty):
                    m.d.comb += Assert(value == Mux(goes_back, buffer.data, self.stored))

    def _covers(self, m):
        bus, memory = self.bus, self.memory
        wrote, left = Signal(), Signal()
        with m.If(bus.ack & bus.we & self.here & bus.sel.any()):
            m.d.sync += wrote.eq(1)
        with m.If(self.memory_here & memory.ack & memory.we & wrote):
            m.d.sync += left.eq(1)
        m.d.comb += [
            Cover(bus.ack & ~bus.we & self.here & left & (self.shadow == 0x5a), "comes back"),
            Cover(bus.err, "error"),
            Cover(self.flushed & ~self.flushing & wrote, "flush"),
        ]


def one_hot(value):
    """Exactly one bit is set."""
    return sum(value[bit] for bit in range(len(value))) == 1
