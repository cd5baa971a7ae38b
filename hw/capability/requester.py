"""One that asks for checks through a check port: takes a request, has it looked up, keeps the answer until taken."""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..abi import Verdict
from .check import CheckPort, CheckRequest, CheckResponse
from .engine import LookupPort
from .lookaside import place_of

__all__ = ["AnswerEvent", "Requester"]


class AnswerEvent(data.Struct):
    """For the statistics: an answer was given, whether it took a walk, and the verdict."""

    valid: 1
    walked: 1
    verdict: Verdict


class Requester(wiring.Component):
    """Check port on one side, lookup port on the other; one check at a time.

    Attributes
    ----------
    check : In(CheckPort())
        The response to a hit comes in the cycle after the request, that of a walk in the cycle after its end.
    lookup : Out(LookupPort())
    hold : Out(1)
        An answer waits to be taken.
    event : Out(AnswerEvent)
    """

    check: In(CheckPort())
    lookup: Out(LookupPort())
    hold: Out(1)
    event: Out(AnswerEvent)

    def elaborate(self, platform):
        m = Module()
        request, response, lookup = self.check.request, self.check.response, self.lookup
        kept_request = Signal(CheckRequest)
        kept_response = Signal(CheckResponse)
        walked = Signal()
        m.d.comb += [
            lookup.walk.eq(1),
            lookup.place.eq(place_of(lookup.request.query.handle, lookup.request.space)),
            response.payload.eq(lookup.seen),
        ]

        def answer(then):
            """The answer is here; `then` says what the next state is when it is taken."""
            m.d.comb += response.valid.eq(1)
            with m.If(response.ready):
                m.d.comb += self.event.valid.eq(1)
                m.next = "IDLE"
            with m.Else():
                m.next = then

        m.d.comb += [self.event.walked.eq(walked), self.event.verdict.eq(response.payload.verdict)]
        with m.FSM() as fsm:
            with m.State("IDLE"):
                m.d.comb += [request.ready.eq(1), lookup.valid.eq(request.valid),
                             lookup.request.eq(request.payload)]
                m.d.sync += [kept_request.eq(request.payload), walked.eq(0)]
                with m.If(request.valid):
                    m.next = "WANT"
                with m.If(lookup.grant):
                    m.next = "LOOK"
            with m.State("WANT"):
                m.d.comb += [lookup.valid.eq(1), lookup.request.eq(kept_request)]
                with m.If(lookup.grant):
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.d.sync += kept_response.eq(lookup.seen)
                with m.If(lookup.known):
                    answer("HELD")
                with m.Elif(lookup.again):
                    m.next = "WANT"
                with m.Else():
                    m.next = "WALK"
            with m.State("WALK"):
                m.d.sync += [kept_response.eq(lookup.found), walked.eq(1)]
                with m.If(lookup.walked):
                    m.next = "HELD"
            with m.State("HELD"):
                m.d.comb += [self.hold.eq(1), response.payload.eq(kept_response)]
                answer("HELD")
            # For the proof's invariants.
            self._inside = SimpleNamespace(state={state: fsm.ongoing(state) for state in list(fsm.encoding)},
                                           kept_request=kept_request, kept_response=kept_response)
        return m
