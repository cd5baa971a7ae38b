"""What the sides of the second-level cache share: its memories, the registers of its stages, and their names."""

from amaranth import *
from amaranth.lib import data

from ..bus import wishbone
from .l2_arrays import tag_layout
from .l2_line import LineFill, WriteBack

__all__ = ["Parts"]


class Parts:
    """Signals of a :class:`hw.memory.l2_cache.L2Cache`, each driven by one side of it.

    Parameters
    ----------
    config : L2Config
    bus : Interface
        Of the cache.
    arrays : L2Arrays
    planted : callable
        Value that says whether a fault, given by its name, is planted.
    """

    def __init__(self, config, bus, arrays, planted):
        self.config, self.bus, self.arrays, self.planted = config, bus, arrays, planted
        self.fill = LineFill(config)
        self.write_back = WriteBack(config)
        self.word_bits = config.word_bits
        self.index_bits = config.word_bits + config.set_bits
        request = data.StructLayout({"address": config.address_bits, "we": 1, "sel": config.data_width // 8,
                                     "dat": config.data_width, "cti": wishbone.CycleType,
                                     "bte": wishbone.BurstTypeExt})
        entry = tag_layout(config)

        #: A request whose tags stand at the arrays' output. Stale: they have been replaced since.
        self.compare_valid, self.compare_stale = Signal(), Signal()
        self.compare = Signal(request)
        #: It has to be looked up again.
        self.again = Signal()

        #: A request whose way is known. `serve_ways`: ways that hit, none on a miss; while a line is brought, the way
        #: that it is brought to.
        self.serve_valid = Signal()
        self.serve = Signal(request)
        self.serve_ways = Signal(config.ways)
        self.serve_present, self.serve_dirty = Signal(config.ways), Signal(config.ways)
        self.serve_words = Signal(arrays.words.shape(), reset_less=True)
        self.hit, self.write_hit, self.marks = Signal(), Signal(), Signal()
        self.served_word = Signal(config.data_width)

        #: The request served before: whether it wrote a word, whether it wrote a tag, and in which set.
        self.past_wrote, self.past_marked = Signal(), Signal()
        self.past_set = Signal(config.set_bits)

        #: States of the cache.
        self.running, self.replacing = Signal(), Signal()
        #: A request of the bus may enter; a word for a reader; the reader's last beat.
        self.accepts, self.read_ready, self.forward_ready, self.last_beat = Signal(), Signal(), Signal(), Signal()
        self.look_address = Signal(self.index_bits)
        #: Written with the way's tag, in the set of `serve`.
        self.tag = Signal(entry)

        #: Way that a new line goes to when all are in use.
        self.next_victim = Signal(config.ways, init=1)
        #: Replacement: cycles since its begin, the word of the old line at the look-up, the old line's tag, whether
        #: memory refused a word.
        self.step = Signal(range(config.line_words + 2))
        self.read_word = Signal(config.word_bits)
        self.old_tag = Signal(entry)
        self.failed = Signal()
        self.store_failed = Signal()
        #: A reader waits for word `wanted` of the line that is brought.
        self.forwarding = Signal()
        self.wanted = Signal(config.word_bits)
        self.wanted_here = Signal()

        #: A flush was asked for; one is under way.
        self.flush_wanted, self.wants_invalidate = Signal(), Signal()
        self.flushes, self.flush_invalidates = Signal(), Signal()

    @property
    def copied(self):
        """All words of the old line are in the buffer."""
        return self.step == self.config.line_words + 1

    def set_of(self, address):
        return address[self.word_bits:self.index_bits]

    def word_of(self, address):
        return address[:self.word_bits]

    def tag_of(self, address):
        return address[self.index_bits:]
