"""Arbiter and decoder together keep the rules of the bus, whatever initiators and targets do within them."""

import pytest
from amaranth.hdl import Array, Assert, Assume, Cat, Const, Cover, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.bus import wishbone
from hw.bus.arbiter import Arbiter
from hw.bus.decoder import Decoder
from hw.bus.memory_map import MemoryMap
from tests.formal.bus.rules import initiator_rules, target_rules
from tests.formal.prove import ProofFailure, prove

FEATURES = ("err", "lock", "cti", "bte")
SIGNATURE = wishbone.Signature(addr_width=3, data_width=8, features=FEATURES)
#: First address and size of each target's window; addresses 4 and 5 are a hole.
WINDOWS = ((0, 4), (6, 2))
INITIATORS = 3


class Bench(wiring.Component):
    """Three initiators and two targets, all free within the rules. `registered` lists the targets behind registers;
    with `near` the first one answers beside the bus.

    `fairness` swaps the properties of protocol for those of the order of service: they talk about stretches of time
    that other initiators can make as long as they like, so they are checked to a bound.
    """

    def __init__(self, *, arbiter=Arbiter, fairness=False, registered=(), near=False):
        members = {f"initiator_{index}": In(SIGNATURE) for index in range(INITIATORS)}
        for index, (_, size) in enumerate(WINDOWS):
            members[f"target_{index}"] = Out(wishbone.Signature(addr_width=size.bit_length() - 1, data_width=8,
                                                                features=FEATURES))
        self._arbiter = arbiter
        self._fairness = fairness
        self._registered = registered
        if near:
            assert 0 not in registered
            members |= {"near_write": In(wishbone.Answer), "near_read": In(wishbone.Answer)}
        self._near = near
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        window = (WINDOWS[0][0], WINDOWS[0][0] + WINDOWS[0][1])
        m.submodules.arbiter = arbiter = self._arbiter(SIGNATURE, **({"near": window} if self._near else {}))
        m.submodules.decoder = decoder = Decoder(SIGNATURE)
        initiators = [getattr(self, f"initiator_{index}") for index in range(INITIATORS)]
        targets = [getattr(self, f"target_{index}") for index in range(len(WINDOWS))]
        bursts = []
        for initiator in initiators:
            arbiter.add(initiator)
            bursts.append(initiator_rules(m, initiator, Assume, bursts=True))
        for index, (target, (start, size)) in enumerate(zip(targets, WINDOWS, strict=True)):
            target.memory_map = MemoryMap(addr_width=size.bit_length() - 1)
            decoder.add(target, addr=start, name=f"target_{index}", registered=index in self._registered,
                        answers=not self._near or index > 0)
            target_rules(m, target, Assume)
        wiring.connect(m, arbiter.bus, decoder.bus)

        #: The bus with all answers that its owner sees.
        shared = arbiter.bus
        if self._near:
            shared = self._answer_beside_the_bus(m, arbiter, targets[0])

        answers = [initiator.ack | initiator.err for initiator in initiators]
        if self._fairness:
            self._order_of_service(m, initiators, answers)
            return m

        for initiator in initiators:
            target_rules(m, initiator, Assert)
        shared_burst = initiator_rules(m, shared, Assert, bursts=True)
        for target in targets:
            initiator_rules(m, target, Assert)
        m.d.comb += Assert(sum(answers) <= 1)
        m.d.comb += Assert(sum(target.cyc for target in targets) <= 1)
        self._answers_belong(m, initiators, targets, arbiter.bus)
        self._registers(m, arbiter, decoder)
        owned = self._ownership(m, initiators, answers, arbiter.bus)
        # Invariants that make the induction close: the burst on the bus is that of its owner.
        for owns, burst in zip(owned, bursts, strict=True):
            m.d.comb += Assert(owns | ~burst.inside)
            with m.If(owns):
                m.d.comb += Assert(shared_burst.inside == burst.inside)
                with m.If(burst.inside):
                    m.d.comb += Assert(shared_burst == burst)
        with m.If(~Cat(owned).any()):
            m.d.comb += Assert(~shared_burst.inside)
        return m

    def _answer_beside_the_bus(self, m, arbiter, target):
        """The target's answers are what it foretells; returns what the bus would be if they came over it."""
        m.d.comb += [arbiter.near_write.eq(self.near_write), arbiter.near_read.eq(self.near_read)]
        foretold = wishbone.Answer(Mux(target.we, self.near_write.as_value(), self.near_read.as_value()))
        asked = target.cyc & target.stb
        m.d.comb += Assume((target.ack == (asked & foretold.ack)) & (target.err == (asked & foretold.err)))
        shared = SIGNATURE.create(path=("shared",))
        for name in SIGNATURE.members:
            if name not in ("ack", "err"):
                m.d.comb += getattr(shared, name).eq(getattr(arbiter.bus, name))
        m.d.comb += [shared.ack.eq(arbiter.bus.ack | target.ack), shared.err.eq(arbiter.bus.err | target.err)]
        return shared

    def _answers_belong(self, m, initiators, targets, bus):
        """An answer, and its data, come from the target at the initiator's address; a hole answers with an error."""
        holes = Const(sum(1 << address for address in range(8)
                          if not any(start <= address < start + size for start, size in WINDOWS)), 8)
        for initiator in initiators:
            in_hole = holes.bit_select(initiator.adr, 1)
            second = initiator.adr >= WINDOWS[1][0]
            target = {name: Mux(second, getattr(targets[1], name), getattr(targets[0], name))
                      for name in ("cyc", "stb", "adr", "we", "sel", "dat_w", "dat_r", "ack", "err")}
            for index, port in enumerate(targets):
                if index not in self._registered:
                    with m.If(port.ack | port.err):
                        m.d.comb += Assert(port.lock == bus.lock)
            with m.If((initiator.ack | initiator.err) & ~in_hole):
                m.d.comb += [
                    Assert((target["ack"] == initiator.ack) & (target["err"] == initiator.err)),
                    Assert(target["adr"] == Mux(second, initiator.adr[:1], initiator.adr[:2])),
                    Assert(Cat(target["we"], target["sel"]) == Cat(initiator.we, initiator.sel)),
                    Assert(~initiator.we | (target["dat_w"] == initiator.dat_w)),
                    Assert(target["dat_r"] == initiator.dat_r),
                ]
            with m.If(in_hole):
                m.d.comb += Assert(~initiator.ack)
        in_hole, waits = bus.cyc & bus.stb & holes.bit_select(bus.adr, 1), Signal()
        m.d.sync += waits.eq(in_hole & ~bus.err)
        with m.If(in_hole):
            m.d.comb += Assert(bus.err if not self._registered else bus.err == waits)
            m.d.comb += Assert(~Cat(target.cyc for target in targets).any())
        # The bus rests for a cycle when it changes hands. Not for longer, unless those who wanted it have given up.
        wants, rested = Cat(initiator.cyc for initiator in initiators), Signal()
        wanted = Signal.like(wants)
        m.d.comb += Assert(wants.any() | ~bus.cyc)
        m.d.sync += [wanted.eq(wants), rested.eq(wants.any() & ~bus.cyc)]
        with m.If(rested & ((wanted & ~wants) == 0)):
            m.d.comb += Assert(bus.cyc)

    def _registers(self, m, arbiter, decoder):
        """Invariants: there is one owner, and what the decoder keeps is what is on the bus."""
        owner = arbiter._owner
        m.d.comb += Assert((owner != 0) & ((owner & (owner - 1)) == 0))
        bus, kept = arbiter.bus, decoder._kept
        with m.If(kept.stb):
            m.d.comb += [
                Assert(bus.cyc & bus.stb),
                Assert(Cat(kept.adr, kept.we, kept.sel) == Cat(bus.adr, bus.we, bus.sel)),
                Assert(~bus.we | (kept.dat_w == bus.dat_w)),
            ]
        for index, chosen in decoder._chosen.items():
            start, size = WINDOWS[index]
            m.d.comb += Assert(chosen == (kept.stb & (kept.adr >= start) & (kept.adr < start + size)))

    def _ownership(self, m, initiators, answers, bus):
        """Nobody else is answered between an answer and the fall of `cyc`."""
        owned = []
        for index, initiator in enumerate(initiators):
            # Each initiator signs its data, so that the bus shows who has it.
            m.d.comb += Assume(initiator.dat_w[6:] == index)
            owns = Signal(name=f"owns_{index}")
            with m.If(owns & initiator.cyc):
                m.d.comb += Assert(bus.dat_w[6:] == index)
            owned.append(owns & initiator.cyc)
            m.d.sync += owns.eq(initiator.cyc & (owns | answers[index]))
            with m.If(owns & initiator.cyc):
                m.d.comb += Assert(~Cat(other for other in answers if other is not answers[index]).any())
        return owned

    def _order_of_service(self, m, initiators, answers):
        """While one waits, no other begins to be served twice."""
        fresh = []
        for index, initiator in enumerate(initiators):
            first = Signal(init=1, name=f"fresh_{index}")
            m.d.sync += first.eq(~initiator.cyc | (first & ~answers[index]))
            fresh.append(first)
        for index, initiator in enumerate(initiators):
            waits = initiator.cyc & fresh[index]
            for other in range(INITIATORS):
                if other == index:
                    continue
                count = Signal(2, name=f"served_{other}_while_{index}")
                begins = answers[other] & fresh[other]
                m.d.sync += count.eq(Mux(waits, count + (begins & (count != 3)), 0))
                m.d.comb += Assert(count <= 1)
                # Not vacuous: it does happen once, and a third then waits as well.
                m.d.comb += Cover(waits & (count == 1) & answers[index])


class Rash(Arbiter):
    """Looks at who asks in every cycle, and forgets whose bus it is."""

    def elaborate(self, platform):
        m = Module()
        grant = Signal(range(len(self._initiators)))
        for index, initiator in reversed(list(enumerate(self._initiators))):
            with m.If(initiator.cyc):
                m.d.comb += grant.eq(index)
        for name in ("adr", "dat_w", "sel", "cyc", "stb", "we", "lock", "cti", "bte"):
            m.d.comb += getattr(self.bus, name).eq(Array(getattr(i, name) for i in self._initiators)[grant])
        for index, initiator in enumerate(self._initiators):
            m.d.comb += [initiator.dat_r.eq(self.bus.dat_r), initiator.ack.eq(self.bus.ack & (grant == index)),
                         initiator.err.eq(self.bus.err & (grant == index))]
        return m


@pytest.mark.parametrize("registered", [(), (1,), (0, 1)], ids=["direct", "mixed", "registered"])
def test_protocol(registered):
    prove(Bench(registered=registered), mode="prove", depth=4, name=f"interconnect-{len(registered)}")


def test_protocol_with_answers_beside_the_bus():
    prove(Bench(registered=(1,), near=True), mode="prove", depth=4, name="interconnect-near")


class Everywhere(Arbiter):
    """Hands the near target's answers to whoever asks, wherever."""

    def elaborate(self, platform):
        self._near = (0, 8)
        return super().elaborate(platform)


def test_an_answer_to_others_is_found():
    with pytest.raises(ProofFailure, match="FAIL"):
        prove(Bench(arbiter=Everywhere, registered=(1,), near=True), depth=10, name="interconnect-everywhere")


def test_order_of_service():
    prove(Bench(fairness=True), mode="bmc", depth=14, name="interconnect-order")


def test_order_is_exercised():
    prove(Bench(fairness=True), mode="cover", depth=14, name="interconnect-order")


@pytest.mark.parametrize("fairness", [False, True])
def test_a_rash_arbiter_is_found(fairness):
    with pytest.raises(ProofFailure, match="FAIL"):
        prove(Bench(arbiter=Rash, fairness=fairness), depth=10, name="interconnect-rash")
