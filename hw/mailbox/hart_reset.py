"""Reset of one hart at a mailbox of several: nothing of that hart stays, and nobody else notices.

What it has staged and not sent is lost, its open messages are closed, and its contexts are bound to nothing. Of a
command under way either all of it has happened, if its result was taken before, or nothing: the answer to its question
is thrown away. A message that is being copied was sent, and arrives whole.
"""

from amaranth import *

from ..core.port import CapabilityPort, connect_closed

__all__ = ["add_hart_reset", "closed_port"]


def closed_port(m, port, reset):
    """The port of a hart as its side of the mailbox sees it: in reset nothing goes either way."""
    inner = CapabilityPort().create()
    connect_closed(m, port, inner, reset)
    return inner


def add_hart_reset(m, parts, side, reset):
    """What the reset of a hart does. To be added behind all that its instructions and the bus do in the same cycle."""
    own = side.inside
    with m.If(reset):
        m.d.comb += side.wants.eq(0)
        m.d.sync += [own.first.valid.eq(0), own.second.valid.eq(0)]
        with m.If(~parts.fault("keep_in_reset")):
            for number in range(side.number * parts.config.contexts, (side.number + 1) * parts.config.contexts):
                m.d.sync += [parts.context_enabled[number].eq(0), parts.unbound[number].eq(1),
                             parts.context_view_open[number].eq(0), parts.staged[number].eq(0)]
        # Nobody would take the answer, and nobody else could ask.
        with m.If(~parts.client.idle & parts.by_instruction & side.serves & ~parts.fault("serve_in_reset")):
            m.d.sync += parts.killed.eq(1)
