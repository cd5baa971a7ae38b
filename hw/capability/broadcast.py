"""Broadcast of invalidates to the capability units of several harts: a star with an arbiter in its middle.

One invalidate is under way at a time. Every unit is told of it, that of its origin too, and it is acknowledged to the
origin when all have forgotten. A unit takes invalidates from here alone, whatever its own instructions or commands
wait for, so two origins never wait for each other; they are served in turn.

A unit that has not forgotten after `max_broadcast_cycles` is *late*: the origin hears that the invalidate has failed,
and the others go on. The late unit is told until it has forgotten, now everything, since nobody keeps what it was that
it missed; it looks nothing up before. A unit in reset forgets as well, but only later, so it has to be told again.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .engine import InvalidatePort
from .lookaside import Invalidate, InvalidateKind

__all__ = ["Broadcast", "ForgetPort"]


class ForgetPort(wiring.Signature):
    """Telling a unit to forget, seen from who tells: `valid` with a steady `request` and `remote` (another hart is the
    origin) up to and including the cycle of `done`, which is about a request that began after `valid` rose."""

    def __init__(self):
        super().__init__({"valid": Out(1), "request": Out(Invalidate), "remote": Out(1), "done": In(1)})


class Broadcast(wiring.Component):
    """The broadcast.

    Parameters
    ----------
    config : CapabilityUnitConfig
        With `harts` units.
    planted : callable
        Value that says whether a fault, given by its name, is planted.

    Attributes
    ----------
    sources : array of InvalidatePort
        Who asks: instruction front and window of each hart, then the revocation engine.
    units : array of ForgetPort
    resets : In(harts)
        Which units are in reset in this cycle. What a unit has asked for is not acknowledged to it after a reset.
    starter : In(range(harts))
        Hart on whose behalf the revocation engine asks.
    late : Out(harts)
        Which units have not forgotten in time.
    failed : Out(harts)
        To count: an invalidate of this hart has failed.
    """

    def __init__(self, config, planted):
        self._config, self._planted = config, planted
        super().__init__({
            "sources": In(InvalidatePort()).array(2 * config.harts + 1),
            "units": Out(ForgetPort()).array(config.harts),
            "resets": In(config.harts),
            "starter": In(range(config.harts)),
            "late": Out(config.harts),
            "failed": Out(config.harts),
        })

    def elaborate(self, platform):
        m = Module()
        planted, harts, sources = self._planted, self._config.harts, list(self.sources)
        count, limit = len(sources), self._config.max_broadcast_cycles
        #: A broadcast is under way; whose it is, one-hot, of which hart, and that hart's unit has been reset since.
        busy, owner, hart, orphan = Signal(), Signal(count, init=1), Signal(range(harts)), Signal()
        request = Signal(Invalidate)
        cycles = Signal(range(limit + 1))
        #: For each unit how many times it must still forget; whether that must be everything.
        left = [Signal(2, name=f"left{number}") for number in range(harts)]
        wide = Signal(harts)

        # Who is next: the first behind the last one.
        asking, next_owner, next_hart = Signal(count), Signal(count), Signal(range(harts))
        chosen = Signal(Invalidate)
        m.d.comb += asking.eq(Cat(
            source.valid & ~(self.resets[number // 2] if number < 2 * harts else 0)
            for number, source in enumerate(sources)))
        for last in range(count):
            with m.If(owner[last]):
                # The last assignment wins: nearest behind the owner comes last.
                for distance in reversed(range(1, count + 1)):
                    candidate = (last + distance) % count
                    with m.If(asking[candidate]):
                        m.d.comb += next_owner.eq(1 << candidate)
        for number, source in enumerate(sources):
            with m.If(next_owner[number]):
                m.d.comb += [chosen.eq(source.request),
                             next_hart.eq(number // 2 if number < 2 * harts else self.starter)]

        begins, complete, expired, ends = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            begins.eq(~busy & asking.any()),
            complete.eq(~Cat(left).any() | planted("early_ack")),
            expired.eq(cycles == limit),
            ends.eq(busy & (complete | expired)),
        ]
        with m.If(begins):
            m.d.sync += [busy.eq(1), owner.eq(next_owner), hart.eq(next_hart), request.eq(chosen), cycles.eq(0),
                         orphan.eq(0)]
        with m.Elif(ends):
            m.d.sync += busy.eq(0)
        with m.If(busy):
            m.d.sync += cycles.eq(cycles + 1)
            with m.If(self.resets.bit_select(hart, 1) & ~owner[-1]):
                m.d.sync += orphan.eq(1)
        failed = Signal()
        m.d.comb += failed.eq(ends & ~complete & ~planted("silence_is_done"))
        for number, source in enumerate(sources):
            acknowledged = ends & owner[number] & ~orphan
            if number < 2 * harts:
                acknowledged &= ~self.resets[number // 2]
            m.d.comb += [source.start.eq(begins & next_owner[number]), source.done.eq(acknowledged),
                         source.failed.eq(acknowledged & failed)]

        for number, unit in enumerate(self.units):
            told, done = Signal(name=f"told{number}"), Signal(name=f"done{number}")
            after = Signal(2, name=f"after{number}")
            reaches = ~(next_owner[-1] & planted("keep_revoked") & (next_hart != number))
            if number == harts - 1:
                reaches &= ~planted("leave_out")
            m.d.comb += [
                told.eq(begins & reaches),
                done.eq(unit.valid & ((unit.done & ~self.resets[number])
                                      | (self.resets[number] & planted("reset_acks")))),
                after.eq(left[number] - done),
                unit.valid.eq(left[number] != 0),
                unit.request.space.eq(request.space),
                unit.request.name.eq(request.name),
                unit.request.kind.eq(Mux(wide[number], InvalidateKind.ALL, request.kind)),
                unit.remote.eq(hart != number),
                self.late[number].eq(wide[number]),
                self.failed[number].eq(failed & (hart == number)),
            ]
            # A unit that is told again while it is forgetting has to begin once more behind that. Where it has
            # just ended, what is left has not begun.
            with m.If(told & (after == 0)):
                m.d.sync += left[number].eq(1)
            with m.Elif(told & ~done & ~planted("count_once")):
                m.d.sync += left[number].eq(2)
            with m.Elif(ends & ~complete & planted("drop_late_unit")):
                m.d.sync += left[number].eq(0)
            with m.Else():
                m.d.sync += left[number].eq(after)
            with m.If(after == 0):
                m.d.sync += wide[number].eq(0)
            with m.Elif(ends & ~planted("narrow_late_unit")):
                m.d.sync += wide[number].eq(1)
        # For the proof's invariants.
        self._inside = SimpleNamespace(busy=busy, owner=owner, hart=hart, orphan=orphan, request=request, cycles=cycles,
                                       left=left, wide=wide, begins=begins, ends=ends, complete=complete)
        return m
