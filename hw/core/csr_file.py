"""Control and status registers (privileged specification, chapters 3 and 12)."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..abi import Csr
from .config import CoreConfig
from .csr_fields import Satp, Status, status_word
from .debug import DebugControl
from .debug_hooks import hook_debug_csrs
from .interrupts import InterruptPriority
from .isa import MISA, SV39, Cause, CsrAddress, Interrupt
from .pmp import PmpEntry, protection_csrs
from .port import Privilege
from .rvfi import RVFI_CSRS
from .stored_csr import StoredCsr, modified, store_csrs
from .translation import Regime
from .trap_entry import TrapRegisters, enter_and_return
from .triggers import TriggerModule

__all__ = ["CsrFile"]

#: Interrupts that exist, those that can be delegated, and delegable exceptions: all but the call from M-mode, and
#: the custom causes 24 to 31.
INTERRUPT_MASK = sum(1 << interrupt for interrupt in Interrupt)
DELEGABLE_INTERRUPTS = sum(1 << interrupt for interrupt in Interrupt if interrupt.name.startswith("SUPERVISOR"))
DELEGABLE_EXCEPTIONS = sum(1 << cause for cause in Cause if cause != Cause.ECALL_MACHINE) | 0xFF << 24


class CsrFile(wiring.Component):
    """All CSRs, and what traps and returns do to them.

    Members
    -------
    check_stored, check_place : whether and where `check_address` lies in LUT RAM; for the memory stage, as `stored` and
        `place`.
    check_address, check_writes, illegal : may this CSR be accessed now? Asked in execute: what the answer depends on
        changes only with the privilege, which refills the pipeline.
    address, function, operand, writes : the CSR instruction in the memory stage (function: 1 write, 2 set, 3 clear).
    read_data, write_data, flush, protects, unsettles : answers of the same cycle; `flush` asks for a refill of the
        pipeline, since the CSR changes how instructions are fetched; `protects` says that it changes physical memory
        protection, `unsettles` that it can make an interrupt possible or impossible.
    accesses : there is a CSR instruction for LUT RAM. `execute` : the CSR instruction happens now.
    context_data : what SCTXDATA reads.
    retire : an instruction retires now.
    next_interrupt, next_cause, next_delegated : would S-mode take this trap, if it were taken in the next cycle?
    trap, trap_delegated, trap_interrupt, trap_cause, trap_pc, trap_value : a trap is taken now; `trap_vector` is where
        it goes: to `trap_base`, or later in the table there if `trap_vectored`.
    machine_return, supervisor_return : mret or sret happens now.
    return_machine, return_pc : where mret, or else sret, would go; not while there is a CSR instruction or a trap.
    status, satp, privilege, custom_user, context : current state.
    data_privilege : privilege of loads and stores (mstatus.MPRV).
    fetch_regime, data_regime : how addresses are translated.
    regions : physical memory protection.
    interrupt_valid, interrupt_cause, wake : see :class:`hw.core.interrupts.InterruptPriority`.
    msip, mtip, meip, seip, time : interrupt lines and the value of mtime.
    context_address : SCTXADDR, as context and register.
    trace_data : what the CSR addressed in the last cycle reads as now (only if config.trace).
    rvfi_* : what each CSR of the RVFI port reads as now (only if config.rvfi).

    Attributes
    ----------
    debug : DebugControl or None
    triggers : TriggerModule or None
        Their CSRs are reached through here; the rest is the commit stage's business.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        self.debug = DebugControl(config.debug_vector) if config.debug else None
        self.triggers = TriggerModule() if config.debug else None
        super().__init__({
            "address": In(12),
            "function": In(2),
            "operand": In(64),
            "writes": In(1),
            "read_data": Out(64),
            "write_data": Out(64),
            "check_address": In(12),
            "check_writes": In(1),
            "illegal": Out(1),
            "check_stored": Out(1),
            "check_place": Out(StoredCsr),
            "stored": In(1),
            "place": In(StoredCsr),
            "flush": Out(1),
            "protects": Out(1),
            "unsettles": Out(1),
            "accesses": In(1),
            "execute": In(1),
            "context_data": In(64),
            "retire": In(1),
            "next_interrupt": In(1),
            "next_cause": In(6),
            "next_delegated": Out(1),
            "trap": In(1),
            "trap_delegated": In(1),
            "trap_interrupt": In(1),
            "trap_cause": In(6),
            "trap_pc": In(64),
            "trap_value": In(64),
            "trap_vector": Out(64),
            "trap_base": Out(64),
            "trap_vectored": Out(1),
            "machine_return": In(1),
            "supervisor_return": In(1),
            "return_machine": In(1),
            "return_pc": Out(64),
            "status": Out(Status),
            "satp": Out(Satp),
            "privilege": Out(Privilege, init=Privilege.MACHINE),
            "data_privilege": Out(Privilege),
            "fetch_regime": Out(Regime),
            "data_regime": Out(Regime),
            "regions": Out(data.ArrayLayout(PmpEntry, config.pmp_entries)),
            "custom_user": Out(1),
            "context": Out(4),
            "context_address": Out(data.StructLayout({"register": 5, "context": 4})),
            "interrupt_valid": Out(1),
            "interrupt_cause": Out(6),
            "wake": Out(1),
            "msip": In(1),
            "mtip": In(1),
            "meip": In(1),
            "seip": In(1),
            "time": In(64),
            "trace_data": Out(64),
            **{f"rvfi_{name}": Out(64) for name in RVFI_CSRS},
        })

    def elaborate(self, platform):
        m = Module()
        config = self._config
        status, satp, privilege = self.status, self.satp, self.privilege

        # Plain registers.
        # Bit 6 is the interrupt bit.
        mcause = Signal(7)
        scause = Signal(7)
        medeleg = Signal(32)
        mideleg = Signal(16)
        mie = Signal(16)
        software_pending = Signal(16)  # The bits of mip that software writes.
        mcounteren = Signal(3)
        scounteren = Signal(3)
        stimer_enable = Signal()
        fence_io_m = Signal()
        fence_io_s = Signal()
        stimecmp = Signal(64, init=(1 << 64) - 1)
        mcycle = Signal(64)
        minstret = Signal(64)
        context_trap, context_return, context_machine = (Signal(4, name=name) for name in (
            "context_trap", "context_return", "context_machine"))

        # ---- interrupts
        timer_due = Signal()
        m.d.sync += timer_due.eq(self.time >= stimecmp)
        mip = Signal(16)
        m.d.comb += [
            mip.eq(software_pending),
            mip[Interrupt.MACHINE_SOFTWARE].eq(self.msip),
            mip[Interrupt.MACHINE_TIMER].eq(self.mtip),
            mip[Interrupt.MACHINE_EXTERNAL].eq(self.meip),
            mip[Interrupt.SUPERVISOR_EXTERNAL].eq(software_pending[Interrupt.SUPERVISOR_EXTERNAL] | self.seip),
        ]
        with m.If(stimer_enable):
            m.d.comb += mip[Interrupt.SUPERVISOR_TIMER].eq(timer_due)
        m.submodules.interrupts = interrupts = InterruptPriority()
        m.d.comb += [
            interrupts.pending.eq(mip),
            interrupts.enabled.eq(mie),
            interrupts.delegated.eq(mideleg),
            interrupts.privilege.eq(privilege),
            interrupts.machine_enable.eq(status.mie),
            interrupts.supervisor_enable.eq(status.sie),
            self.interrupt_valid.eq(interrupts.valid),
            self.interrupt_cause.eq(interrupts.cause),
            self.wake.eq(interrupts.wake),
        ]

        # ---- CSR instructions. `table` names what a CSR reads as; `writers` what its write does.
        value = self.write_data
        table = {}
        writers = {}

        def csr(address, read, *written):
            table[address] = read
            if written:
                writers[address] = list(_flatten(written))

        def cause_word(register):
            return Cat(register[:6], C(0, 57), register[6])

        def merge(target, mask):
            return [target[bit].eq(value[bit]) for bit in range(len(target)) if mask >> bit & 1]

        status_supervisor = [
            status.sie.eq(value[1]), status.spie.eq(value[5]), status.spp.eq(value[8]),
            status.sum.eq(value[18]), status.mxr.eq(value[19]),
        ]
        csr(CsrAddress.MSTATUS, status_word(status, supervisor=False), *status_supervisor,
            status.mie.eq(value[3]), status.mpie.eq(value[7]),
            # MPP is WARL: the level that does not exist becomes U.
            status.mpp.as_value().eq(Mux(value[11:13] == 2, Privilege.USER, value[11:13])),
            status.mprv.eq(value[17]), status.tvm.eq(value[20]), status.tw.eq(value[21]), status.tsr.eq(value[22]))
        csr(CsrAddress.SSTATUS, status_word(status, supervisor=True), *status_supervisor)
        csr(CsrAddress.MISA, C(MISA, 64))
        csr(CsrAddress.MEDELEG, medeleg, merge(medeleg, DELEGABLE_EXCEPTIONS))
        csr(CsrAddress.MIDELEG, mideleg, merge(mideleg, DELEGABLE_INTERRUPTS))
        csr(CsrAddress.MIE, mie, merge(mie, INTERRUPT_MASK))
        csr(CsrAddress.SIE, mie & mideleg, mie.eq((mie & ~mideleg) | (value & mideleg & INTERRUPT_MASK)))
        # With stimecmp in use, STIP is read-only (Sstc, 1.1.2).
        stip = 1 << Interrupt.SUPERVISOR_TIMER
        csr(CsrAddress.MIP, mip, merge(software_pending, DELEGABLE_INTERRUPTS & ~stip),
            software_pending[Interrupt.SUPERVISOR_TIMER].eq(Mux(
                stimer_enable, software_pending[Interrupt.SUPERVISOR_TIMER], value[Interrupt.SUPERVISOR_TIMER])))
        csr(CsrAddress.SIP, mip & mideleg, software_pending[Interrupt.SUPERVISOR_SOFTWARE].eq(Mux(
            mideleg[Interrupt.SUPERVISOR_SOFTWARE], value[Interrupt.SUPERVISOR_SOFTWARE],
            software_pending[Interrupt.SUPERVISOR_SOFTWARE])))
        csr(CsrAddress.MCAUSE, cause_word(mcause), mcause.eq(Cat(value[:6], value[63])))
        csr(CsrAddress.SCAUSE, cause_word(scause), scause.eq(Cat(value[:6], value[63])))
        csr(CsrAddress.MCOUNTEREN, mcounteren, mcounteren.eq(value))
        csr(CsrAddress.SCOUNTEREN, scounteren, scounteren.eq(value))
        csr(CsrAddress.MENVCFG, Cat(fence_io_m, C(0, 62), stimer_enable),
            fence_io_m.eq(value[0]), stimer_enable.eq(value[63]))
        csr(CsrAddress.SENVCFG, fence_io_s, fence_io_s.eq(value[0]))
        csr(CsrAddress.STIMECMP, stimecmp, stimecmp.eq(value))
        csr(CsrAddress.SATP, satp.as_value(), [])
        csr(CsrAddress.MCYCLE, mcycle, mcycle.eq(value))
        csr(CsrAddress.MINSTRET, minstret, minstret.eq(value))
        csr(CsrAddress.CYCLE, mcycle)
        csr(CsrAddress.TIME, self.time)
        csr(CsrAddress.INSTRET, minstret)
        csr(CsrAddress.MHARTID, C(config.hart_id, 64))
        for address in (CsrAddress.MVENDORID, CsrAddress.MARCHID, CsrAddress.MIMPID, CsrAddress.MCONFIGPTR):
            csr(address, C(0, 64))

        stored = store_csrs(m, self, csr, rvfi=config.rvfi)

        # Thread contexts. With one bank they all read 0.
        def bank(target, source):
            """Write a context number; one out of range becomes 0."""
            return target.eq(Mux(source < config.contexts, source, 0))

        csr(Csr.SCUSTOM, self.custom_user, self.custom_user.eq(value[0]))
        csr(Csr.SCTXTRAP, context_trap, bank(context_trap, value[:4]))
        csr(Csr.SCTXRET, context_return, bank(context_return, value[:4]))
        csr(Csr.MCTXTRAP, context_machine, bank(context_machine, value[:4]))
        csr(Csr.SCTXADDR, Cat(self.context_address.register, C(0, 3), self.context_address.context),
            self.context_address.register.eq(value[:5]), bank(self.context_address.context, value[8:12]))
        csr(Csr.SCTXDATA, self.context_data)

        if config.debug:
            for unit in (self.debug, self.triggers):
                for address, read in unit.registers().items():
                    csr(address, read)

        protection_csrs(list(self.regions), csr, value)

        if config.trace:
            traced = Signal(12)
            m.d.sync += traced.eq(self.address)
            # What LUT RAM was given is traced from there: its read port has gone on.
            stored_value = Signal(64)
            m.d.sync += stored_value.eq(stored.written)
            with m.Switch(traced):
                with m.Case(*(CsrAddress[place.name] for place in StoredCsr)):
                    m.d.comb += self.trace_data.eq(stored_value)
                for address, read in table.items():
                    with m.Case(address):
                        m.d.comb += self.trace_data.eq(read)

        if config.rvfi:
            for name, address in RVFI_CSRS.items():
                m.d.comb += getattr(self, f"rvfi_{name}").eq(stored.copies.get(name, table[address]))

        constant_zero = (
            CsrAddress.MCOUNTINHIBIT, *_series(CsrAddress.MHPMEVENT3, 29), *_series(CsrAddress.MHPMCOUNTER3, 29),
            *_series(CsrAddress.HPMCOUNTER3, 29), *_series(CsrAddress.PMPCFG0, 8, 2), *_series(CsrAddress.PMPADDR0, 64))
        with m.Switch(self.address):
            for address, read in table.items():
                with m.Case(address):
                    m.d.comb += self.read_data.eq(read)

        # ---- who may (privileged specification, 2.1, 3.1.11, 12.1.1)
        address = self.check_address
        known = Signal()
        with m.Switch(address):
            with m.Case(*sorted({*map(int, table), *map(int, constant_zero)})):
                m.d.comb += known.eq(1)
        machine = privilege == Privilege.MACHINE
        user = privilege == Privilege.USER
        counter_denied = Signal()
        counter = address[:5]
        for_supervisor = Cat(mcounteren, C(0, 29)).bit_select(counter, 1)
        for_user = Cat(scounteren, C(0, 29)).bit_select(counter, 1)
        m.d.comb += [
            counter_denied.eq(~machine & ~(for_supervisor & (~user | for_user))),
            self.illegal.eq(
                ~known | (address[8:10] > privilege.as_value()) | (self.check_writes & address[10:].all())
                | ((address[5:] == CsrAddress.CYCLE >> 5) & counter_denied)
                | ((address == CsrAddress.STIMECMP) & ~machine & ~(stimer_enable & mcounteren[1]))
                | ((address == CsrAddress.SATP) & ~machine & status.tvm)),
        ]

        # mip.SEIP reads as the OR with the line, but set and clear work on the bit that software wrote (3.1.9).
        old = Signal(64)
        m.d.comb += old.eq(self.read_data)
        with m.If(self.address == CsrAddress.MIP):
            m.d.comb += old[Interrupt.SUPERVISOR_EXTERNAL].eq(software_pending[Interrupt.SUPERVISOR_EXTERNAL])
        m.d.comb += value.eq(modified(self.function, old, self.operand))
        # Reading SCTXDATA borrows the register file from decode, so it refills too.
        protection = (self.address[4:] == CsrAddress.PMPCFG0 >> 4) | (self.address[6:] == CsrAddress.PMPADDR0 >> 6)
        m.d.comb += [
            self.protects.eq(self.writes & protection),
            self.flush.eq(self.protects | (self.writes & (self.address == CsrAddress.SATP))
                          | (self.address == Csr.SCTXDATA)),
        ]

        with m.Switch(self.address):
            with m.Case(CsrAddress.MSTATUS, CsrAddress.SSTATUS, CsrAddress.MIE, CsrAddress.SIE, CsrAddress.MIP,
                        CsrAddress.SIP, CsrAddress.MIDELEG):
                m.d.comb += self.unsettles.eq(self.writes)

        # ---- state changes
        # The write of minstret is not counted in it (Zicntr); it retires in the next cycle.
        instret_written = Signal()
        m.d.sync += instret_written.eq(self.execute & self.writes & (self.address == CsrAddress.MINSTRET))
        counting = C(1) if self.debug is None else ~self.debug.active  # dcsr.stopcount is 1.
        m.d.sync += mcycle.eq(mcycle + counting)
        with m.If(self.retire & counting & ~instret_written):
            m.d.sync += minstret.eq(minstret + 1)

        with m.If(self.execute & self.writes):
            with m.Switch(self.address):
                for address, statements in writers.items():
                    with m.Case(address):
                        m.d.sync += statements
                        if address == CsrAddress.SATP:
                            # A write of an unsupported mode has no effect at all (12.1.11).
                            new = Satp(value)
                            with m.If((new.mode == 0) | (new.mode == SV39)):
                                m.d.sync += satp.eq(value)

        enter_and_return(m, self, stored.read, TrapRegisters(
            medeleg=medeleg, mideleg=mideleg, mcause=mcause, scause=scause, context_trap=context_trap,
            context_return=context_return, context_machine=context_machine))
        m.d.comb += self.data_privilege.eq(Mux(status.mprv, status.mpp.as_value(), privilege.as_value()))
        for regime, level in ((self.fetch_regime, privilege), (self.data_regime, self.data_privilege)):
            m.d.comb += regime.eq(Mux(level == Privilege.MACHINE, Regime.MACHINE,
                                      Mux(satp.mode == SV39, Regime.PAGED, Regime.BARE)))
        if config.debug:
            hook_debug_csrs(m, self, medeleg)
        return m

def _flatten(statements):
    for statement in statements:
        if isinstance(statement, list):
            yield from statement
        else:
            yield statement


def _series(first, count, step=1):
    """Addresses of a series of CSRs."""
    return tuple(range(first, first + count * step, step))
