"""Parameters of the shared second-level cache."""

from dataclasses import dataclass

from amaranth.utils import exact_log2

__all__ = ["FAULTS", "L2Config"]

#: Defects that a test may plant, one bit each of the port `fault`: every one breaks a promise of the datasheet,
#: and the bench or the proof named after it has to notice.
FAULTS = (
    #: A dirty victim is thrown away.
    "skip_write_back",
    #: A write leaves its line clean.
    "forget_dirty",
    #: A victim is written back to the address of another way's line.
    "wrong_victim",
    #: A write takes all bytes of its word.
    "all_bytes",
    #: A write behind a miss is not looked up again after the line was replaced.
    "no_replay",
    #: A read does not notice the write just before it.
    "no_conflict",
    #: Whatever word arrives is handed to the reader.
    "forward_any",
    #: A line of which a word could not be read counts as read.
    "keep_failed_line",
    #: A write-back that failed is not reported.
    "lose_error",
    #: Reset leaves the tags as they were.
    "no_clear",
    #: A flush forgets the last way.
    "flush_skips_way",
)

MAX_BYTES = 256 << 10
#: Words of a line that Wishbone has a wrapping burst for.
LINE_WORDS = (4, 8, 16)


def _check_power_of_two(name, value, low, high):
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if not low <= value <= high or value & (value - 1):
        raise ValueError(f"{name} must be a power of two from {low} to {high}, not {value!r}")


@dataclass(frozen=True)
class L2Config:
    """What a second-level cache is made of.

    Attributes
    ----------
    size : int
        Bytes of data, a power of two up to 256 KiB with at least two sets.
    ways : 1, 2, 4 or 8
    line_bytes : int
        Bytes of a line: 4, 8 or 16 words, so that one wrapping burst brings it.
    memory_base, memory_bytes : int
        The memory behind it: where its port starts, in bytes, and a power of two that is more than one way holds.
    counters : bool
        Have the counters of events in the register window.
    data_width : int
        Bits of a word. Less than 64 only in proofs.
    faults : tuple of str
        Defects from :data:`FAULTS` that the port `fault` can switch on. For tests only; empty: no such port.

    Raises
    ------
    TypeError, ValueError
        With the field's name, for anything that cannot be built.
    """

    size: int = 64 << 10
    ways: int = 4
    line_bytes: int = 32
    memory_base: int = 0x8000_0000
    memory_bytes: int = 32 << 20
    counters: bool = False
    data_width: int = 64
    faults: tuple[str, ...] = ()

    def __post_init__(self):
        _check_power_of_two("data_width", self.data_width, 8, 64)
        word = self.data_width // 8
        _check_power_of_two("ways", self.ways, 1, 8)
        _check_power_of_two("line_bytes", self.line_bytes, LINE_WORDS[0] * word, LINE_WORDS[-1] * word)
        _check_power_of_two("size", self.size, 2 * self.ways * self.line_bytes, MAX_BYTES)
        _check_power_of_two("memory_bytes", self.memory_bytes, 2 * self.size // self.ways, 1 << 32)
        if not isinstance(self.memory_base, int) or isinstance(self.memory_base, bool):
            raise TypeError(f"memory_base must be an integer, not {self.memory_base!r}")
        if not 0 <= self.memory_base < 1 << 32 or self.memory_base % self.memory_bytes:
            raise ValueError(f"memory_base must be a multiple of memory_bytes {self.memory_bytes:#x} below 2**32, "
                             f"not {self.memory_base:#x}")
        if not isinstance(self.counters, bool):
            raise TypeError(f"counters must be True or False, not {self.counters!r}")
        for fault in self.faults:
            if fault not in FAULTS:
                raise ValueError(f"Unknown fault {fault!r}; there are {', '.join(FAULTS)}")

    @property
    def line_words(self):
        """Words of a line."""
        return self.line_bytes * 8 // self.data_width

    @property
    def sets(self):
        """Lines of a way."""
        return self.size // self.ways // self.line_bytes

    @property
    def word_bits(self):
        """Address bits that choose a word of a line."""
        return exact_log2(self.line_words)

    @property
    def set_bits(self):
        """Address bits that choose a set."""
        return exact_log2(self.sets)

    @property
    def address_bits(self):
        """Bits of an address within the memory, which counts words."""
        return exact_log2(self.memory_bytes * 8 // self.data_width)

    @property
    def tag_bits(self):
        """Address bits that a tag holds."""
        return self.address_bits - self.set_bits - self.word_bits
