"""Commit stage: the one place where instructions happen or trap."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..abi import Csr
from ..bus import wishbone
from .atomic import AtomicOperation
from .config import CoreConfig
from .csr_file import CsrFile
from .decoder import System, Unit
from .divider import Divider
from .isa import SV39, Cause
from .load_store import LoadStoreUnit, MemoryKind
from .multiplier import Multiplier
from .pipeline import ExecutedInstruction, Writeback, produces_late
from .port import CapabilityPort, Privilege
from .store_buffer import PendingStore
from .trace import TraceSignature
from .walker import WalkPort

__all__ = ["CommitStage"]


class CommitStage(wiring.Component):
    """Holds one instruction until it is done or traps, with everything that changes state beyond registers.

    Interrupts are taken in the first cycle of an instruction only, before it can have started anything.

    Members
    -------
    executed, executed_valid, executed_ready : from execute.
    flush : everything younger is cancelled, in this cycle.
    redirect, target : fetch goes on there; the cycle after `flush`.
    forward_rd, forward_write, forward_late, forward_value : for execute.
    writeback : registered; the register write of the instruction that was done.
    orphan : execute lost an issued instruction in this cycle.
    commit, result : channels of the capability port.
    context_read, context_address, context_data, context_write, context_write_data : SCTXDATA's way to the
        register file; data comes a cycle after `context_read`.
    fetch_flush, tlb_flush, tlb_flush_all, tlb_flush_asid : fence.i and sfence.vma.
    push, store, stores_ready, stores_empty : store buffer.
    walk, bus : page-table walker and bus of the load/store unit.
    csr_* : see :class:`hw.core.csr_file.CsrFile`.
    trace : see :class:`hw.core.trace.TraceSignature`; constant unless config.trace.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        self.csr = CsrFile(config)
        self.memory = LoadStoreUnit(config)
        super().__init__({
            "executed": In(ExecutedInstruction),
            "executed_valid": In(1),
            "executed_ready": Out(1),
            "flush": Out(1),
            "redirect": Out(1),
            "target": Out(64),
            "forward_rd": Out(5),
            "forward_write": Out(1),
            "forward_late": Out(1),
            "forward_value": Out(64),
            "writeback": Out(Writeback),
            "orphan": In(1),
            "commit": Out(CapabilityPort().members["commit"].signature),
            "result": Out(CapabilityPort().members["result"].signature),
            "context_read": Out(1),
            "context_data": In(64),
            "context_write": Out(1),
            "context_write_data": Out(64),
            "fetch_flush": Out(1),
            "tlb_flush": Out(1),
            "tlb_flush_all": Out(1),
            "tlb_flush_asid": Out(16),
            "push": Out(1),
            "store": Out(PendingStore),
            "stores_ready": In(1),
            "stores_empty": In(1),
            "walk": Out(WalkPort()),
            "bus": Out(wishbone.system_signature()),
            "trace": Out(TraceSignature()),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.csr = csr = self.csr
        m.submodules.memory = memory = self.memory
        m.submodules.multiplier = multiplier = Multiplier()
        m.submodules.divider = divider = Divider()

        m_valid = Signal()
        m_first = Signal()
        i = Signal(ExecutedInstruction)
        control = i.control
        unit = control.unit
        done, trap = Signal(), Signal()
        take_interrupt = Signal()
        active = Signal()  # Allowed to do something.
        m.d.comb += [
            take_interrupt.eq(m_valid & m_first & csr.interrupt_valid),
            active.eq(m_valid & ~take_interrupt & ~i.exception),
        ]

        # ---- load/store unit
        is_memory = (unit == Unit.LOAD) | (unit == Unit.STORE) | (unit == Unit.ATOMIC)
        m.d.comb += [
            memory.valid.eq(active & is_memory),
            memory.kind.eq(Mux(unit == Unit.LOAD, MemoryKind.LOAD,
                               Mux(unit == Unit.STORE, MemoryKind.STORE, MemoryKind.ATOMIC))),
            memory.operation.as_value().eq(i.raw[27:32]),
            memory.address.eq(i.result),
            memory.next_address.eq(Mux(self.executed_ready, self.executed.result[:12], i.result[:12])),
            memory.size.eq(control.funct3[:2]),
            memory.store_data.eq(i.operand2),
            memory.translate.eq((csr.satp.mode == SV39) & (csr.data_privilege != Privilege.MACHINE)),
            memory.privilege.eq(csr.data_privilege),
            memory.sum.eq(csr.status.sum),
            memory.mxr.eq(csr.status.mxr),
            memory.asid.eq(csr.satp.asid),
            memory.drop_reservation.eq(trap | csr.machine_return | csr.supervisor_return),
            memory.tlb_flush.eq(self.tlb_flush),
            memory.tlb_flush_all.eq(self.tlb_flush_all),
            memory.tlb_flush_asid.eq(self.tlb_flush_asid),
            self.push.eq(memory.push),
            self.store.eq(memory.store),
            memory.stores_ready.eq(self.stores_ready),
            memory.stores_empty.eq(self.stores_empty),
        ]
        wiring.connect(m, memory.walk, wiring.flipped(self.walk))
        wiring.connect(m, memory.bus, wiring.flipped(self.bus))

        # ---- multiplication and division
        for engine, kind in ((multiplier, Unit.MULTIPLY), (divider, Unit.DIVIDE)):
            m.d.comb += [
                engine.start.eq(active & m_first & (unit == kind)),
                engine.funct3.eq(control.funct3),
                engine.word.eq(control.word),
                engine.operand1.eq(i.operand1),
                engine.operand2.eq(i.operand2),
            ]

        # ---- CSR instructions. SCTXDATA needs a second cycle, in which the register file answers.
        source = i.raw[15:20]
        m.d.comb += [
            csr.address.eq(i.raw[20:32]),
            csr.function.eq(control.funct3[:2]),
            csr.operand.eq(Mux(control.funct3[2], source, i.operand1)),
            # csrrs and csrrc with x0 or zero do not write (unprivileged specification, 6.1).
            csr.writes.eq((control.funct3[:2] == 1) | (source != 0)),
            csr.context_data.eq(self.context_data),
        ]
        is_context_data = csr.address == Csr.SCTXDATA
        csr_now = active & (unit == Unit.CSR)
        csr_done = csr_now & ~csr.illegal & ~(is_context_data & m_first)
        m.d.comb += [
            csr.execute.eq(csr_done),
            self.context_read.eq(csr_now & is_context_data & m_first),
            self.context_write.eq(csr_done & is_context_data & csr.writes),
            self.context_write_data.eq(csr.write_data),
        ]

        # ---- system instructions
        system_now = active & (unit == Unit.SYSTEM)
        system_done, refill = Signal(), Signal()
        with m.If(system_now):
            with m.Switch(control.system):
                with m.Case(System.FENCE):
                    m.d.comb += system_done.eq(self.stores_empty)
                with m.Case(System.FENCE_I):
                    m.d.comb += [system_done.eq(self.stores_empty), refill.eq(1)]
                    m.d.comb += self.fetch_flush.eq(self.stores_empty)
                with m.Case(System.SFENCE_VMA):
                    m.d.comb += [system_done.eq(self.stores_empty), refill.eq(1)]
                    m.d.comb += self.tlb_flush.eq(self.stores_empty)
                with m.Case(System.SRET):
                    m.d.comb += [system_done.eq(1), refill.eq(1), csr.supervisor_return.eq(1)]
                with m.Case(System.MRET):
                    m.d.comb += [system_done.eq(1), refill.eq(1), csr.machine_return.eq(1)]
                with m.Case(System.WFI):
                    m.d.comb += system_done.eq(csr.wake)
        m.d.comb += [
            self.tlb_flush_all.eq(i.raw[20:25] == 0),
            self.tlb_flush_asid.eq(i.operand2[:16]),
        ]

        # ---- capability port
        committed = Signal()
        orphaned = Signal()
        custom_now = m_valid & i.issued
        commit_now = custom_now & ~committed & ~take_interrupt & (~i.fence | self.stores_empty)
        m.d.sync += orphaned.eq(self.orphan)
        m.d.comb += [
            self.commit.valid.eq(commit_now | (custom_now & take_interrupt) | orphaned),
            self.commit.kill.eq(~commit_now),
            self.result.ready.eq(custom_now & (committed | commit_now)),
        ]
        custom_done = self.result.ready & self.result.valid & ~self.result.exception
        custom_trap = self.result.ready & self.result.valid & self.result.exception

        # ---- done?
        with m.If(active):
            with m.Switch(unit):
                with m.Case(Unit.LOAD, Unit.STORE, Unit.ATOMIC):
                    m.d.comb += done.eq(memory.done)
                with m.Case(Unit.MULTIPLY):
                    m.d.comb += done.eq(multiplier.done)
                with m.Case(Unit.DIVIDE):
                    m.d.comb += done.eq(divider.done)
                with m.Case(Unit.CSR):
                    m.d.comb += done.eq(csr_done)
                with m.Case(Unit.SYSTEM):
                    m.d.comb += done.eq(system_done)
                with m.Case(Unit.CUSTOM):
                    m.d.comb += done.eq(custom_done)
                with m.Default():
                    m.d.comb += done.eq(1)
        m.d.comb += csr.retire.eq(done)

        # ---- traps
        cause, value = Signal(6), Signal(64)
        m.d.comb += trap.eq(1)
        with m.If(take_interrupt):
            m.d.comb += cause.eq(csr.interrupt_cause)
        with m.Elif(m_valid & i.exception):
            m.d.comb += cause.eq(i.cause)
        with m.Elif(memory.fault):
            m.d.comb += [cause.eq(memory.cause), value.eq(i.result)]
        with m.Elif(csr_now & csr.illegal):
            m.d.comb += cause.eq(Cause.ILLEGAL_INSTRUCTION)
        with m.Elif(custom_trap):
            m.d.comb += cause.eq(self.result.cause)
        with m.Else():
            m.d.comb += trap.eq(0)
        with m.If(~take_interrupt & ~memory.fault):
            with m.Switch(cause):
                with m.Case(Cause.ILLEGAL_INSTRUCTION):
                    m.d.comb += value.eq(i.raw)
                with m.Case(Cause.BREAKPOINT):
                    m.d.comb += value.eq(i.pc)
                with m.Case(Cause.FETCH_PAGE, Cause.FETCH_ACCESS):
                    m.d.comb += value.eq(i.pc + Cat(C(0, 1), i.fault_second))
        m.d.comb += [
            csr.trap.eq(trap),
            csr.trap_interrupt.eq(take_interrupt),
            csr.trap_cause.eq(cause),
            csr.trap_pc.eq(i.pc),
            csr.trap_value.eq(value),
        ]

        # ---- what follows
        m.d.comb += self.flush.eq(trap | (done & (refill | ((unit == Unit.CSR) & csr.flush))))
        m.d.sync += self.redirect.eq(self.flush)
        with m.If(trap):
            m.d.sync += self.target.eq(csr.trap_vector)
        with m.Elif(csr.machine_return | csr.supervisor_return):
            m.d.sync += self.target.eq(csr.return_pc)
        with m.Else():
            m.d.sync += self.target.eq(i.next_pc)

        m.d.comb += self.executed_ready.eq(~m_valid | done | trap)
        m.d.sync += m_first.eq(0)
        with m.If(self.executed_ready):
            m.d.sync += [
                m_valid.eq(self.executed_valid & ~self.flush),
                m_first.eq(1),
                i.eq(self.executed),
                committed.eq(0),
            ]
        with m.Elif(commit_now):
            m.d.sync += committed.eq(1)

        # ---- results
        back = self.writeback
        m.d.comb += [
            self.forward_rd.eq(i.rd),
            self.forward_write.eq(m_valid & control.writes_rd),
            self.forward_late.eq(produces_late(unit)),
            self.forward_value.eq(i.result),
        ]
        m.d.sync += [
            back.rd.eq(i.rd),
            back.write.eq(done & control.writes_rd & ((unit != Unit.CUSTOM) | self.result.we)),
            back.context.eq(csr.context),
            back.load.eq((unit == Unit.LOAD) | (unit == Unit.ATOMIC)),
            back.offset.eq(i.result[:3]),
            back.funct3.eq(control.funct3),
            back.value.eq(i.result),
        ]
        with m.Switch(unit):
            with m.Case(Unit.LOAD, Unit.ATOMIC):
                m.d.sync += back.value.eq(memory.raw)
            with m.Case(Unit.MULTIPLY):
                m.d.sync += back.value.eq(multiplier.result)
            with m.Case(Unit.DIVIDE):
                m.d.sync += back.value.eq(divider.result)
            with m.Case(Unit.CSR):
                m.d.sync += back.value.eq(csr.read_data)
            with m.Case(Unit.CUSTOM):
                m.d.sync += back.value.eq(self.result.data)

        if self._config.trace:
            self._trace(m, i, done, trap, is_memory, take_interrupt, cause, value)
        return m

    def _trace(self, m, i, done, trap, is_memory, take_interrupt, cause, value):
        """Fill the trace port, a cycle after commit; rd_data is the core's business."""
        trace, memory = self.trace, self.memory
        unit = i.control.unit
        size_mask = Array((0xFF, 0xFFFF, 0xFFFF_FFFF, (1 << 64) - 1))[i.control.funct3[:2]]
        loads = (unit == Unit.LOAD) | (memory.operation == AtomicOperation.LR)
        failed_sc = (memory.operation == AtomicOperation.SC) & ~memory.wrote
        m.d.sync += [
            trace.valid.eq(done | trap),
            trace.pc.eq(i.pc),
            trace.insn.eq(i.raw),
            trace.privilege.eq(self.csr.privilege),
            trace.mem_valid.eq(done & is_memory & ~((unit == Unit.ATOMIC) & failed_sc)),
            trace.mem_we.eq((unit == Unit.STORE) | ((unit == Unit.ATOMIC) & ~loads)),
            trace.mem_addr.eq(i.result),
            trace.mem_data.eq(Mux(unit == Unit.ATOMIC, memory.written, i.operand2) & size_mask),
            trace.mem_size.eq(i.control.funct3[:2]),
            trace.csr_we.eq(done & (unit == Unit.CSR) & self.csr.writes),
            trace.csr.eq(self.csr.address),
            trace.trap.eq(trap),
            trace.interrupt.eq(take_interrupt),
            trace.cause.eq(cause),
            trace.tval.eq(value),
        ]
        m.d.comb += trace.csr_data.eq(self.csr.trace_data)
