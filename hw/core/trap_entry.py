"""Trap entry and return."""

from typing import NamedTuple

from amaranth import *

from .port import Privilege

__all__ = ["TrapRegisters", "enter_and_return"]


class TrapRegisters(NamedTuple):
    """Registers of the CSR file that only traps, returns and CSR instructions look at."""

    medeleg: Value
    mideleg: Value
    mcause: Value
    scause: Value
    context_trap: Value
    context_return: Value
    context_machine: Value


def enter_and_return(m, file, base, registers):
    """What traps and returns do (privileged specification, 3.1.6.1 and 3.3.2).

    Parameters
    ----------
    m : Module
        The file's.
    file : hw.core.csr_file.CsrFile
    base : Value
        What the registers in LUT RAM read as: the vector, in a trap.
    registers : TrapRegisters
    """
    status = file.status
    medeleg, mideleg, mcause, scause, context_trap, context_return, context_machine = registers
    privilege = file.privilege
    delegated = file.trap_delegated
    m.d.comb += file.next_delegated.eq(
        (privilege != Privilege.MACHINE)
        & Mux(file.next_interrupt, mideleg.bit_select(file.next_cause[:4], 1),
              (file.next_cause < 32) & medeleg.bit_select(file.next_cause[:5], 1)))
    m.d.comb += [
        file.trap_base.eq(Cat(C(0, 2), base[2:])),
        file.trap_vectored.eq(base[0] & file.trap_interrupt),
        file.trap_vector.eq(file.trap_base + Mux(file.trap_vectored, file.trap_cause << 2, 0)),
    ]

    cause = Cat(file.trap_cause, file.trap_interrupt)
    with m.If(file.trap):
        # S-mode and M-mode run in context 0 only. Each level remembers which context it interrupted.
        m.d.sync += file.context.eq(0)
        with m.If(delegated):
            m.d.sync += [
                scause.eq(cause),
                status.spie.eq(status.sie), status.sie.eq(0), status.spp.eq(privilege.as_value()[0]),
                privilege.eq(Privilege.SUPERVISOR), context_trap.eq(file.context),
            ]
        with m.Else():
            m.d.sync += [
                mcause.eq(cause),
                status.mpie.eq(status.mie), status.mie.eq(0), status.mpp.eq(privilege),
                privilege.eq(Privilege.MACHINE), context_machine.eq(file.context),
            ]
    with m.Elif(file.machine_return):
        m.d.sync += [
            privilege.eq(status.mpp), status.mie.eq(status.mpie), status.mpie.eq(1),
            status.mpp.eq(Privilege.USER),
            file.context.eq(Mux(status.mpp == Privilege.USER, context_machine, 0)),
        ]
        with m.If(status.mpp != Privilege.MACHINE):
            m.d.sync += status.mprv.eq(0)
    with m.Elif(file.supervisor_return):
        m.d.sync += [
            privilege.as_value().eq(status.spp), status.sie.eq(status.spie), status.spie.eq(1),
            status.spp.eq(0), status.mprv.eq(0),
            file.context.eq(Mux(status.spp, 0, context_return)),
        ]
