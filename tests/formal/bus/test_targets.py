"""Memory and register bridge answer as targets must, in time, and with the right data."""

import pytest
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.bus import wishbone
from hw.bus.bridge import Bridge
from hw.bus.field import RW, R
from hw.bus.register import Field, Register, RegisterBank
from hw.bus.sram import Sram
from tests.formal.bus.rules import initiator_rules, target_rules
from tests.formal.prove import ProofFailure, prove


class MemoryBench(wiring.Component):
    """Any one byte of a memory under any traffic; the answer comes in the second cycle at the latest."""

    def __init__(self, writable, *, promise=2):
        self._dut = Sram(16, writable=writable)
        self._promise = promise
        super().__init__({"bus": In(self._dut.bus.signature.flip())})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = self._dut
        bus = self.bus
        wiring.connect(m, wiring.flipped(bus), dut.bus)
        initiator_rules(m, bus, Assume, bursts=True)
        target_rules(m, bus, Assert)
        _answer_in(m, bus, self._promise)

        address = AnyConst(len(bus.adr))
        lane = AnyConst(3)
        byte = Signal(8)
        here = bus.ack & (bus.adr == address)
        if dut.writable:
            with m.If(here & bus.we & bus.sel.bit_select(lane, 1)):
                m.d.sync += byte.eq(bus.dat_w.word_select(lane, 8))
            m.d.comb += Assert(~bus.err)
        else:
            m.d.comb += Assert(~bus.err | bus.we)
            m.d.comb += Assert(~bus.ack | ~bus.we)
        with m.If(here & ~bus.we):
            m.d.comb += Assert(bus.dat_r.word_select(lane, 8) == byte)
        beats = Signal(3)
        with m.If(bus.ack & (bus.cti == wishbone.CycleType.INCR_BURST)):
            m.d.sync += beats.eq(beats + 1)
        m.d.comb += Cover((beats == 4) & bus.ack)
        return m


class BridgeBench(wiring.Component):
    """A register half a word wide beside a hole, and one that is read only."""

    class Storage(Register, access="rw", width=32):
        """Keeps."""

        value: Field(RW, 32)

    class Status(Register, access="r", width=8):
        """Tells."""

        value: Field(R, 8)

    def __init__(self):
        bank = RegisterBank(addr_width=4)
        self._storage = bank.add("storage", self.Storage(), offset=0)
        self._status = bank.add("status", self.Status(), offset=9)
        self._dut = Bridge(bank)
        super().__init__({"bus": In(self._dut.bus.signature.flip()), "status": In(8)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self._dut
        bus = self.bus
        wiring.connect(m, wiring.flipped(bus), self._dut.bus)
        m.d.comb += self._status.f.value.r_data.eq(self.status)
        initiator_rules(m, bus, Assume)
        target_rules(m, bus, Assert)
        _answer_in(m, bus, 2)

        mapped = Mux(bus.adr == 0, bus.sel[:4].any(), bus.sel[1])
        word = Signal(32)
        status_before = Signal(8)
        m.d.sync += status_before.eq(self.status)
        m.d.comb += [
            Assert(~bus.ack | mapped),
            Assert(~bus.err | ~mapped),
            Assert(~self._status.f.value.r_stb | ((bus.adr == 1) & ~bus.we & bus.sel[1])),
        ]
        with m.If(bus.ack & bus.we & (bus.adr == 0)):
            lanes = Cat(lane.replicate(8) for lane in bus.sel[:4])
            m.d.sync += word.eq((word & ~lanes) | (bus.dat_w[:32] & lanes))
        with m.If(bus.ack & ~bus.we):
            expected = Mux(bus.adr == 0, word, status_before << 8)
            m.d.comb += Assert(bus.dat_r == expected)
        with m.If(~(bus.ack & bus.we)):
            m.d.comb += Assert(self._storage.f.value.data == word)
        return m


def _answer_in(m, bus, cycles):
    """No request waits longer than so many cycles, that of the answer included."""
    waited = Signal(4)
    waiting = bus.cyc & bus.stb & ~(bus.ack | bus.err)
    m.d.sync += waited.eq(Mux(waiting, waited + 1, 0))
    m.d.comb += Assert(~waiting | (waited < cycles - 1))


@pytest.mark.parametrize("writable", [True, False])
def test_memory(writable):
    prove(MemoryBench(writable), depth=8, name="sram")


def test_memory_is_exercised():
    prove(MemoryBench(True), mode="cover", depth=12, name="sram")


def test_a_broken_promise_is_found():
    with pytest.raises(ProofFailure, match="FAIL"):
        prove(MemoryBench(True, promise=1), depth=6, name="sram-late")


def test_bridge():
    prove(BridgeBench(), mode="prove", depth=4, name="bridge")
