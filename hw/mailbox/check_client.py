"""Asks the capability unit one question at a time, and refuses when no answer comes."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..abi import Query, Verdict
from ..capability.check import CheckPort, CheckResponse

__all__ = ["CheckClient"]


class CheckClient(wiring.Component):
    """One question on a check port, with a timeout.

    Fail closed: after `timeout` cycles without an answer the verdict is UNDECIDED; one that comes in the next cycle is
    late. A request that the unit has not taken stays offered (a stream never withdraws), and the answer to an abandoned
    question is thrown away; until then no other question is asked, so an answer never meets a question that is not its
    own.

    Parameters
    ----------
    timeout : int
        Cycles from `start` to the refusal.

    Attributes
    ----------
    check : Out(CheckPort())
    start : In(1)
        Ask `query` about `space`, while `idle`. Both are held until `done`.
    hold : In(1)
        Take no answer in this cycle.
    done : Out(1)
        `answer` is there, until `take`.
    arrive : Out(1)
        The answer is being taken from the port in this cycle; `done` follows.
    late_fault, timeout_fault : In(1)
        Planted defects, see `hw.mailbox.config.FAULTS`.
    """

    def __init__(self, timeout):
        if not isinstance(timeout, int):
            raise TypeError(f"Timeout must be an integer, not {timeout!r}")
        if timeout < 1:
            raise ValueError(f"Timeout must be positive, not {timeout}")
        self._timeout = timeout
        super().__init__({
            "check": Out(CheckPort()),
            "start": In(1),
            "query": In(Query),
            "space": In(32),
            "hold": In(1),
            "take": In(1),
            "idle": Out(1),
            "done": Out(1),
            "arrive": Out(1),
            "answer": Out(CheckResponse),
            "late_fault": In(1),
            "timeout_fault": In(1),
        })
        #: The unit has taken a request that it has not answered.
        self.owed = Signal()
        #: The question on the port is the present one.
        self.asked = Signal()

    def elaborate(self, platform):
        m = Module()
        request, response = self.check.request, self.check.response

        owed = self.owed
        timer = Signal(range(self._timeout + 1))
        expired = Signal()
        port_free = ~request.valid & ~owed
        with m.If(request.valid & request.ready):
            m.d.sync += [request.valid.eq(0), owed.eq(1)]
        m.d.comb += response.ready.eq(owed & ~self.hold)
        with m.If(response.valid & response.ready):
            m.d.sync += owed.eq(0)

        def ask():
            m.d.sync += [
                request.valid.eq(1),
                request.payload.query.eq(self.query),
                request.payload.space.eq(self.space),
            ]

        refusal = Signal(CheckResponse)
        m.d.comb += refusal.verdict.eq(Mux(self.timeout_fault, Verdict.OK, Verdict.UNDECIDED))

        def run_out():
            m.d.sync += [timer.eq(timer + 1), expired.eq(timer >= self._timeout - 1)]

        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.idle.eq(1)
                m.d.sync += [timer.eq(0), expired.eq(0)]
                with m.If(self.start):
                    with m.If(port_free):
                        ask()
                        m.next = "wait"
                    with m.Else():
                        m.next = "busy"
            with m.State("busy"):
                run_out()
                m.d.sync += self.answer.eq(Mux(self.late_fault, response.payload.as_value(), refusal.as_value()))
                with m.If(expired | (self.late_fault & response.valid & response.ready)):
                    m.next = "done"
                with m.Elif(port_free):
                    ask()
                    m.next = "wait"
            with m.State("wait"):
                run_out()
                arrives = response.valid & response.ready
                m.d.comb += [self.asked.eq(1), self.arrive.eq(arrives)]
                # The answer is kept whether or not it is there: that is known later than the answer itself.
                m.d.sync += self.answer.eq(Mux(expired, refusal.as_value(), response.payload.as_value()))
                with m.If(arrives | expired):
                    m.next = "done"
            with m.State("done"):
                m.d.comb += self.done.eq(1)
                with m.If(self.take):
                    m.next = "idle"
        return m
