"""RISC-V Formal Interface: what each instruction read, wrote and did, for proofs and monitors.

The signals and their meaning are those of the RVFI definition of riscv-formal, for one channel (NRET = 1), 64 bits
(ILEN = 32, XLEN = 64) and memory accesses at byte addresses.
"""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .atomic import AtomicOperation
from .decoder import System, Unit
from .isa import Cause, CsrAddress
from .pipeline import ExecutedInstruction, Writeback
from .port import Privilege

__all__ = ["RVFI_CSRS", "RvfiSignature", "CommitObserver", "observe_commit"]

#: CSRs that the port shows.
RVFI_CSRS = {address.name.lower(): address for address in (
    CsrAddress.MISA, CsrAddress.MSTATUS, CsrAddress.MEDELEG, CsrAddress.MIDELEG, CsrAddress.MIE, CsrAddress.MIP,
    CsrAddress.MTVEC, CsrAddress.MSCRATCH, CsrAddress.MEPC, CsrAddress.MCAUSE, CsrAddress.MTVAL,
    CsrAddress.MCOUNTEREN, CsrAddress.MENVCFG, CsrAddress.STVEC, CsrAddress.SSCRATCH, CsrAddress.SEPC,
    CsrAddress.SCAUSE, CsrAddress.STVAL, CsrAddress.SCOUNTEREN, CsrAddress.SENVCFG, CsrAddress.STIMECMP,
    CsrAddress.SATP, CsrAddress.MCYCLE, CsrAddress.MINSTRET,
)}
#: CSRs that traps and returns write besides CSR instructions.
_TRAP_CSRS = ("mstatus", "mepc", "mcause", "mtval", "sepc", "scause", "stval")
#: CSRs that another address writes too.
_VIEWS = {"mstatus": CsrAddress.SSTATUS, "mie": CsrAddress.SIE, "mip": CsrAddress.SIP}


class RvfiSignature(wiring.Signature):
    """One retired or trapped instruction a cycle, in program order.

    Members
    -------
    valid : an instruction retired, or trapped (`trap`). Interrupts are not instructions.
    order : number of the instruction.
    insn : compressed ones as their 16 bits. 0 if the fetch failed.
    trap : the instruction trapped, and did nothing else; pc_wdata is the trap vector.
    halt : 0.
    intr : the first instruction after a trap or interrupt.
    mode, ixl : privilege of the instruction; 2 for 64 bits.
    rs1_addr, rs2_addr, rs1_rdata, rs2_rdata : registers read, 0 if none.
    rd_addr, rd_wdata : register written, 0 if none.
    pc_rdata, pc_wdata : address of the instruction and of the next.
    mem_addr, mem_rmask, mem_wmask, mem_rdata, mem_wdata : memory access at a virtual byte address; bit 0 of a
        mask stands for the byte at `mem_addr`.
    csr_*_rmask, csr_*_wmask, csr_*_rdata, csr_*_wdata : for each of :data:`RVFI_CSRS` its value before and after the
        instruction; the write mask is all ones if the instruction may have written it.
    """

    def __init__(self):
        super().__init__({
            "valid": Out(1),
            "order": Out(64),
            "insn": Out(32),
            "trap": Out(1),
            "halt": Out(1),
            "intr": Out(1),
            "mode": Out(2),
            "ixl": Out(2),
            "rs1_addr": Out(5),
            "rs2_addr": Out(5),
            "rs1_rdata": Out(64),
            "rs2_rdata": Out(64),
            "rd_addr": Out(5),
            "rd_wdata": Out(64),
            "pc_rdata": Out(64),
            "pc_wdata": Out(64),
            "mem_addr": Out(64),
            "mem_rmask": Out(8),
            "mem_wmask": Out(8),
            "mem_rdata": Out(64),
            "mem_wdata": Out(64),
            **{f"csr_{name}_{part}": Out(64) for name in RVFI_CSRS
               for part in ("rmask", "wmask", "rdata", "wdata")},
        })


class CommitObserver(wiring.Component):
    """Watches memory and writeback stage. The port speaks a cycle after writeback, when a trap has been entered.

    Members
    -------
    instruction : what is in the memory stage (:class:`hw.core.pipeline.ExecutedInstruction`).
    slow : writeback holds an older one, so it does not move on.
    privilege : current privilege.
    csr_write : the instruction writes a CSR now.
    csr_now_* : what each of :data:`RVFI_CSRS` reads as now.
    done, trap, interrupt : the instruction in writeback retires, traps, or gave way to an interrupt.
    vector : where a trap goes now.
    address, stored, wrote : its memory access, what it wrote, and whether an atomic one did.
    back, back_value : :class:`hw.core.pipeline.Writeback`, and what it writes.
    rvfi : the port.
    """

    def __init__(self):
        super().__init__({
            "instruction": In(ExecutedInstruction),
            "slow": In(1),
            "privilege": In(Privilege),
            "csr_write": In(1),
            **{f"csr_now_{name}": In(64) for name in RVFI_CSRS},
            "done": In(1),
            "trap": In(1),
            "interrupt": In(1),
            "vector": In(64),
            "address": In(64),
            "stored": In(64),
            "wrote": In(1),
            "back": In(Writeback),
            "back_value": In(64),
            "rvfi": Out(RvfiSignature()),
        })

    def elaborate(self, platform):
        m = Module()
        rvfi, back = self.rvfi, self.back
        w = Signal(ExecutedInstruction)
        mode = Signal(Privilege)
        csr_write = Signal()
        with m.If(~self.slow):
            m.d.sync += [w.eq(self.instruction), mode.eq(self.privilege), csr_write.eq(self.csr_write)]

        retires = (self.done | self.trap) & ~(self.trap & self.interrupt)
        order = Signal(64)
        handler = Signal()
        with m.If(retires):
            m.d.sync += order.eq(order + 1)
        with m.If(self.trap):
            m.d.sync += handler.eq(1)
        with m.Elif(self.done):
            m.d.sync += handler.eq(0)

        unit = w.control.unit
        atomic = unit == Unit.ATOMIC
        is_lr = w.raw[27:32] == AtomicOperation.LR.value
        is_sc = w.raw[27:32] == AtomicOperation.SC.value
        reads = (unit == Unit.LOAD) | (atomic & ~is_sc)
        writes = (unit == Unit.STORE) | (atomic & ~is_lr & (~is_sc | self.wrote))
        fetched = Signal()
        m.d.comb += fetched.eq(~w.exception | ((w.cause != Cause.FETCH_PAGE) & (w.cause != Cause.FETCH_ACCESS)))
        uses_rs1, uses_rs2 = w.control.reads_rs1 & fetched, w.control.reads_rs2 & fetched
        mask = Signal(8)
        wide = Signal(64)
        m.d.comb += [
            mask.eq(Array((0x01, 0x03, 0x0F, 0xFF))[w.control.funct3[:2]]),
            wide.eq(Cat(bit.replicate(8) for bit in mask)),
        ]
        m.d.sync += [
            rvfi.valid.eq(retires),
            rvfi.order.eq(order),
            rvfi.insn.eq(Mux(fetched, w.raw, 0)),
            rvfi.trap.eq(self.trap),
            rvfi.intr.eq(handler),
            rvfi.mode.eq(mode),
            rvfi.rs1_addr.eq(Mux(uses_rs1, w.rs1, 0)),
            rvfi.rs2_addr.eq(Mux(uses_rs2, w.rs2, 0)),
            rvfi.rs1_rdata.eq(Mux(uses_rs1, w.operand1, 0)),
            rvfi.rs2_rdata.eq(Mux(uses_rs2, w.operand2, 0)),
            rvfi.rd_addr.eq(Mux(back.write, back.rd, 0)),
            rvfi.rd_wdata.eq(Mux(back.write, self.back_value, 0)),
            rvfi.pc_rdata.eq(w.pc),
            rvfi.pc_wdata.eq(Mux(self.trap, self.vector, w.follow_pc)),
            rvfi.mem_addr.eq(self.address),
            rvfi.mem_rmask.eq(Mux(self.done & reads, mask, 0)),
            rvfi.mem_wmask.eq(Mux(self.done & writes, mask, 0)),
            rvfi.mem_rdata.eq(self.back_value & wide),
            rvfi.mem_wdata.eq(self.stored & wide),
        ]
        m.d.comb += rvfi.ixl.eq(2)

        is_return = (unit == Unit.SYSTEM) & ((w.control.system == System.MRET) | (w.control.system == System.SRET))
        for name, address in RVFI_CSRS.items():
            now = getattr(self, f"csr_now_{name}")
            before = Signal(64, name=f"{name}_before")
            after = Signal(64, name=f"{name}_after")
            first = Signal(64, name=f"{name}_first")
            touched = Signal(name=f"{name}_touched")
            named = self.done & csr_write & ((w.raw[20:32] == address)
                                             | (w.raw[20:32] == _VIEWS.get(name, address)))
            with m.If(~self.slow):
                m.d.sync += first.eq(now)
            m.d.sync += [before.eq(first), after.eq(now), touched.eq(named)]
            if name == "minstret":
                # Counts in writeback: those before this one have been counted only now.
                m.d.sync += before.eq(Mux(named, first, now))
                m.d.comb += rvfi.csr_minstret_wdata.eq(now)
            else:
                m.d.comb += getattr(rvfi, f"csr_{name}_wdata").eq(Mux(rvfi.trap, now, after))
            if name in _TRAP_CSRS:
                m.d.sync += touched.eq(named | self.trap | is_return)
            m.d.comb += [
                getattr(rvfi, f"csr_{name}_rmask").eq(C(-1, 64)),
                getattr(rvfi, f"csr_{name}_rdata").eq(before),
                getattr(rvfi, f"csr_{name}_wmask").eq(touched.replicate(64)),
            ]
        return m


def observe_commit(m, stage, signals):
    """Fill the RVFI port of `stage` (:class:`hw.core.commit.CommitStage`) from its signals (:class:`CommitSignals`)."""
    csr, memory = stage.csr, stage.memory
    m.submodules.observer = observer = CommitObserver()
    m.d.comb += [
        observer.instruction.eq(signals.instruction),
        observer.slow.eq(signals.slow),
        observer.privilege.eq(csr.privilege),
        observer.csr_write.eq(csr.execute & csr.writes),
        *(getattr(observer, f"csr_now_{name}").eq(getattr(csr, f"rvfi_{name}")) for name in RVFI_CSRS),
        observer.done.eq(signals.valid),
        observer.trap.eq(signals.trap),
        observer.interrupt.eq(signals.interrupt),
        observer.vector.eq(csr.trap_vector),
        observer.address.eq(memory.accessed),
        observer.stored.eq(memory.written),
        observer.wrote.eq(memory.wrote),
        observer.back.eq(stage.writeback),
        observer.back_value.eq(stage.writeback.value),
    ]
    wiring.connect(m, observer.rvfi, wiring.flipped(stage.rvfi))
