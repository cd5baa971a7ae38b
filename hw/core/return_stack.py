"""Stack of return addresses, which fetch uses ahead of execution."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from .prediction import REGION_BITS

__all__ = ["ReturnStack"]

DEPTH = 8


class ReturnStack(wiring.Component):
    """Circular. A redirect takes it back to where execution is.

    In LUT RAM. Entries above the top may be overwritten by what turns out not to happen; those that still count are
    not.

    Members
    -------
    push, value : fetch goes on at the target of a call.
    pop : fetch goes on at the target of a return.
    called, surprise, call_value, returned : a call or a return leaves execute; fetch had not foreseen the call.
    restore : fetch is redirected.
    top : where the next return goes to.
    """

    push: In(1)
    value: In(REGION_BITS)
    pop: In(1)
    called: In(1)
    surprise: In(1)
    call_value: In(REGION_BITS)
    returned: In(1)
    restore: In(1)
    top: Out(REGION_BITS)

    def elaborate(self, platform):
        m = Module()
        m.submodules.stack = stack = memory.Memory(shape=REGION_BITS - 1, depth=DEPTH, init=[])
        write, read = stack.write_port(), stack.read_port(domain="comb")
        ahead = Signal(range(DEPTH))
        executed = Signal(range(DEPTH))
        settled = Signal(range(DEPTH))
        unforeseen = self.called & self.surprise
        m.d.comb += [
            settled.eq(executed + self.called - self.returned),
            read.addr.eq(ahead), self.top.eq(Cat(C(0, 1), read.data)),
            # Behind a call that fetch had not foreseen it is on the wrong way: what it pushes does not matter.
            write.en.eq(self.push | unforeseen),
            write.addr.eq(Mux(unforeseen, settled, ahead + 1)),
            write.data.eq(Mux(unforeseen, self.call_value, self.value)[1:]),
        ]
        m.d.sync += executed.eq(settled)
        with m.If(self.restore):
            m.d.sync += ahead.eq(settled)
        with m.Elif(self.push):
            m.d.sync += ahead.eq(ahead + 1)
        with m.Elif(self.pop):
            m.d.sync += ahead.eq(ahead - 1)
        return m
