"""Formal bench of the capability unit around its walker: lookaside buffer, arbitration, fronts.

The walker is replaced by its contract, which `walker_bench` proves of the real one. One slot is tracked, any slot;
`truth` is what a walk finds there, anything, once the tables are `settled`. Before that the buffer fills with whatever.

Once the unit has been reset after `settled`, or an invalidate that names the tracked slot began after `settled` and
is done, every answer about that slot, by whomever and whenever it was asked, must be what `truth` justifies, or
UNDECIDED. After an invalidate by object the same holds of every OK that shows that object.
"""

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, C, Cat, Cover, Elaboratable, Fragment, Module, Mux, Signal
from amaranth.lib import wiring

from hw.abi import Verdict
from hw.capability.check import CheckRequest, CheckResponse
from hw.capability.config import CapabilityUnitConfig
from hw.capability.engine import Engine
from hw.capability.front import InstructionFront
from hw.capability.lookaside import Invalidate, InvalidateKind
from hw.capability.requester import Requester
from hw.capability.walker import WalkResult
from tests.formal.capability.contract import RegisterLookaside, WalkerContract
from tests.formal.capability.invariants import buffer_invariants, front_invariants, requester_invariants
from tests.formal.capability.port_rules import watch_port
from tests.formal.capability.reference import Elaborated, symbolic, verdict_of_slot

__all__ = ["EngineBench"]


class EngineBench(Elaboratable):
    """The bench.

    Parameters
    ----------
    faults : set of str
        To plant.
    cover : {None, "ok", "wrong"}
        Instead of a proof, ask for an OK after an invalidate on each interface, which shows that the bench is not
        vacuous; or for any wrong answer, the quick way to a counterexample for a planted fault.
    core : bool
        Let the core issue instructions.
    broadcast : bool
        The unit is one of several (:mod:`hw.capability.hart_unit`): it is told what to forget, and what its front asks
        for is acknowledged by others, whenever they like.
    revocation : bool
        The unit has a revocation engine. Without one nobody but front and window asks for invalidates.
    taken_after : int, optional
        Instead of all that: whoever asks the check port takes an answer this many cycles later at most; then whatever
        the engine is told to forget first is forgotten in `bound` cycles.
    """

    def __init__(self, *, faults=(), cover=None, core=True, broadcast=False,
                 revocation=True, taken_after=None):
        self.broadcast, self.revocation, self.taken_after = broadcast, revocation, taken_after
        self.config = CapabilityUnitConfig(lines=4, ways=2, max_walk_cycles=64, patience=2, faults=frozenset(faults))
        self.cover, self.core = cover, core

    def elaborate(self, platform):
        m = Module()

        def planted(name):
            return C(name in self.config.faults, 1)

        self.engine = engine = Engine(self.config, planted, sources=2 if self.broadcast or not self.revocation else 3)
        self.front = front = InstructionFront(planted, self.revocation)
        self.checker = checker = Requester()
        self.walker = walker = WalkerContract(planted)
        self.lookaside = lookaside = RegisterLookaside(self.config, planted)
        engine._create_walker = lambda: walker
        engine._create_lookaside = lambda: lookaside
        for name in ("engine", "front", "checker"):
            m.submodules[name] = Elaborated(Fragment.get(getattr(self, name), platform))

        was_settled, settled = Signal(), Signal()
        self.settled = settled
        self.space, self.index = symbolic(m, AnyConst, 32, "space"), symbolic(m, AnyConst, 16, "index")
        self.truth = truth = symbolic(m, AnyConst, WalkResult, "truth")
        m.d.sync += was_settled.eq(settled)
        m.d.comb += [
            settled.eq(was_settled | AnySeq(1)),
            engine.enable.eq(1),
            walker.settled.eq(settled), walker.truth.eq(truth), walker.tracked.eq(self.tracks(walker.key)),
        ]
        if self.revocation:
            m.d.comb += front.revoke_answer.as_value().eq(AnySeq(64))
        self._invalidates(m)
        self._cleanliness(m)
        for number, requester in enumerate((front, checker)):
            wiring.connect(m, requester.lookup, engine.lookups[number])
        m.d.comb += [engine.hold.eq(checker.hold), front.started.eq(engine.started),
                     front.clearing.eq(engine.clearing)]
        answer, asked, response = self._check(m)
        watched = watch_port(m, front)
        if not self.core:
            m.d.comb += Assume(~front.port.issue.valid)
        if self.taken_after is not None:
            self._progress(m)
            return m
        answers = {"check": (answer, asked, response, C(1, 1), C(1, 1)),
                   "port": (watched.result, watched.asked, watched.response, watched.shows_object,
                            ~watched.shows_object)}
        if self.cover == "ok":
            for name, (valid, request, response, *_) in answers.items():
                m.d.comb += Cover(valid & self.concerns(request) & self.clean & ~self.reset_clean
                                  & (response.verdict == Verdict.OK) & (request.query.rights != 0), name)
            return m
        wrong = Cat(valid & ~self.right(m, *rest) for valid, *rest in answers.values())
        if self.cover == "wrong":
            m.d.comb += Cover(wrong.any() | Cat(watched.broken_rules).any())
            return m
        m.d.comb += [Assert(~each) for each in (*wrong, *watched.broken_rules, walker.misused)]
        buffer_invariants(m, self)
        requester_invariants(m, self, asked)
        front_invariants(m, self, watched)
        return m

    # -- What properties and invariants are made of.

    def tracks(self, key):
        """The slot key is the tracked slot's."""
        return (key.space == self.space) & (key.index == self.index)

    def concerns(self, request):
        """The request is about the tracked slot."""
        return (request.space == self.space) & (request.query.handle[:16] == self.index)

    def cacheable(self, found):
        """The walk result says that the slot holds a capability of a live object."""
        return ~found.error & ~found.outside & found.valid & ~found.object_error & found.live

    def right(self, m, request, response, shows_object, shows_badge):
        """Whether the response to the request is one that may be given at this moment."""
        expected, right = Signal(CheckResponse), Signal()
        verdict_of_slot(m, request.query, self.truth, expected)
        is_ok, concerns = response.verdict == Verdict.OK, self.concerns(request)
        # Values come with an OK alone.
        m.d.comb += right.eq(is_ok | ((response.object_id == 0) & (response.badge == 0)))
        with m.If(concerns & self.clean & (response.verdict != Verdict.UNDECIDED) & ~(
                (response.verdict == expected.verdict)
                & (~shows_object | (response.object_id == expected.object_id))
                & (~shows_badge | (response.badge == expected.badge)))):
            m.d.comb += right.eq(0)
        with m.If(concerns & self.clean_object & is_ok & shows_object & (response.object_id == self.object_id)
                  & ~((expected.verdict == Verdict.OK) & (expected.object_id == self.object_id))):
            m.d.comb += right.eq(0)
        return right

    def _progress(self, m):
        """The first source comes to its end."""
        port, response, sets = self.engine.invalidates[0], self.checker.check.response, self.config.sets
        # Something else that is being forgotten, or cleared; an answer that lies, and a line that is filled meanwhile;
        # the sweep.
        self.bound = (sets + 2) + (self.taken_after + 4) + (sets + 2)
        asks, age, lies = Signal(), Signal(range(self.bound + 3)), Signal(range(self.taken_after + 2))
        m.d.sync += asks.eq(port.valid | (asks & ~port.done))
        with m.If(~(port.valid | asks) | port.done):
            m.d.sync += age.eq(0)
        with m.Elif(age != self.bound + 2):
            m.d.sync += age.eq(age + 1)
        m.d.sync += lies.eq(Mux(response.valid & ~response.ready, lies + 1, 0))
        m.d.comb += [Assume(lies <= self.taken_after), Assert(age < self.bound)]

    # -- Surroundings.

    def _invalidates(self, m):
        """The front's invalidates, and sources in place of window and revocation engine, which ask when they like. With
        a broadcast, that and the window's own."""
        first, *others = self.engine.invalidates
        if self.broadcast:
            others, port, self.waiting = [first, *others], self.front.invalidate, Signal()
            m.d.comb += [port.start.eq(port.valid & AnySeq(1)), port.done.eq(self.waiting & AnySeq(1)),
                         port.failed.eq(port.done & AnySeq(1))]
            m.d.sync += self.waiting.eq(Mux(self.waiting, ~port.done, port.start))
        else:
            wiring.connect(m, self.front.invalidate, first)
            self.waiting = self.engine._inside.busy & (self.engine._inside.owner == 0)
        for number, port in enumerate(others):
            asking, asked = Signal(name=f"asking{number}"), Signal(Invalidate, name=f"asked{number}")
            m.d.comb += [port.valid.eq(asking), port.request.eq(asked)]
            with m.If(~asking):
                m.d.sync += [asking.eq(AnySeq(1)), asked.as_value().eq(AnySeq(len(asked.as_value())))]
            with m.Elif(port.start):
                m.d.sync += asking.eq(0)

    def names_slot(self, request):
        """The invalidate names the tracked slot."""
        kind, in_space = request.kind, request.space == self.space
        return ((kind == InvalidateKind.ALL) | ((kind == InvalidateKind.SPACE) & in_space)
                | ((kind == InvalidateKind.SLOT) & in_space & (request.name[:16] == self.index)))

    def names_object(self, request):
        """The invalidate names the object whose invalidation is tracked, or everything."""
        return ((request.kind == InvalidateKind.ALL)
                | ((request.kind == InvalidateKind.OBJECT) & (request.name == self.object_id)))

    def _cleanliness(self, m):
        """Whether what the unit knows of the tracked slot, or of one object, must be from after `settled`.

        `begun` from the start of the first such invalidate, `clean` from its acknowledgement.
        """
        self.object_id = symbolic(m, AnyConst, 32, "object_id")
        self.begun, self.clean, self.current = Signal(), Signal(), Signal()
        self.begun_object, self.clean_object, self.current_object = Signal(), Signal(), Signal()
        self.resetting, self.reset_clean = Signal(init=1), Signal()
        first = Signal(init=1)
        m.d.sync += first.eq(0)
        with m.If(first):
            m.d.sync += [self.begun.eq(self.settled), self.begun_object.eq(self.settled)]
        with m.If(self.resetting & self.lookaside.done):
            m.d.sync += [self.resetting.eq(0), self.clean.eq(self.begun), self.clean_object.eq(self.begun_object),
                         self.reset_clean.eq(self.begun)]
        self.first = first
        for port in self.engine.invalidates:
            slot, objects = (self.settled & self.names_slot(port.request),
                             self.settled & self.names_object(port.request))
            with m.If(port.start):
                m.d.sync += [
                    self.current.eq(slot), self.begun.eq(self.begun | slot),
                    self.current_object.eq(objects), self.begun_object.eq(self.begun_object | objects),
                ]
            with m.If(port.done):
                m.d.sync += [self.clean.eq(self.clean | self.current),
                             self.clean_object.eq(self.clean_object | self.current_object)]

    def _check(self, m):
        """The check port asks anything, and takes answers when it likes."""
        request, response = self.checker.check.request, self.checker.check.response
        asked = Signal(CheckRequest)
        m.d.comb += [request.valid.eq(AnySeq(1)), request.payload.as_value().eq(AnySeq(len(asked.as_value()))),
                     response.ready.eq(AnySeq(1))]
        with m.If(request.valid & request.ready):
            m.d.sync += asked.eq(request.payload)
        return response.valid, asked, response.payload

