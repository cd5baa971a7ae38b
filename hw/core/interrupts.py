"""Which pending interrupt, if any, the next instruction gives way to."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .isa import Interrupt
from .port import Privilege

__all__ = ["InterruptPriority"]

#: Highest first (privileged specification, 3.1.9).
PRIORITY = (
    Interrupt.MACHINE_EXTERNAL, Interrupt.MACHINE_SOFTWARE, Interrupt.MACHINE_TIMER,
    Interrupt.SUPERVISOR_EXTERNAL, Interrupt.SUPERVISOR_SOFTWARE, Interrupt.SUPERVISOR_TIMER,
)


class InterruptPriority(wiring.Component):
    """Choice among pending interrupts, registered: it lags the CSRs by a cycle.

    That is sound because a trap or xret refills the pipeline, and the instruction behind a CSR write that matters
    waits for a cycle.

    Members
    -------
    pending, enabled, delegated : mip, mie, mideleg.
    privilege, machine_enable, supervisor_enable : current level, mstatus.MIE and mstatus.SIE.
    valid, cause : the interrupt to take.
    wake : something is pending that mie enables, whatever mstatus says; ends wfi.
    """

    pending: In(16)
    enabled: In(16)
    delegated: In(16)
    privilege: In(Privilege)
    machine_enable: In(1)
    supervisor_enable: In(1)
    valid: Out(1)
    cause: Out(6)
    wake: Out(1)

    def elaborate(self, platform):
        m = Module()
        active = Signal(16)
        m.d.comb += active.eq(self.pending & self.enabled)

        machine = Signal(16)
        supervisor = Signal(16)
        with m.If((self.privilege != Privilege.MACHINE) | self.machine_enable):
            m.d.comb += machine.eq(active & ~self.delegated)
        with m.If((self.privilege == Privilege.USER)
                  | ((self.privilege == Privilege.SUPERVISOR) & self.supervisor_enable)):
            m.d.comb += supervisor.eq(active & self.delegated)

        # An interrupt for M-mode goes first, whatever its number.
        chosen = Signal(16)
        cause = Signal(6)
        m.d.comb += chosen.eq(Mux(machine.any(), machine, supervisor))
        for interrupt in reversed(PRIORITY):
            with m.If(chosen[interrupt]):
                m.d.comb += cause.eq(interrupt)
        m.d.sync += [
            self.valid.eq(chosen.any()),
            self.cause.eq(cause),
            self.wake.eq(active.any()),
        ]
        return m
