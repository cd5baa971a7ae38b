"""Where debug mode and triggers reach into the memory and writeback stages, and into the CSRs."""

from amaranth import *

from .atomic import AtomicOperation
from .decoder import Unit
from .isa import Cause, DebugCsr
from .port import Privilege

__all__ = ["hook_debug", "hook_debug_csrs"]


def hook_debug(m, stage, signals):
    """Debug mode and triggers: each assignment here overrides one of the stage's own.

    Parameters
    ----------
    m : Module
        The stage's.
    stage : hw.core.commit.CommitStage
    signals : hw.core.commit_signals.CommitSignals
    """
    i, w = signals.instruction, signals.record
    csr, memory = stage.csr, stage.memory
    debug, triggers = csr.debug, csr.triggers
    unit = i.control.unit
    is_lr = memory.operation == AtomicOperation.LR
    is_sc = memory.operation == AtomicOperation.SC
    watched = Signal()  # The trap of writeback comes from a trigger on the address of its access.
    m.d.comb += [
        debug.leaving.eq(signals.active), debug.exception.eq(i.exception), debug.cause.eq(i.cause),
        debug.interrupted.eq(signals.interrupted),
        debug.execute_enters.eq(triggers.execute_enters), debug.execute_breaks.eq(triggers.execute_breaks),
        debug.access_enters.eq(triggers.access_enters),
        debug.pc.eq(w.pc), debug.raw.eq(w.raw), debug.trap.eq(signals.trap), debug.trap_cause.eq(signals.cause),
        triggers.next_pc.eq(stage.executed.pc), triggers.advance.eq(~signals.frozen),
        triggers.memory_address.eq(i.result), triggers.size.eq(i.control.funct3[:2]),
        triggers.load.eq(signals.go & ((unit == Unit.LOAD) | ((unit == Unit.ATOMIC) & ~is_sc))),
        triggers.store.eq(signals.go & ((unit == Unit.STORE) | ((unit == Unit.ATOMIC) & ~is_lr))),
        triggers.leaving.eq(signals.active & ~debug.stop & ~signals.interrupted),
        triggers.waiting.eq(signals.slow_memory),
    ]

    # ---- memory stage
    fires = triggers.execute_enters | triggers.execute_breaks
    with m.If(debug.stop):
        m.d.comb += signals.interrupted.eq(0)
    with m.If(debug.stop | fires):
        m.d.comb += signals.diverted.eq(1)
    with m.If(debug.active & signals.is_return):
        m.d.comb += signals.exception.eq(1)
        with m.If(signals.active):
            m.d.comb += signals.next_cause.eq(Cause.ILLEGAL_INSTRUCTION)
    with m.If(signals.active & fires & ~signals.interrupted):
        m.d.comb += signals.next_cause.eq(Cause.BREAKPOINT)
    m.d.comb += memory.slowly.eq(triggers.armed)

    # ---- writeback
    access_fires = triggers.access_enters | triggers.access_breaks
    m.d.sync += watched.eq(access_fires)
    with m.If(access_fires):
        m.d.comb += [memory.slow.eq(0), signals.next_cause.eq(Cause.BREAKPOINT)]
        m.d.sync += [signals.slow_memory.eq(0), signals.trap.eq(1)]
    with m.If(watched):
        m.d.comb += signals.value.eq(memory.accessed)
    with m.If(debug.steer):
        m.d.comb += csr.trap.eq(0)
        m.d.comb += stage.target.eq(debug.target)
        m.d.sync += signals.vectored.eq(0)


def hook_debug_csrs(m, file, medeleg):
    """What debug mode changes in the CSR file, and its CSRs and those of triggers (debug specification, chapters 4, 5).

    Parameters
    ----------
    m : Module
        The file's.
    file : hw.core.csr_file.CsrFile
    medeleg : Signal
    """
    status = file.status
    m.submodules.debug = debug = file.debug
    m.submodules.triggers = triggers = file.triggers
    for unit in (debug, triggers):
        m.d.comb += [
            unit.address.eq(file.address), unit.value.eq(file.write_data),
            unit.write.eq(file.execute & file.writes), unit.privilege.eq(file.privilege),
        ]
    m.d.comb += [
        triggers.debugging.eq(debug.active),
        triggers.machine_enable.eq(status.mie), triggers.supervisor_enable.eq(status.sie),
        triggers.delegated.eq(medeleg[Cause.BREAKPOINT]),
    ]
    with m.If((file.check_address[2:] == DebugCsr.DCSR >> 2) & ~debug.active):
        m.d.comb += file.illegal.eq(1)
    # The pc of the next instruction has been compared with the trigger's old address.
    with m.If(file.writes & (file.address[3:] == DebugCsr.TSELECT >> 3)):
        m.d.comb += file.flush.eq(1)
    with m.If(debug.quiet):
        m.d.comb += file.interrupt_valid.eq(0)
    with m.If(debug.restless):
        m.d.comb += file.wake.eq(1)
    with m.If(debug.active):
        # dcsr.mprven is 0: the park loop's own accesses must not be translated.
        m.d.comb += file.data_privilege.eq(Privilege.MACHINE)
    with m.If(debug.enter):
        m.d.sync += file.privilege.eq(Privilege.MACHINE)
    with m.If(debug.leave):
        m.d.sync += file.privilege.eq(debug.control.privilege)
        with m.If(debug.control.privilege != Privilege.MACHINE):
            m.d.sync += status.mprv.eq(0)
