"""The proof runner itself: a true property passes, a false one is found, an empty bench is refused."""

import pytest
from amaranth.hdl import Assert, Assume, Cover, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tests.formal.prove import ProofFailure, prove


class Counter(wiring.Component):
    """Counts to nine; `limit` is what the bench claims."""

    enable: In(1)
    value: Out(4)

    def __init__(self, limit, *, held=False):
        self._limit = limit
        self._held = held
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        with m.If(self.enable):
            m.d.sync += self.value.eq(self.value + 1)
            with m.If(self.value == 9):
                m.d.sync += self.value.eq(0)
        m.d.comb += Assert(self.value <= self._limit)
        m.d.sync += Cover(self.value == 9)
        if self._held:
            m.d.comb += Assume(~self.enable)
        return m


class Empty(wiring.Component):
    value: Out(1)

    def elaborate(self, platform):
        m = Module()
        flip = Signal()
        m.d.sync += flip.eq(~flip)
        m.d.comb += self.value.eq(flip)
        return m


@pytest.mark.parametrize("mode", ["bmc", "prove", "cover"])
def test_true_property(mode):
    prove(Counter(9), mode=mode, depth=12)


@pytest.mark.parametrize("reset", ["never", "any"])
def test_false_property(reset):
    with pytest.raises(ProofFailure, match="test_prove.py") as failure:
        prove(Counter(8), depth=12, reset=reset)
    assert failure.value.status == "FAIL"
    assert (failure.value.workdir / "engine_0" / "trace.vcd").exists()


def test_unreachable_cover():
    with pytest.raises(ProofFailure, match="FAIL"):
        prove(Counter(9, held=True), mode="cover", depth=12)


def test_nothing_to_prove():
    with pytest.raises(ValueError, match="no assert statement"):
        prove(Empty())


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"mode": "live"}, ValueError, "Mode must be one of"),
    ({"solver": "boolector"}, ValueError, "Solver must be one of"),
    ({"reset": "always"}, ValueError, "Reset must be"),
    ({"depth": 0}, TypeError, "Depth must be a positive integer, not 0"),
])
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        prove(None, **arguments)
