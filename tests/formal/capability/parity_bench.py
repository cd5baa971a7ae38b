"""Formal benches of the lookaside buffer's parity: that it tells one flipped bit, and that every line has it right."""

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, C, Elaboratable, Fragment, Module, Mux, Signal

from hw.capability.config import CapabilityUnitConfig
from hw.capability.lookaside import Lookaside, line_layout, parity_of
from tests.formal.capability.reference import Elaborated, symbolic

__all__ = ["CheckBench", "StoreBench"]


def _planted(faults):
    return lambda name: C(name in faults, 1)


class CheckBench(Elaboratable):
    """A line with right parity, any, of which any one bit or none is wrong: the check says which it is."""

    def __init__(self, config=None, *, faults=()):
        self._config, self._faults = config or CapabilityUnitConfig(), faults

    def elaborate(self, platform):
        m = Module()
        layout = line_layout(self._config)
        stored, line = symbolic(m, AnySeq, layout, "stored"), Signal(layout)
        number = symbolic(m, AnySeq, layout.size.bit_length(), "number")
        m.d.comb += line.eq(stored.as_value() ^ (C(1, 1) << number)[:layout.size])
        lookaside = Lookaside(self._config, _planted(self._faults))
        lookaside._MustUse__silence = True
        intact = lookaside._check_parity(m, line, 0).all()
        with m.If(stored.parity == parity_of(stored)):
            m.d.comb += Assert(intact == (number >= layout.size))
        return m


class _Watched(Lookaside):
    """The lookaside buffer with nothing in its ways but what the solver likes, and an eye on what is stored."""

    def __init__(self, config, planted):
        super().__init__(config, planted)
        self.stored = []

    def _create_way(self, m, way, layout, read_set, write_set, write_line, write_enable):
        self.stored.append((write_enable, write_line))
        return symbolic(m, AnySeq, layout, f"line{way}")


class StoreBench(Elaboratable):
    """Whatever is asked of the buffer, and whatever it reads: what it stores has right parity."""

    def __init__(self, *, wrong=False):
        #: Only a check that the bench can fail: the parity bits are compared with their opposites.
        self._wrong = wrong

    def elaborate(self, platform):
        m = Module()
        lookaside = _Watched(CapabilityUnitConfig(lines=4, ways=2), _planted(()))
        m.submodules.lookaside = Elaborated(Fragment.get(lookaside, platform))
        for name in ("key", "fill_key", "fill_content", "invalidate"):
            value = getattr(lookaside, name).as_value()
            m.d.comb += value.eq(AnySeq(len(value)))
        for name in ("place", "fill_valid", "invalidate_valid"):
            value = getattr(lookaside, name)
            m.d.comb += value.eq(AnySeq(len(value)))
        for enable, line in lookaside.stored:
            expected = Mux(self._wrong, ~parity_of(line), parity_of(line))
            m.d.comb += Assert(~enable | (line.parity == expected))
        return m
