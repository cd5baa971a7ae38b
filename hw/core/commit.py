"""Memory and writeback stages: the two places where instructions happen or trap."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..bus import wishbone
from ..mapping import SEPARATE
from .alternative import AlternativeEngine
from .commit_signals import CommitSignals
from .config import CoreConfig
from .csr_file import CsrFile
from .debug_hooks import hook_debug
from .decoder import Control, System, Unit
from .divider import Divider
from .isa import Cause
from .load_store import LoadStoreUnit, MemoryKind
from .multiplier import Multiplier
from .pipeline import ExecutedInstruction, Writeback, produces_late
from .port import CapabilityPort
from .rvfi import RvfiSignature, observe_commit
from .store_buffer import PendingStore
from .trace import TraceSignature, drive_trace
from .translation import TlbFlush
from .walker import WalkPort

__all__ = ["CommitStage"]


class _Slow(data.Struct):
    """What writeback knows of its instruction beside the register write."""

    control: Control
    pc: 64
    raw: 32
    #: Next instruction, where a refill goes on.
    target: 64
    fault_second: 1
    #: Operands of sfence.vma.
    vpn: 27
    asid: 16


class CommitStage(wiring.Component):
    """Memory and writeback.

    An instruction spends one cycle in the memory stage. Most have happened then, and write their register from
    writeback. One that needs longer is *slow*: it stays in writeback until it is done, and holds everything behind
    it. Traps and refills of the pipeline come from writeback, from registers alone. So nothing that is known late in
    a cycle holds or cancels a stage in that cycle.

    Interrupts are taken by an instruction in the memory stage, before it does anything.

    Members
    -------
    executed, executed_valid, executed_ready : from execute.
    kill : what is in execute and decode is cancelled, in this cycle.
    redirect, target : fetch goes on there, from this cycle on.
    redirecting : the instruction in the memory stage will redirect fetch.
    occupied, accesses_stored : there is one; it accesses a CSR in LUT RAM.
    forward_rd, forward_write, forward_late, forward_value, forward_distance, multiplies : instruction in the memory
        stage, for execute.
    slow, slow_rd, slow_write : an instruction stays in writeback.
    writeback : register write of this cycle.
    back_value : what it writes, if that is not a product.
    commit, result : channels of the capability port.
    context_read, context_data, context_write, context_write_data : SCTXDATA's way to the register file; data comes a
        cycle after `context_read`.
    fetch_flush, tlb_flush : fence.i, and sfence.vma or a change of physical memory protection.
    push, store, stores_room, stores_empty : store buffer.
    walk, bus : page-table walker and bus of the load/store unit.
    next_address : address in execute.
    trace : see :class:`hw.core.trace.TraceSignature`; constant unless config.trace.
    rvfi : the port of :mod:`hw.core.rvfi`; only if config.rvfi.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        self.csr = CsrFile(config)
        self.memory = LoadStoreUnit(config)
        rvfi = {"rvfi": Out(RvfiSignature())} if config.rvfi else {}
        super().__init__({
            "executed": In(ExecutedInstruction),
            "executed_valid": In(1),
            "executed_ready": Out(1),
            "kill": Out(1),
            "redirect": Out(1),
            "target": Out(64),
            "redirecting": Out(1),
            "occupied": Out(1),
            "accesses_stored": Out(1),
            "forward_rd": Out(5),
            "forward_write": Out(1),
            "forward_late": Out(1),
            "forward_value": Out(64),
            "forward_distance": Out(6),
            "multiplies": Out(1),
            "slow": Out(1),
            "slow_rd": Out(5),
            "slow_write": Out(1),
            "writeback": Out(Writeback),
            "back_value": Out(64),
            "commit": Out(CapabilityPort().members["commit"].signature),
            "result": Out(CapabilityPort().members["result"].signature),
            "context_read": Out(1),
            "context_data": In(64),
            "context_write": Out(1),
            "context_write_data": Out(64),
            "fetch_flush": Out(1),
            "tlb_flush": Out(TlbFlush()),
            "push": Out(1),
            "store": Out(PendingStore),
            "stores_room": In(1),
            "stores_empty": In(1),
            "walk": Out(WalkPort()),
            "bus": Out(wishbone.system_signature()),
            "next_address": In(64),
            "trace": Out(TraceSignature()),
            **rvfi,
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.csr = csr = self.csr
        m.submodules.memory = memory = self.memory
        alternative = self._config.alternative_operations
        m.submodules.multiplier = multiplier = AlternativeEngine(cycles=1) if alternative else Multiplier()
        m.submodules.divider = divider = AlternativeEngine(cycles=3) if alternative else Divider()

        m_valid = Signal()
        i = Signal(ExecutedInstruction)
        control = i.control
        unit = control.unit

        # Writeback: at most one of these. `w_valid`: the instruction is done, and retires in this cycle. A refill comes
        # with it.
        w_valid = Signal()
        w_slow = Signal()
        w_holds = Signal()  # Slow, or settling: one register, because so much waits for it.
        # Each is the sum of two registers: what the caches say comes late, and goes straight into its own.
        w_valid_memory = Signal()
        w_valid_other = Signal()
        w_slow_memory = Signal()
        w_slow_other = Signal()
        w_trap = Signal()
        w_refill = Signal()
        w_forget = Signal()
        w_interrupt = Signal()
        w_cause = Signal(6)
        w_delegated = Signal()
        w = Signal(_Slow)
        w_unit = w.control.unit
        back = Signal(Writeback)

        # ---- who goes on
        frozen = Signal()
        flush = Signal()
        active = Signal()
        go = Signal()
        interrupted = Signal()
        diverted = Signal()  # Nothing of the instruction happens.
        exception = Signal()
        context_wait = Signal()
        context_done = Signal()
        m.d.comb += [
            w_slow.eq(w_slow_memory | w_slow_other),
            w_valid.eq(w_valid_memory | w_valid_other),
            # The choice of an interrupt lags the CSRs by a cycle, and the next instruction must see it (3.1.9).
            frozen.eq(w_holds | context_wait),
            flush.eq(w_trap | w_refill),
            active.eq(m_valid & ~frozen & ~flush),
            interrupted.eq(csr.interrupt_valid),
            diverted.eq(interrupted),
            exception.eq(i.exception),
            go.eq(active & ~diverted & ~exception),
            self.occupied.eq(m_valid),
            self.executed_ready.eq(~frozen),
        ]
        with m.If(flush):
            m.d.sync += m_valid.eq(0)
        with m.Elif(~frozen):
            m.d.sync += m_valid.eq(self.executed_valid)
        with m.If(~frozen):
            m.d.sync += i.eq(self.executed)

        # ---- where fetch goes on
        vectored = Signal()
        vector = Signal(64)
        m.d.comb += [
            self.redirecting.eq(m_valid & i.redirect),
            self.kill.eq(flush | (active & i.redirect)),
            self.redirect.eq(self.kill | vectored),
            self.target.eq(Mux(w_trap, csr.trap_base, Mux(vectored, vector, Mux(w_refill, w.target, i.target)))),
        ]
        # An entry of a vector table is a sum, for which there is time in the next cycle.
        m.d.sync += [vectored.eq(w_trap & csr.trap_vectored), vector.eq(csr.trap_vector)]

        # ---- load/store unit
        is_memory = (unit == Unit.LOAD) | (unit == Unit.STORE) | (unit == Unit.ATOMIC)
        is_return = (unit == Unit.SYSTEM) & ((control.system == System.MRET) | (control.system == System.SRET))
        w_memory = (w_unit == Unit.LOAD) | (w_unit == Unit.STORE) | (w_unit == Unit.ATOMIC)
        m.d.comb += [
            memory.next_address.eq(self.next_address),
            memory.frozen.eq(frozen),
            memory.kind.eq(Mux(unit == Unit.LOAD, MemoryKind.LOAD,
                               Mux(unit == Unit.STORE, MemoryKind.STORE, MemoryKind.ATOMIC))),
            memory.operation.as_value().eq(i.raw[27:32]),
            memory.address.eq(i.result),
            memory.size.eq(control.funct3[:2]),
            memory.unsigned_.eq(control.funct3[2]),
            memory.store_data.eq(i.operand2),
            memory.accept.eq(go & is_memory),
            memory.slow.eq(w_slow_memory),
            memory.regime.eq(csr.data_regime),
            memory.privilege.eq(csr.data_privilege),
            memory.sum.eq(csr.status.sum),
            memory.mxr.eq(csr.status.mxr),
            memory.asid.eq(csr.satp.asid),
            memory.drop_reservation.eq(w_trap | (go & is_return)),
            self.push.eq(memory.push),
            self.store.eq(memory.store),
            memory.stores_room.eq(self.stores_room),
            memory.stores_empty.eq(self.stores_empty),
        ]
        wiring.connect(m, memory.walk, wiring.flipped(self.walk))
        wiring.connect(m, memory.bus, wiring.flipped(self.bus))

        # ---- multiplication and division: begun here; the sum of a multiplication is made in the next cycle
        m.d.comb += divider.start.eq(go & (unit == Unit.DIVIDE))
        if alternative:
            m.d.comb += multiplier.start.eq(1)
        for engine in (multiplier, divider):
            m.d.comb += [
                engine.funct3.eq(control.funct3),
                engine.word.eq(control.word),
                engine.operand1.eq(i.operand1),
                engine.operand2.eq(i.operand2),
            ]

        # ---- CSR instructions. SCTXDATA takes a second cycle, in which the register file answers. It is written when
        # the refill behind it has emptied the pipeline.
        csr_now = go & (unit == Unit.CSR)
        m.d.comb += [
            csr.address.eq(i.raw[20:32]),
            csr.stored.eq(i.csr_stored),
            csr.place.eq(i.csr_place),
            csr.function.eq(control.funct3[:2]),
            csr.operand.eq(Mux(control.funct3[2], i.raw[15:20], i.operand1)),
            csr.writes.eq((control.funct3[:2] == 1) | (i.raw[15:20] != 0)),
            csr.context_data.eq(self.context_data),
            self.accesses_stored.eq(m_valid & i.csr_stored),
            csr.accesses.eq(self.accesses_stored),
            csr.execute.eq(csr_now),
            context_wait.eq(m_valid & i.context_data & ~context_done),
            self.context_read.eq(context_wait & ~w_holds & ~flush),
            csr.machine_return.eq(go & is_return & (control.system == System.MRET)),
            csr.supervisor_return.eq(go & is_return & (control.system == System.SRET)),
        ]
        context_written = Signal()
        m.d.sync += [
            context_done.eq(self.context_read),
            context_written.eq(csr_now & i.context_data & csr.writes),
            self.context_write.eq(context_written),
        ]
        with m.If(~context_written):
            m.d.sync += self.context_write_data.eq(csr.write_data)

        # ---- capability port
        w_custom = w_slow_other & (w_unit == Unit.CUSTOM)
        w_committed = Signal()
        commit_now = Signal()
        commit_late = Signal()
        cancel = Signal()
        # A result that is there is taken. That it is comes late, and last into the registers of writeback.
        takes = Signal()
        m.d.comb += [
            commit_now.eq(go & i.issued & ~i.fence),
            commit_late.eq(w_custom & ~w_committed & self.stores_empty),
            cancel.eq(m_valid & i.issued & (flush | (active & diverted))),
            self.commit.valid.eq(commit_now | commit_late | cancel),
            self.commit.kill.eq(cancel),
            takes.eq(commit_now | (w_custom & (w_committed | commit_late))),
            self.result.ready.eq(takes),
        ]
        m.d.sync += w_committed.eq(takes)

        # ---- what takes longer than the memory stage, beside loads and stores
        needs_longer = Signal()
        with m.Switch(unit):
            with m.Case(Unit.DIVIDE):
                m.d.comb += needs_longer.eq(1)
            with m.Case(Unit.SYSTEM):
                m.d.comb += needs_longer.eq(~is_return)
            with m.Case(Unit.CUSTOM):
                m.d.comb += needs_longer.eq(i.fence)

        # When it is done; of loads and stores `memory` says so, of custom instructions their unit.
        flushing = Signal()
        slow_done = Signal()
        slow_refill = Signal()
        by_address, by_asid = w.raw[15:20] != 0, w.raw[20:25] != 0
        with m.Switch(w_unit):
            with m.Case(Unit.DIVIDE):
                m.d.comb += slow_done.eq(divider.done)
            with m.Case(Unit.SYSTEM):
                with m.Switch(w.control.system):
                    with m.Case(System.WFI):
                        m.d.comb += slow_done.eq(csr.wake)
                    with m.Case(System.FENCE_I):
                        m.d.comb += [slow_done.eq(self.stores_empty), slow_refill.eq(1)]
                        m.d.comb += self.fetch_flush.eq(w_slow & self.stores_empty)
                    with m.Case(System.SFENCE_VMA):
                        begin = w_slow & ~flushing & self.stores_empty
                        m.d.comb += [
                            self.tlb_flush.all.eq(begin & ~by_address & ~by_asid),
                            self.tlb_flush.some.eq(begin & (by_address | by_asid)),
                            slow_done.eq(flushing & ~self.tlb_flush.busy), slow_refill.eq(1),
                        ]
                        m.d.sync += flushing.eq(begin | (flushing & ~slow_done))
                    with m.Default():
                        m.d.comb += slow_done.eq(self.stores_empty)
        with m.If(w_forget):
            m.d.comb += self.tlb_flush.all.eq(1)
        m.d.comb += [
            self.tlb_flush.by_address.eq(by_address), self.tlb_flush.by_asid.eq(by_asid),
            self.tlb_flush.vpn.eq(w.vpn), self.tlb_flush.asid.eq(w.asid),
        ]

        # ---- to writeback
        # As for `w_valid`: the register is written.
        w_write_memory = Signal()
        w_write_other = Signal()
        w_loads = Signal()
        w_multiplies = Signal()
        # Who will be in writeback, and hold what is behind.
        slow_memory, slow_other, settles = Signal(), Signal(), Signal()
        m.d.sync += [w_trap.eq(0), w_refill.eq(0), w_forget.eq(0)]
        # Loads and stores: what caches and lookaside buffer say comes last.
        done, stays_slow = Signal(attrs=SEPARATE), Signal(attrs=SEPARATE)
        enters, enters_writing, slow_writing = (Signal(attrs=SEPARATE, name=name) for name in (
            "enters", "enters_writing", "slow_writing"))
        m.d.comb += [
            done.eq(w_slow_memory & memory.done), stays_slow.eq(w_slow_memory & ~memory.fault),
            enters.eq(go & is_memory), enters_writing.eq(go & is_memory & control.writes_rd),
            slow_writing.eq(w.control.writes_rd),
            slow_memory.eq((enters & ~(memory.hits & memory.translated)) | (stays_slow & ~done)),
        ]
        m.d.sync += [
            w_valid_memory.eq((enters & memory.hits & memory.translated) | done),
            w_write_memory.eq((enters_writing & memory.hits & memory.translated) | (slow_writing & done)),
            w_slow_memory.eq(slow_memory),
            w_holds.eq(slow_memory | slow_other | settles),
        ]
        # Everything else: what follows from other than a custom instruction's result.
        slow_anyway, valid_anyway, write_anyway, takes_writing = (Signal(attrs=SEPARATE, name=name) for name in (
            "slow_anyway", "valid_anyway", "write_anyway", "takes_writing"))
        arrives = self.result.valid
        m.d.comb += [
            takes_writing.eq(takes & ~self.result.exception & self.result.we
                             & Mux(w_slow_other, w.control.writes_rd, control.writes_rd)),
            slow_other.eq(slow_anyway | (takes & ~arrives)),
        ]
        m.d.sync += [
            w_slow_other.eq(slow_other),
            w_valid_other.eq(valid_anyway | (takes & arrives & ~self.result.exception)),
            w_write_other.eq(write_anyway | (takes_writing & arrives)),
        ]
        with m.If(w_slow_memory):
            m.d.sync += w_trap.eq(memory.fault)
        with m.Elif(w_slow_other):
            m.d.comb += [slow_anyway.eq(~slow_done & ~takes), valid_anyway.eq(slow_done),
                         write_anyway.eq(slow_done & w.control.writes_rd)]
            m.d.sync += w_refill.eq(slow_done & slow_refill)
        with m.Else():
            m.d.sync += [
                w.control.eq(control), w.pc.eq(i.pc), w.raw.eq(i.raw), w.target.eq(i.target),
                w.fault_second.eq(i.fault_second),
                w.vpn.eq(i.operand1[12:39]), w.asid.eq(i.operand2[:16]),
                w_interrupt.eq(interrupted),
                back.rd.eq(i.rd), w_loads.eq((unit == Unit.LOAD) | (unit == Unit.ATOMIC)),
                w_multiplies.eq(unit == Unit.MULTIPLY),
            ]
            with m.If(go):
                m.d.comb += [slow_anyway.eq(needs_longer), valid_anyway.eq(~is_memory & ~needs_longer & ~takes),
                             write_anyway.eq(~is_memory & ~needs_longer & ~takes & control.writes_rd)]
                m.d.comb += settles.eq(csr_now & csr.unsettles)
                m.d.sync += [
                    w_refill.eq(csr_now & csr.flush),
                    w_forget.eq(csr_now & csr.protects),
                ]
            with m.Elif(active):
                m.d.sync += w_trap.eq(1)
        with m.If(takes & arrives & self.result.exception):
            m.d.sync += w_trap.eq(1)
        next_cause = Signal(6)
        with m.If(w_slow):
            m.d.comb += next_cause.eq(Mux(w_memory, memory.cause, self.result.cause))
        with m.Elif(interrupted):
            m.d.comb += next_cause.eq(csr.interrupt_cause)
        with m.Else():
            m.d.comb += next_cause.eq(Mux(i.exception, i.cause, self.result.cause))
        m.d.comb += [csr.next_cause.eq(next_cause), csr.next_interrupt.eq(~w_slow & interrupted)]
        m.d.sync += [w_cause.eq(next_cause), w_delegated.eq(csr.next_delegated)]
        # What stands here while an instruction is slow does not matter.
        value_unit, value_anyway, of_result = Signal(Unit), Signal(64, attrs=SEPARATE), Signal(attrs=SEPARATE)
        m.d.comb += [value_unit.eq(Mux(w_slow, w_unit, unit)), of_result.eq(value_unit == Unit.CUSTOM)]
        with m.Switch(value_unit):
            with m.Case(Unit.DIVIDE):
                m.d.comb += value_anyway.eq(divider.result)
            with m.Case(Unit.CSR):
                m.d.comb += value_anyway.eq(csr.read_data)
            with m.Case(Unit.CUSTOM):
                m.d.comb += value_anyway.eq(0)
            with m.Default():
                m.d.comb += value_anyway.eq(i.result)
        m.d.sync += back.value.eq(value_anyway | Mux(of_result, self.result.data, 0))
        m.d.comb += [
            self.writeback.eq(back),
            self.writeback.write.eq(w_write_memory | w_write_other),
            self.back_value.eq(Mux(w_loads, memory.value, back.value)),
            self.writeback.value.eq(Mux(w_multiplies, multiplier.result, self.back_value)),
            self.writeback.context.eq(csr.context),
            self.forward_rd.eq(i.rd),
            self.forward_write.eq(m_valid & control.writes_rd),
            self.forward_late.eq(produces_late(unit)),
            self.forward_value.eq(i.result),
            self.forward_distance.eq(i.distance),
            self.multiplies.eq(m_valid & (unit == Unit.MULTIPLY)),
            self.slow.eq(w_slow),
            self.slow_rd.eq(back.rd),
            self.slow_write.eq(w.control.writes_rd),
        ]

        # ---- traps
        value = Signal(64)
        with m.If(~w_interrupt):
            with m.Switch(w_cause):
                with m.Case(Cause.ILLEGAL_INSTRUCTION):
                    m.d.comb += value.eq(w.raw)
                with m.Case(Cause.BREAKPOINT, Cause.FETCH_PAGE, Cause.FETCH_ACCESS):
                    m.d.comb += value.eq(w.pc + Cat(C(0, 1), w.fault_second & (w_cause != Cause.BREAKPOINT)))
                with m.Case(Cause.LOAD_MISALIGNED, Cause.LOAD_ACCESS, Cause.LOAD_PAGE,
                            Cause.STORE_MISALIGNED, Cause.STORE_ACCESS, Cause.STORE_PAGE):
                    m.d.comb += value.eq(memory.accessed)
        m.d.comb += [
            csr.retire.eq(w_valid),
            csr.trap.eq(w_trap),
            csr.trap_delegated.eq(w_delegated),
            csr.trap_interrupt.eq(w_interrupt),
            csr.trap_cause.eq(w_cause),
            csr.trap_pc.eq(w.pc),
            csr.trap_value.eq(value),
        ]

        signals = CommitSignals(
            instruction=i, is_return=is_return, active=active, go=go, interrupted=interrupted, diverted=diverted,
            exception=exception, frozen=frozen, vectored=vectored, next_cause=next_cause, record=w, slow=w_slow,
            slow_memory=w_slow_memory, valid=w_valid, trap=w_trap, interrupt=w_interrupt, cause=w_cause, value=value)
        if csr.debug is not None:
            hook_debug(m, self, signals)
        if self._config.trace:
            drive_trace(m, self, signals)
            m.d.comb += [
                self.trace.enters_writeback.eq(active), self.trace.drops.eq(self.kill),
                self.trace.drops_memory.eq(flush),
            ]
        if self._config.rvfi:
            observe_commit(m, self, signals)
        return m
