"""Trace port: what each retired instruction did, for commit logs and lockstep comparison."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from .atomic import AtomicOperation
from .decoder import Unit
from .port import Privilege

__all__ = ["TraceSignature", "drive_trace"]


class TraceSignature(wiring.Signature):
    """One retired instruction or trap a cycle, in program order.

    Members
    -------
    valid : an instruction retired, or trapped (`trap`).
    pc, insn, privilege : the instruction, compressed ones as their 16 bits, and the privilege it ran in.
    rd_we, rd, rd_data : register written.
    mem_valid, mem_we, mem_addr, mem_data, mem_size : memory access; the address is virtual, `mem_data` is what
        was written (zero above the size; for an AMO the new value), `mem_size` the logarithm of the bytes.
    csr_we, csr, csr_data : CSR written by a CSR instruction, and what it reads as afterwards.
    trap, interrupt, cause, tval : the instruction trapped, and nothing of the above was done.
    decode_pc, decode_insn : the instruction that enters decode.
    enters_decode, enters_execute, enters_memory, enters_writeback : an instruction moves there at the end of this
        cycle. It leaves writeback in the cycle of its `valid`.
    drops, drops_memory : what is in decode and execute, and what is in the memory stage, is cancelled in this cycle.
    """

    def __init__(self):
        super().__init__({
            "valid": Out(1),
            "pc": Out(64),
            "insn": Out(32),
            "privilege": Out(Privilege),
            "rd_we": Out(1),
            "rd": Out(5),
            "rd_data": Out(64),
            "mem_valid": Out(1),
            "mem_we": Out(1),
            "mem_addr": Out(64),
            "mem_data": Out(64),
            "mem_size": Out(2),
            "csr_we": Out(1),
            "csr": Out(12),
            "csr_data": Out(64),
            "trap": Out(1),
            "interrupt": Out(1),
            "cause": Out(6),
            "tval": Out(64),
            "decode_pc": Out(64),
            "decode_insn": Out(32),
            "enters_decode": Out(1),
            "enters_execute": Out(1),
            "enters_memory": Out(1),
            "enters_writeback": Out(1),
            "drops": Out(1),
            "drops_memory": Out(1),
        })


def drive_trace(m, stage, signals):
    """Fill the trace port of `stage` (:class:`hw.core.commit.CommitStage`) from its signals (:class:`CommitSignals`);
    the register written, and the stages before, are the core's business."""
    w = signals.record
    trace, memory, csr = stage.trace, stage.memory, stage.csr
    unit, funct3 = w.control.unit, w.control.funct3
    # A return from a trap, or a CSR instruction, has changed these by now.
    privilege, csr_written = Signal.like(csr.privilege), Signal()
    with m.If(~signals.frozen):
        m.d.sync += [privilege.eq(csr.privilege), csr_written.eq(csr.execute & csr.writes)]
    size_mask = Array((0xFF, 0xFFFF, 0xFFFF_FFFF, (1 << 64) - 1))[funct3[:2]]
    operation = w.raw[27:32]
    is_atomic, is_store = unit == Unit.ATOMIC, unit == Unit.STORE
    failed_sc = is_atomic & (operation == AtomicOperation.SC) & ~memory.wrote
    m.d.comb += [
        trace.valid.eq(signals.valid | signals.trap),
        trace.pc.eq(w.pc),
        trace.insn.eq(w.raw),
        trace.privilege.eq(privilege),
        trace.mem_valid.eq(signals.valid & ((unit == Unit.LOAD) | is_store | is_atomic) & ~failed_sc),
        trace.mem_we.eq(is_store | (is_atomic & (operation != AtomicOperation.LR))),
        trace.mem_addr.eq(memory.accessed),
        trace.mem_data.eq(memory.written & size_mask),
        trace.mem_size.eq(funct3[:2]),
        trace.csr_we.eq(signals.valid & csr_written),
        trace.csr.eq(w.raw[20:32]),
        trace.csr_data.eq(csr.trace_data),
        trace.trap.eq(signals.trap),
        trace.interrupt.eq(signals.interrupt),
        trace.cause.eq(signals.cause),
        trace.tval.eq(signals.value),
    ]
    if csr.debug is not None:
        with m.If(csr.debug.active | csr.debug.enter):
            m.d.comb += trace.valid.eq(0)
