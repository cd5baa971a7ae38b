"""Formal bench of the broadcast of invalidates between capability units.

The units are anything that obeys `ForgetPort`: each begins and ends what it is told when it likes, and is reset when it
likes. Whoever asks does so when it likes. One source is watched, any one, with one invalidate, any one.

- It is acknowledged as done only when each unit has ended an invalidate that names it and began behind its start; what
  a unit did before or in a reset does not count.
- When it has failed, each unit that has not is told until it has; a unit that is told looks nothing up, so none says OK
  to what it has missed.
- It is answered at most `max_broadcast_cycles` + 1 cycles after its start, and begins after every other source had its
  turn once at most. So nothing waits for ever, whatever the units do.
- Who waits for nothing is answered nothing.

`engine_bench` has the rest: what a unit that has ended an invalidate may answer from then on.
"""

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Array, Assert, Assume, C, Cat, Cover, Elaboratable, Fragment, Module, Mux, Signal

from hw.capability.broadcast import Broadcast
from hw.capability.config import CapabilityUnitConfig
from hw.capability.lookaside import Invalidate, InvalidateKind
from tests.formal.capability.reference import Elaborated, symbolic

__all__ = ["BroadcastBench"]


class BroadcastBench(Elaboratable):
    """The bench.

    Parameters
    ----------
    harts : int
    prompt : int, optional
        Assume that no unit is reset, and that each has forgotten this many cycles after it is told; and prove that
        then nothing fails, and that an answer comes that many cycles and one after the start.
    faults : set of str
        To plant.
    cover : bool
        Instead of a proof, ask for an acknowledge and a failure, and an acknowledge after a failure.
    """

    def __init__(self, *, harts=2, prompt=None, faults=(), cover=False):
        self.config = CapabilityUnitConfig(lines=4, ways=2, max_walk_cycles=16, harts=harts, faults=frozenset(faults))
        self.prompt, self.cover = prompt, cover

    def elaborate(self, platform):
        m = Module()
        harts, limit = self.config.harts, self.config.max_broadcast_cycles
        broadcast = Broadcast(self.config, lambda name: C(name in self.config.faults, 1))
        m.submodules.broadcast = Elaborated(Fragment.get(broadcast, platform))
        inside, sources = broadcast._inside, list(broadcast.sources)
        count = len(sources)
        starter, resets = symbolic(m, AnySeq, len(broadcast.starter), "starter"), Signal(harts)
        m.d.comb += [resets.eq(0 if self.prompt else AnySeq(harts)), broadcast.resets.eq(resets),
                     broadcast.starter.eq(starter), Assume(starter < harts)]

        # -- The watched source and its invalidate.
        watched, wanted = Signal(range(count)), symbolic(m, AnyConst, Invalidate, "wanted")
        m.d.comb += [watched.eq(AnyConst(len(watched))), Assume(watched < count)]
        #: It is under way; it has failed, and not begun again since.
        tracked, failed = Signal(), Signal()

        # -- Sources.
        checks, asking_now, waiting_now = [], [], []
        for number, source in enumerate(sources):
            asking, waiting = Signal(name=f"asking{number}"), Signal(name=f"waiting{number}")
            asked = Signal(Invalidate, name=f"asked{number}")
            in_reset = resets[number // 2] if number < 2 * harts else C(0, 1)
            m.d.comb += [source.valid.eq(asking), source.request.eq(asked)]
            with m.If(in_reset):
                m.d.sync += [asking.eq(0), waiting.eq(0)]
            with m.Elif(~asking & ~waiting):
                m.d.sync += [asking.eq(AnySeq(1)), asked.as_value().eq(AnySeq(len(asked.as_value())))]
            with m.Elif(source.start):
                m.d.sync += [asking.eq(0), waiting.eq(1)]
            with m.Elif(source.done):
                m.d.sync += waiting.eq(0)
            checks += [~source.done | waiting, ~source.failed | source.done, ~(asking & waiting)]
            # Whoever waits is the owner of what is under way, and is not forgotten.
            checks.append(waiting == (inside.busy & inside.owner[number] & ~inside.orphan))
            if number < 2 * harts:
                checks.append(~inside.busy | ~inside.owner[number] | (inside.hart == number // 2))
            else:
                checks.append(~inside.busy | ~inside.owner[number] | ~inside.orphan)
            asking_now.append(asking)
            waiting_now.append(waiting)
        its = {name: Array(getattr(source, name) for source in sources)[watched]
               for name in ("start", "done", "failed", "valid")}
        its_request = Array(source.request.as_value() for source in sources)[watched]
        its_reset = Array([resets[number // 2] if number < 2 * harts else C(0, 1) for number in range(count)])[watched]
        with m.If(its["start"]):
            m.d.sync += [tracked.eq(its_request == wanted.as_value()), failed.eq(0)]
        with m.Elif(its["done"] | its_reset):
            m.d.sync += [tracked.eq(0), failed.eq(tracked & its["failed"])]

        # -- Units.
        fresh, begun_fresh, begun = Signal(harts), Signal(harts), Signal(harts)
        watching = tracked | failed
        for number, unit in enumerate(broadcast.units):
            start, done = Signal(name=f"start{number}"), Signal(name=f"done{number}")
            names = Signal(name=f"names{number}")
            m.d.comb += [
                start.eq(unit.valid & ~begun[number] & ~resets[number] & AnySeq(1)),
                # In the cycle of its reset, it may seem to end.
                done.eq(begun[number] & AnySeq(1)),
                unit.done.eq(done),
                names.eq((unit.request.kind == InvalidateKind.ALL)
                         | (unit.request.as_value() == wanted.as_value())),
            ]
            with m.If(resets[number] | done):
                m.d.sync += begun[number].eq(0)
            with m.Elif(start):
                m.d.sync += begun[number].eq(1)
            with m.If(its["start"] | resets[number]):
                m.d.sync += begun_fresh[number].eq(0)
            with m.Elif(start):
                m.d.sync += begun_fresh[number].eq(names)
            with m.If(its["start"]):
                m.d.sync += fresh[number].eq(0)
            with m.Elif(done & ~resets[number] & begun_fresh[number]):
                m.d.sync += fresh[number].eq(1)
            left, wide = inside.left[number], inside.wide[number]
            missed = watching & ~fresh[number]
            checks += [
                ~begun[number] | unit.valid, left <= 2, ~wide | (left != 0), (left != 2) | wide,
                inside.busy | (left == 0) | wide,
                # The last of what is left begins, or has begun, behind the start, and names what is wanted.
                ~missed | (left != 0),
                ~missed | (left != 1) | ~begun[number] | begun_fresh[number],
                ~missed | wide | (tracked & (inside.request.as_value() == wanted.as_value())),
            ]
            age = Signal(range(limit + 2), name=f"age{number}")
            with m.If(~unit.valid | done):
                m.d.sync += age.eq(0)
            with m.Elif(age != limit + 1):
                m.d.sync += age.eq(age + 1)
            if self.prompt:
                m.d.comb += Assume((age < self.prompt) | ~unit.valid | done)
                checks += [~wide, left <= 1, (left == 0) | (age <= self.prompt),
                           (left == 0) | inside.busy, (left == 0) | (inside.cycles == age)]

        # -- What is proven.
        end = its["done"] & tracked
        checks.append(~(end & ~its["failed"]) | fresh.all())
        checks.append(~failed | (fresh | Cat(unit.valid for unit in broadcast.units)).all())
        age = Signal(range(limit + 3))
        with m.If(its["start"]):
            m.d.sync += age.eq(1)
        with m.Elif(age != limit + 2):
            m.d.sync += age.eq(age + 1)
        waits = Array(waiting_now)[watched]
        bound = self.prompt + 2 if self.prompt else limit + 1
        checks += [~waits | (age <= bound), ~waits | (age == inside.cycles + 1),
                   ~inside.busy | (inside.cycles <= limit)]
        if self.prompt:
            checks += [~failed, ~its["failed"],
                       ~inside.busy | (inside.cycles <= self.prompt + 1),
                       ~(inside.busy & (inside.cycles == self.prompt + 1)) | ~Cat(inside.left).any()]
        # Turns of others while the watched source asks.
        turns, distance = Signal(range(count + 2)), Signal(range(count + 1))
        for number in range(count):
            with m.If(inside.owner[number]):
                behind = Signal(range(2 * count), name=f"behind{number}")
                m.d.comb += [behind.eq(watched + count - number),
                             distance.eq(Mux(behind > count, behind - count, behind))]
        asks = Array(asking_now)[watched]
        with m.If(~asks | its_reset):
            m.d.sync += turns.eq(0)
        with m.Elif(inside.begins & ~its["start"] & (turns != count + 1)):
            m.d.sync += turns.eq(turns + 1)
        owners = Signal(count)
        m.d.comb += owners.eq(inside.owner)
        checks += [
            (owners != 0) & ((owners & (owners - 1)) == 0),
            ~asks | (turns + distance <= count),
            ~asks | (turns < count),
            ~tracked | (waits & inside.owner.bit_select(watched, 1)),
            ~(tracked & failed),
        ]
        if self.cover:
            m.d.comb += [Cover(end & ~its["failed"] & (resets == 0), "done"), Cover(end & its["failed"], "failed"),
                         Cover(failed & fresh.all(), "late")]
            return m
        # By name: a trace says which of them does not hold.
        for number, check in enumerate(checks):
            holds = Signal(name=f"check{number}")
            m.d.comb += [holds.eq(check), Assert(holds)]
        return m
