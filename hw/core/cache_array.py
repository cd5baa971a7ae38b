"""Storage of a cache: tags and data in block RAM, invalidated as a whole by a sequencer."""

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..mapping import BLOCK_RAM, equal
from .config import LINE_BYTES

__all__ = ["CacheArray", "WORDS_PER_LINE", "select_way"]

WORDS_PER_LINE = LINE_BYTES // 8

def select_way(ways, words):
    """The word of the way that `ways` names, one-hot; 0 if it names none."""
    selected = C(0, 1)
    for way, word in zip(ways, words, strict=True):
        selected = selected | (word & way.replicate(len(word)))
    return selected


class CacheArray(wiring.Component):
    """Set-associative array of 64-bit words with physical tags.

    The index is taken from the page offset, so a read may start before translation. A read of what is written in the
    same cycle answers with either value, and `collision`: nothing that it says may be used.

    Parameters
    ----------
    size : int
        Bytes.
    ways : int
    regions : tuple of (base, size)
        What is cached; nothing else may be looked up.

    Members
    -------
    read_word : word number within a way, for a look-up; `tags` and `words` answer in the next cycle.
    collision : the answer is not to be trusted; from registers.
    match_tag, hit_way : compares the answer with a tag; combinational. `hit_way` is one-hot.
    words : what each way answers.
    victim : way to replace, one-hot; advances with each tag written.
    write_ways, write_word, write_data, write_sel : write of data, for each way that `write_ways` names.
    tag_write, tag_ways, tag_set, tag_valid, tag_value : write of tags.
    drop, drop_set : what the set holds is forgotten, of all ways. Another write of tags in this cycle is lost.
    flush, busy : start invalidation of everything; `busy` until done, as after reset. Nothing hits meanwhile.
    """

    def __init__(self, size, ways, regions):
        self._ways = ways
        self._words = size // ways // 8
        self._sets = size // ways // LINE_BYTES
        self.word_bits = exact_log2(self._words)
        self.set_bits = exact_log2(self._sets)
        # Address bits that are the same for all of main memory need not be compared.
        first = min(base for base, size in regions)
        varying = max((first ^ (base + size - 1)).bit_length() for base, size in regions)
        self.tag_bits = max(varying - 3 - self.word_bits, 1)
        self._tag_shape = data.StructLayout({"value": self.tag_bits, "valid": 1})
        super().__init__({
            "read_word": In(self.word_bits),
            "match_tag": In(self.tag_bits),
            "collision": Out(1),
            "hit_way": Out(ways),
            "words": Out(data.ArrayLayout(64, ways)),
            "victim": Out(ways, init=1),
            "write_ways": In(ways),
            "write_word": In(self.word_bits),
            "write_data": In(64),
            "write_sel": In(8),
            "tag_write": In(1),
            "tag_ways": In(ways),
            "tag_set": In(self.set_bits),
            "tag_value": In(self.tag_bits),
            "tag_valid": In(1),
            "drop": In(1),
            "drop_set": In(self.set_bits),
            "flush": In(1),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        line_bits = exact_log2(WORDS_PER_LINE)

        busy = Signal(init=1)
        sweep = Signal(self.set_bits)
        m.d.comb += self.busy.eq(busy)
        with m.If(busy):
            m.d.sync += sweep.eq(sweep + 1)
            m.d.sync += busy.eq(~sweep.all())
        with m.Elif(self.flush):
            m.d.sync += busy.eq(1)

        tag_set = Signal(self.set_bits)
        m.d.comb += tag_set.eq(Mux(self.drop, self.drop_set, self.tag_set))
        for way in range(self._ways):
            m.submodules[f"data{way}"] = store = memory.Memory(shape=64, depth=self._words, init=[], attrs=BLOCK_RAM)
            write = store.write_port(granularity=8)
            read = store.read_port(domain="comb")
            word = Signal(64, name=f"word{way}", reset_less=True)
            m.d.comb += [
                write.addr.eq(self.write_word),
                write.data.eq(self.write_data),
                write.en.eq(self.write_sel & self.write_ways[way].replicate(8)),
                read.addr.eq(self.read_word),
                self.words[way].eq(word),
            ]
            m.d.sync += word.eq(read.data)

            m.submodules[f"tag{way}"] = tags = memory.Memory(
                shape=self._tag_shape, depth=self._sets, init=[], attrs=BLOCK_RAM)
            tag_write = tags.write_port()
            tag_read = tags.read_port(domain="comb")
            tag = Signal(self._tag_shape, name=f"tag{way}_read", reset_less=True)
            m.d.sync += tag.eq(tag_read.data)
            m.d.comb += [
                tag_write.en.eq(busy | self.drop | (self.tag_write & self.tag_ways[way])),
                tag_write.addr.eq(Mux(busy, sweep, tag_set)),
                tag_write.data.valid.eq(~busy & ~self.drop & self.tag_valid),
                tag_write.data.value.eq(self.tag_value),
                tag_read.addr.eq(self.read_word[line_bits:]),
                self.hit_way[way].eq(equal(
                    Cat(tag.value, tag.valid & ~busy), Cat(self.match_tag, C(1, 1)))),
            ]

        # The sweep writes tags too, in its last cycle for look-ups that are answered when it is over.
        # What is read is known late, so it is compared in the next cycle.
        read_word, write_word = Signal(self.word_bits, reset_less=True), Signal(self.word_bits, reset_less=True)
        wrote_set = Signal(self.set_bits, reset_less=True)
        swept, wrote, wrote_tag = Signal(), Signal(), Signal()
        m.d.sync += [
            read_word.eq(self.read_word), write_word.eq(self.write_word), wrote_set.eq(tag_set),
            swept.eq(busy), wrote.eq(self.write_ways != 0), wrote_tag.eq(self.tag_write | self.drop),
        ]
        m.d.comb += self.collision.eq(
            swept | (wrote & (write_word == read_word)) | (wrote_tag & (wrote_set == read_word[line_bits:])))

        # Round robin: ways fill evenly after a flush, and a loop of stores cannot starve one.
        with m.If(self.tag_write & self.tag_valid):
            m.d.sync += self.victim.eq(self.victim.rotate_left(1))
        return m
