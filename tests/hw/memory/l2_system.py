"""The second-level cache as its cocotb bench sees it: initiators on a shared bus, block RAM that hides nothing."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.bus.arbiter import Arbiter
from hw.memory.l2_arrays import L2Arrays
from hw.memory.l2_cache import L2Cache
from hw.memory.l2_config import FAULTS, L2Config

__all__ = ["CONFIGS", "HarshArrays", "INITIATORS", "L2System"]

INITIATORS = 3

#: The configurations that test_l2_random.py builds, by name.
CONFIGS = {
    "two_ways": L2Config(size=512, ways=2, memory_bytes=4096, faults=FAULTS),
    "long_lines": L2Config(size=1024, ways=4, line_bytes=64, memory_bytes=8192),
    "direct": L2Config(size=256, ways=1, memory_bytes=2048),
}


class HarshArrays(L2Arrays):
    """What is read at the clock edge that writes it comes out inverted."""

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.arrays = inner = L2Arrays(config)
        tags_meet = Signal(config.ways)
        lanes_meet = Signal(len(self.write_sel))
        words_meet = Signal(config.ways)
        for name, flow in self.signature.members.items():
            if flow.flow == In:
                m.d.comb += getattr(inner, name).eq(getattr(self, name))
        with m.If(self.read_en):
            m.d.sync += [
                tags_meet.eq(Mux(self.tag_set == self.read_word[config.word_bits:], self.tag_ways, 0)),
                words_meet.eq(Mux(self.write_word == self.read_word, self.write_ways, 0)),
                lanes_meet.eq(self.write_sel),
            ]
        for way in range(config.ways):
            tag, word = inner.tags[way].as_value(), inner.words[way]
            lanes = Cat(lane.replicate(8) for lane in lanes_meet)
            m.d.comb += [
                self.tags[way].as_value().eq(tag ^ tags_meet[way].replicate(len(tag))),
                self.words[way].eq(word ^ (lanes & words_meet[way].replicate(len(word)))),
            ]
        return m


class _HarshCache(L2Cache):
    def _create_arrays(self):
        return HarshArrays(self.config)


class L2System(wiring.Component):
    """Initiators, arbiter and cache; `memory` is the bench's.

    Parameters
    ----------
    config : L2Config
    """

    def __init__(self, config):
        self._cache = cache = _HarshCache(config)
        members = {f"initiator{number}": In(cache.bus.signature.flip()) for number in range(INITIATORS)}
        members |= {name: member for name, member in cache.signature.members.items() if name != "bus"}
        super().__init__(members | {"memory": Out(cache.memory.signature)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.cache = cache = self._cache
        m.submodules.arbiter = arbiter = Arbiter(cache.bus.signature.flip())
        for number in range(INITIATORS):
            arbiter.add(getattr(self, f"initiator{number}"))
        wiring.connect(m, arbiter.bus, cache.bus)
        wiring.connect(m, wiring.flipped(self.memory), cache.memory)
        for name, member in cache.signature.members.items():
            if name in ("bus", "memory"):
                continue
            inside, outside = getattr(cache, name), getattr(self, name)
            m.d.comb += inside.eq(outside) if member.flow == In else outside.eq(inside)
        return m
