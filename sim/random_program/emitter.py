"""What every part of the generator stands on: random choices and the text that grows."""

import random

__all__ = ["Emitter"]

_CORNERS = (0, 1, -1, 2, 0x7fffffff, -0x80000000, 0x80000000, 0xffffffff, 0x7fffffffffffffff, -0x8000000000000000,
            0x5555555555555555, 0x100000000)


class Emitter:
    """Assembly text under construction.

    Parameters
    ----------
    seed : int
    free : tuple of str
        Registers that random code may read and write.
    """

    def __init__(self, seed: int, free: tuple[str, ...]):
        self.random = random.Random(seed)
        self.free = free
        self.lines: list[str] = []
        self._labels = 0

    def emit(self, *lines: str) -> None:
        """Append lines."""
        self.lines += lines

    def label(self) -> str:
        """A new label."""
        self._labels += 1
        return f"L{self._labels}"

    def register(self) -> str:
        """A register to write."""
        return self.random.choice(self.free)

    def registers(self, count: int) -> list[str]:
        """Different registers to write; none of them is x1, which :meth:`Instructions.leap` needs."""
        return self.random.sample([register for register in self.free if register != "x1"], count)

    def source(self) -> str:
        """A register to read."""
        return "x0" if self.random.random() < 0.04 else self.register()

    def value(self) -> int:
        """A 64-bit value, often a corner case."""
        kind = self.random.random()
        if kind < 0.4:
            return self.random.choice(_CORNERS)
        return self.random.getrandbits(64 if kind < 0.7 else self.random.randrange(1, 32))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random.random() < probability

    def choose(self, *weighted: tuple[float, object]):
        """One of the second items, by the weights that are the first."""
        weights, items = zip(*weighted, strict=True)
        return self.random.choices(items, weights)[0]
