"""The part of the capability unit that decides: lookaside buffer, walker, and who may use them when.

Requesters (instruction port, check port, window, in this order of precedence) ask for lookups. One lookup is granted a
cycle and answered in the next; a miss starts the walker, whose answer comes later. A requester that had to wait
`patience` cycles goes first once. Invalidates go before lookups: they wait until the lookup under way has been
answered, start over the walk they concern, and report back when nothing they name is left.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from ..mapping import SEPARATE
from .check import CheckRequest, CheckResponse
from .lookaside import Invalidate, InvalidateKind, LineFlip, Lookaside, SlotKey, has_room_for, parity_groups
from .verdict import Judge, LineJudge
from .walker import TableRegisters, Walker, WalkResult

__all__ = ["LookupPort", "InvalidatePort", "Engine"]


class LookupPort(wiring.Signature):
    """Asking for a lookup, seen from who asks.

    `valid` and `request`, with :func:`~hw.capability.lookaside.place_of` it; `grant` when looked up in this cycle. In
    the cycle after a grant, `walk` says whether a miss may start a walk. In that cycle comes `known` with `seen`, which
    mean nothing to whom nothing was granted. When it does not come, `again` says that no walk could start; else one has
    begun, and `walked` comes with `found` later. All ports but the first ask for nothing in the cycle after a grant.
    The cycle after `known` or `walked` has the response in `last`, for who can wait: only the last port of the engine
    has that.

    Who cannot wait for `known` makes it of `hit`, which comes late, and `closed`, which does not. Who cannot wait for
    `seen` says in that cycle with `wants_value` that it wants `value` of an OK, the badge or with `wants_object` the
    object's number. Zero if it is not OK. Only the first port of the engine has either.
    """

    def __init__(self):
        super().__init__({
            "valid": Out(1),
            "request": Out(CheckRequest),
            "place": Out(16),
            "grant": In(1),
            "walk": Out(1),
            "known": In(1),
            "hit": In(1),
            "closed": In(1),
            "seen": In(CheckResponse),
            "wants_value": Out(1),
            "wants_object": Out(1),
            "value": In(32),
            "again": In(1),
            "walked": In(1),
            "found": In(CheckResponse),
            "last": In(CheckResponse),
        })


class InvalidatePort(wiring.Signature):
    """Asking for an invalidate: `valid` until `start`, then `done` once, with `failed` if a unit of several has not
    forgotten in time. A unit alone never fails."""

    def __init__(self):
        super().__init__({"valid": Out(1), "request": Out(Invalidate), "start": In(1), "done": In(1),
                          "failed": In(1)})


def _key(request):
    """Which slot a request is about."""
    return SlotKey(Cat(request.space, request.query.handle[:16]))


class Engine(wiring.Component):
    """Lookaside buffer, walker and arbitration.

    Parameters
    ----------
    config : CapabilityUnitConfig
    planted : callable
        Value that says whether a fault, given by its name, is planted.
    sources : int
        How many ask for invalidates. The first that asks goes first.

    Attributes
    ----------
    enable, tables
        Low `enable`: every lookup is UNDECIDED.
    lookups : array of LookupPort
        Instruction port, check port, window.
    invalidates : array of InvalidatePort
        Of one hart alone: instruction port, window, revocation engine.
    remote : In(1)
        For planted faults: the invalidate that is under way is another hart's.
    hold : In(1)
        Somebody keeps an answer that may not outlive an invalidate: none starts.
    started : Out(1)
        An invalidate starts in this cycle: answers not yet given must be asked for again.
    clearing : Out(1)
        The buffer is being cleared as a whole.
    invalidated, restarted : Out(1)
        To count: an invalidate is done; a walk begins again because of one.
    thrown_out : Out(ways)
        To count: lines that were thrown out because of their parity.
    flip_valid, flip, flip_done
        Only with `config.error_injection`: of the lookaside buffer.
    walking : Out(1)
        A walk is under way.
    walker : Out(wishbone)
        Bus master.
    """

    def __init__(self, config, planted, sources=3):
        self._config = config
        self._planted = planted
        members = {
            "enable": In(1),
            "tables": In(TableRegisters),
            "lookups": In(LookupPort()).array(3),
            "invalidates": In(InvalidatePort()).array(sources),
            "remote": In(1),
            "hold": In(1),
            "started": Out(1),
            "clearing": Out(1),
            "invalidated": Out(1),
            "restarted": Out(1),
            "thrown_out": Out(config.ways),
            "walking": Out(1),
            "walker": Out(wishbone.system_signature()),
        }
        if config.error_injection:
            members |= {"flip_valid": In(1), "flip": In(LineFlip), "flip_done": Out(1)}
        super().__init__(members)

    def _create_lookaside(self):
        """The lookaside buffer; proofs put one with registers in its place."""
        return Lookaside(self._config, self._planted)

    def _create_walker(self):
        """The walker; proofs put its contract in its place."""
        return Walker(self._config, self._planted)

    def elaborate(self, platform):
        m = Module()
        config, planted, lookups = self._config, self._planted, self.lookups
        m.submodules.lookaside = lookaside = self._create_lookaside()
        m.submodules.walker = walker = self._create_walker()
        m.submodules.seen = seen = LineJudge(config.ways, parity_groups(config), planted)
        m.submodules.walked = walked = Judge(planted)
        wiring.connect(m, wiring.flipped(self.walker), walker.bus)
        m.d.comb += [walker.enable.eq(self.enable), walker.tables.eq(self.tables),
                     self.clearing.eq(lookaside.clearing)]

        invalidate_pending = Cat(port.valid for port in self.invalidates).any()
        can_look = Signal()
        m.d.comb += can_look.eq(lookaside.ready & ~invalidate_pending)

        # Who is granted: the first that asks, but first of all whoever has lost patience.
        asking = Cat(port.valid for port in lookups)
        impatient = Signal(len(lookups))
        granted = Signal(len(lookups))
        candidates = Mux((asking & impatient).any(), asking & impatient, asking)
        m.d.comb += granted.eq(Mux(can_look, candidates & -candidates, 0))
        for index, port in enumerate(lookups):
            m.d.comb += port.grant.eq(granted[index])
            if index > 0:
                waited = Signal(range(config.patience + 1))
                m.d.comb += impatient[index].eq(waited == config.patience)
                # Who was granted does not ask in the next cycle.
                with m.If(~port.valid):
                    m.d.sync += waited.eq(0)
                with m.Elif(~impatient[index]):
                    m.d.sync += waited.eq(waited + 1)

        # The request by precedence alone: it need not wait for the grant.
        request = Signal(CheckRequest)
        for index, port in reversed(list(enumerate(lookups))):
            with m.If(candidates[index]):
                m.d.comb += [request.eq(port.request), lookaside.place.eq(port.place)]
        m.d.comb += lookaside.key.eq(_key(request))

        # The cycle after the grant.
        s_owner = Signal(len(lookups))
        s_request = Signal(CheckRequest)
        s_known, s_walk = Signal(), Signal(attrs=SEPARATE)
        first = lookups[0]
        m.d.sync += [s_owner.eq(granted), s_request.eq(request)]
        m.d.comb += [
            seen.query.eq(s_request.query),
            seen.enable.eq(self.enable),
            seen.holds.eq(lookaside.holds),
            *(judged.eq(intact) for judged, intact in zip(seen.intact, lookaside.intact, strict=True)),
            *(judged.eq(content) for judged, content in zip(seen.contents, lookaside.contents, strict=True)),
            seen.wants_value.eq(first.wants_value),
            seen.wants_object.eq(first.wants_object),
            first.value.eq(seen.value),
            # Not by the signal that all others share: this one goes together with what follows.
            first.hit.eq(lookaside.holds.any()),
        ]
        # Whether a line decides is known late. Without one it is decided all the same if no walk is possible, and that
        # is known before, as is whether a walk may start.
        s_closed, s_may_walk = Signal(attrs=SEPARATE), Signal(attrs=SEPARATE)
        m.d.comb += [
            s_closed.eq(~self.enable | walker.stuck),
            first.closed.eq(s_closed),
            s_may_walk.eq((s_owner & Cat(port.walk for port in lookups)).any() & ~s_closed & walker.idle),
            s_known.eq(lookaside.hit | s_closed),
            s_walk.eq(s_may_walk & ~lookaside.hit),
        ]

        # The walk. What it is of is taken from every lookup while there is none, and so does not wait for the miss.
        w_owner = Signal(len(lookups))
        w_request = Signal(CheckRequest)
        w_key = _key(w_request)
        w_cacheable = Signal()
        found = WalkResult(walker.result.as_value())
        m.d.comb += [
            walker.start.eq(s_walk),
            walker.key.eq(Mux(walker.idle, _key(s_request).as_value(), w_key.as_value())),
            walked.query.eq(w_request.query),
            walked.found.eq(found),
            w_cacheable.eq(~found.error & ~found.outside & found.valid & ~found.object_error & found.live
                           & (has_room_for(w_key.space, found.content) | planted("keep_wide"))),
            lookaside.fill_valid.eq(walker.valid & w_cacheable),
            lookaside.fill_key.eq(w_key),
            lookaside.fill_content.eq(found.content),
            walker.ready.eq(lookaside.fill_ready),
        ]
        with m.If(walker.idle):
            m.d.sync += [w_owner.eq(s_owner), w_request.eq(s_request)]
        last = Signal(CheckResponse)
        w_done = Signal()
        m.d.comb += w_done.eq(walker.valid & walker.ready)
        for index, port in enumerate(lookups):
            m.d.comb += [
                port.known.eq(s_known),
                port.again.eq(~s_may_walk),
                port.walked.eq(w_owner[index] & w_done),
                port.seen.eq(seen.response),
                port.found.eq(walked.response),
            ]
        # A lookup and a walk can end at once, but not for one and the same port.
        m.d.sync += last.eq(Mux(s_owner[-1], seen.response.as_value(), walked.response.as_value()))
        m.d.comb += lookups[len(lookups) - 1].last.eq(last)

        # Invalidates. None starts while a lookup is under way or kept, so that each answer is before it or after it.
        owner = Signal(range(len(self.invalidates)))
        chosen = Signal(Invalidate)
        busy = Signal()
        start = Signal()
        m.d.comb += [
            start.eq(invalidate_pending & ~busy & ~s_owner.any() & ~self.hold & lookaside.invalidate_ready),
            lookaside.invalidate_valid.eq(start),
            lookaside.invalidate.eq(chosen),
            self.started.eq(start),
        ]
        # The first that asks.
        asking_index = Signal.like(owner)
        for index, port in reversed(list(enumerate(self.invalidates))):
            with m.If(port.valid):
                m.d.comb += [chosen.eq(port.request), asking_index.eq(index)]
        with m.If(start):
            m.d.sync += [busy.eq(1), owner.eq(asking_index)]
        with m.Elif(lookaside.done):
            m.d.sync += busy.eq(0)
        for index, port in enumerate(self.invalidates):
            m.d.comb += [port.start.eq(start & (asking_index == index)),
                         port.done.eq(busy & lookaside.done & (owner == index)), port.failed.eq(0)]

        # The walk it concerns starts over in the next cycle: in this one the buffer takes no result of a walk, nor does
        # it before it is done. A walk that is not under way when an invalidate starts does not begin before that.
        started, concerned = Signal(), Signal()
        current = lookaside.current
        m.d.sync += started.eq(start)
        with m.Switch(current.kind):
            with m.Case(InvalidateKind.SLOT):
                m.d.comb += concerned.eq((current.space == w_key.space) & (current.index == w_key.index))
            with m.Case(InvalidateKind.SPACE):
                m.d.comb += concerned.eq(current.space == w_key.space)
            with m.Case(InvalidateKind.OBJECT):
                m.d.comb += concerned.eq(~walker.object_known | (current.name == walker.object_id))
            with m.Default():
                m.d.comb += concerned.eq(1)
        kept = self.remote & planted("keep_remote_walk") if config.harts > 1 else C(0)
        m.d.comb += walker.restart.eq(started & concerned & ~kept)

        m.d.comb += [
            self.invalidated.eq(busy & lookaside.done),
            self.restarted.eq(walker.restart & ~walker.idle),
            self.thrown_out.eq(lookaside.thrown_out),
            self.walking.eq(~walker.idle & ~walker.stuck),
        ]
        if config.error_injection:
            m.d.comb += [lookaside.flip_valid.eq(self.flip_valid), lookaside.flip.eq(self.flip),
                         self.flip_done.eq(lookaside.flip_done)]
        # For the proof's invariants.
        self._inside = SimpleNamespace(s_owner=s_owner, s_request=s_request, w_owner=w_owner, w_request=w_request,
                                       busy=busy, owner=owner, started=started)
        return m
