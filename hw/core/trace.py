"""Trace port: what each retired instruction did, for commit logs and lockstep comparison."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from .port import Privilege

__all__ = ["TraceSignature"]


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
