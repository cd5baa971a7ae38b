"""Debug mode of a hart (RISC-V Debug Specification 1.0, chapter 4): when it is entered and left, and its CSRs."""

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from .isa import Cause, DebugCsr
from .port import Privilege

__all__ = ["DRET", "DebugCause", "DebugControl", "DebugPort"]

#: dcsr.debugver: as in version 1.0 (and 0.13).
VERSION = 4
#: The instruction that leaves debug mode. Nothing decodes it, so elsewhere it is illegal as it must be.
DRET = 0x7b20_0073


class DebugCause(enum.Enum, shape=3):
    """dcsr.cause (table 4.2)."""

    NONE = 0
    EBREAK = 1
    TRIGGER = 2
    HALT = 3
    STEP = 4
    RESET = 5


class DebugPort(wiring.Signature):
    """Between the debug module and a hart, seen from the module.

    Members
    -------
    halt : enter debug mode before the next instruction.
    halt_on_reset : enter it before the first instruction after a reset.
    halted : the hart is in debug mode.
    """

    def __init__(self):
        super().__init__({"halt": Out(1), "halt_on_reset": Out(1), "halted": In(1)})


class ControlStatus(data.Struct):
    """Fields of dcsr (4.10.1) that exist here; stopcount is 1, stoptime and mprven are 0."""

    privilege: Privilege
    step: 1
    cause: DebugCause
    stepie: 1
    ebreaku: 1
    ebreaks: 1
    ebreakm: 1


class DebugControl(wiring.Component):
    """Decides what enters and leaves debug mode, and holds dcsr, dpc and dscratch0.

    Debug mode runs as M-mode, without interrupts. What would trap there goes to the debug module's code instead, and
    changes no CSR. To the pipeline, entering and leaving are traps: found out in the memory stage, done in writeback.

    Parameters
    ----------
    vector : int
        Where debug mode is entered; exceptions in it go to the next word.

    Members
    -------
    port : see :class:`DebugPort`.
    address, value, write : a CSR instruction writes `value`; addresses of others are ignored.
    privilege : current privilege.
    leaving, exception, cause : an instruction leaves the memory stage, with the exception that it brought along.
    stop : it does not happen, nor an interrupt in its place: debug mode comes before it.
    interrupted : an interrupt is taken in its place.
    execute_enters, execute_breaks : a trigger on its address fires, see :class:`hw.core.triggers.TriggerModule`.
    access_enters : a trigger on the address of the access in writeback fires.
    trap, trap_cause, pc, raw : the instruction in writeback traps.
    enter, leave : debug mode begins or ends with this trap.
    steer, target : the trap is none to the CSRs, and fetch goes on at `target`.
    active : in debug mode.
    quiet : no interrupts.
    restless : wfi does not wait.
    """

    def __init__(self, vector):
        self._vector = vector
        super().__init__({
            "port": In(DebugPort()),
            "address": In(12),
            "value": In(64),
            "write": In(1),
            "privilege": In(Privilege),
            "leaving": In(1),
            "exception": In(1),
            "cause": In(6),
            "stop": Out(1),
            "interrupted": In(1),
            "execute_enters": In(1),
            "execute_breaks": In(1),
            "access_enters": In(1),
            "trap": In(1),
            "trap_cause": In(6),
            "pc": In(64),
            "raw": In(32),
            "enter": Out(1),
            "leave": Out(1),
            "steer": Out(1),
            "target": Out(64),
            "active": Out(1),
            "quiet": Out(1),
            "restless": Out(1),
            "control": Out(ControlStatus, init={"privilege": Privilege.MACHINE}),
            "program_counter": Out(64),
            "scratch": Out(64),
        })

    def registers(self):
        """What the CSRs read as, by address."""
        control = self.control
        status = Cat(
            control.privilege, control.step, C(0, 3), control.cause, C(0, 1), C(1, 1), control.stepie, control.ebreaku,
            control.ebreaks, C(0, 1), control.ebreakm, C(0, 12), C(VERSION, 4), C(0, 32))
        return {DebugCsr.DCSR: status, DebugCsr.DPC: self.program_counter, DebugCsr.DSCRATCH0: self.scratch}

    def elaborate(self, platform):
        m = Module()
        control, pc, active = self.control, self.program_counter, self.active
        started = Signal()
        stepped = Signal()

        # ---- memory stage: reasons to enter (table 4.2)
        fresh_halt = self.port.halt_on_reset & ~started
        ebreak_enters = Signal()
        with m.Switch(self.privilege):
            with m.Case(Privilege.MACHINE):
                m.d.comb += ebreak_enters.eq(control.ebreakm)
            with m.Case(Privilege.SUPERVISOR):
                m.d.comb += ebreak_enters.eq(control.ebreaks)
            with m.Default():
                m.d.comb += ebreak_enters.eq(control.ebreaku)
        is_ebreak = self.exception & (self.cause == Cause.BREAKPOINT)
        entering = Signal()
        reason = Signal(DebugCause)
        m.d.comb += [
            self.stop.eq(self.leaving & ~active & (self.port.halt | fresh_halt | stepped)),
            self.quiet.eq(active | (control.step & ~control.stepie)),
            self.restless.eq(active | control.step | self.port.halt),
            self.port.halted.eq(active),
        ]
        with m.If(self.leaving):
            m.d.sync += [started.eq(1), stepped.eq(control.step & ~active)]
            # A stop comes before the instruction, so that its trigger or ebreak does not count yet.
            with m.If(self.stop):
                m.d.sync += [entering.eq(1), reason.eq(Mux(
                    fresh_halt, DebugCause.RESET, Mux(self.port.halt, DebugCause.HALT, DebugCause.STEP)))]
            with m.Elif(self.interrupted | self.execute_breaks):
                m.d.sync += entering.eq(0)
            with m.Elif(self.execute_enters):
                m.d.sync += [entering.eq(1), reason.eq(DebugCause.TRIGGER)]
            with m.Else():
                m.d.sync += [entering.eq(is_ebreak & ebreak_enters & ~active), reason.eq(DebugCause.EBREAK)]
        with m.Elif(self.access_enters):
            m.d.sync += [entering.eq(1), reason.eq(DebugCause.TRIGGER)]

        # ---- writeback
        m.d.comb += [
            self.enter.eq(self.trap & entering),
            self.leave.eq(self.trap & active & (self.trap_cause == Cause.ILLEGAL_INSTRUCTION) & (self.raw == DRET)),
            self.steer.eq(self.trap & (entering | active)),
        ]
        with m.If(self.leave):
            m.d.comb += self.target.eq(pc)
        with m.Elif(self.enter | (self.trap_cause == Cause.BREAKPOINT)):
            m.d.comb += self.target.eq(self._vector)
        with m.Else():
            m.d.comb += self.target.eq(self._vector + 4)
        with m.If(self.enter):
            m.d.sync += [active.eq(1), stepped.eq(0), pc.eq(self.pc), control.privilege.eq(self.privilege),
                         control.cause.eq(reason)]
        with m.If(self.leave):
            m.d.sync += active.eq(0)

        with m.If(self.write):
            with m.Switch(self.address):
                with m.Case(DebugCsr.DCSR):
                    m.d.sync += [
                        # WARL: the level that does not exist becomes U.
                        control.privilege.as_value().eq(Mux(self.value[:2] == 2, Privilege.USER, self.value[:2])),
                        control.step.eq(self.value[2]),
                        control.stepie.eq(self.value[11]),
                        control.ebreaku.eq(self.value[12]),
                        control.ebreaks.eq(self.value[13]),
                        control.ebreakm.eq(self.value[15]),
                    ]
                with m.Case(DebugCsr.DPC):
                    m.d.sync += pc.eq(self.value & ~C(1, 64))
                with m.Case(DebugCsr.DSCRATCH0):
                    m.d.sync += self.scratch.eq(self.value)
        return m
