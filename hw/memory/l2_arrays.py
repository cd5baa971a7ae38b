"""Block RAM of the second-level cache: tags of all ways side by side, and one memory of words for each way."""

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..mapping import BLOCK_RAM

__all__ = ["L2Arrays", "tag_layout"]


def tag_layout(config):
    """What is kept of a line beside its words."""
    return data.StructLayout({"tag": config.tag_bits, "valid": 1, "dirty": 1})


class L2Arrays(wiring.Component):
    """The memories.

    Parameters
    ----------
    config : L2Config

    Attributes
    ----------
    read_en, read_word : In
        Look up the set and word at index `read_word` in all ways: `tags` and `words` have them from the next cycle
        until the next look-up.
    write_ways, write_word, write_data, write_sel : In
        Write bytes of a word in the ways named.
    tag_ways, tag_set, tag : In
        Write the tag in the ways named.
    """

    def __init__(self, config):
        self._config = config
        width, index_bits = config.data_width, config.set_bits + config.word_bits
        self._tags_layout = data.ArrayLayout(tag_layout(config), config.ways)
        super().__init__({
            "read_en": In(1),
            "read_word": In(index_bits),
            "tags": Out(self._tags_layout),
            "words": Out(data.ArrayLayout(width, config.ways)),
            "write_ways": In(config.ways),
            "write_word": In(index_bits),
            "write_data": In(width),
            "write_sel": In(width // 8),
            "tag_ways": In(config.ways),
            "tag_set": In(config.set_bits),
            "tag": In(tag_layout(config)),
        })

    def elaborate(self, platform):
        m = Module()
        config = self._config
        # A register behind a combinational port becomes the block RAM's own.
        tags, words = Signal(self._tags_layout, reset_less=True), Signal(self.words.shape(), reset_less=True)
        m.d.comb += [self.tags.eq(tags), self.words.eq(words)]

        m.submodules.tags = store = memory.Memory(shape=self._tags_layout, depth=config.sets, init=[],
                                                  attrs=BLOCK_RAM)
        write, read = store.write_port(granularity=1), store.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.tag_set),
            write.en.eq(self.tag_ways),
            read.addr.eq(self.read_word[config.word_bits:]),
            *(write.data[way].eq(self.tag) for way in range(config.ways)),
        ]
        with m.If(self.read_en):
            m.d.sync += tags.eq(read.data)

        for way in range(config.ways):
            m.submodules[f"way{way}"] = store = memory.Memory(
                shape=config.data_width, depth=config.sets * config.line_words, init=[], attrs=BLOCK_RAM)
            write, read = store.write_port(granularity=8), store.read_port(domain="comb")
            m.d.comb += [
                write.addr.eq(self.write_word),
                write.data.eq(self.write_data),
                write.en.eq(self.write_sel & self.write_ways[way].replicate(len(write.en))),
                read.addr.eq(self.read_word),
            ]
            with m.If(self.read_en):
                m.d.sync += words[way].eq(read.data)
        return m
