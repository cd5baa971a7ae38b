"""Decode stage: meaning of the instruction, its operands, and whether the privilege allows it."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..mapping import equal
from .align import FetchedInstruction
from .csr_fields import Status
from .decoder import Decoder, System, Unit
from .isa import Cause
from .pipeline import DecodedInstruction
from .port import Privilege
from .prediction import REGION_BITS, BranchKind

__all__ = ["DecodeStage"]

#: Register ra.
RETURN_ADDRESS = 1


class DecodeStage(wiring.Component):
    """Combinational.

    State that changes how instructions decode (privilege, mstatus, SCUSTOM) is read as it is now: whatever changes it
    refills the pipeline.

    Members
    -------
    instruction : from the aligner.
    register1, register2 : from the register file.
    forward, forward_rd, forward_value : the result written back in this cycle.
    privilege, status, custom_user : see :class:`hw.core.csr_file.CsrFile`.
    decoded : the answer.
    """

    instruction: In(FetchedInstruction)
    register1: In(64)
    register2: In(64)
    forward: In(1)
    forward_rd: In(5)
    forward_value: In(64)
    privilege: In(Privilege)
    status: In(Status)
    custom_user: In(1)
    decoded: Out(DecodedInstruction)

    def elaborate(self, platform):
        m = Module()
        m.submodules.decoder = decoder = Decoder()
        fetched, out = self.instruction, self.decoded
        m.d.comb += [
            decoder.insn.eq(fetched.insn),
            out.control.eq(decoder.control),
            out.pc.eq(fetched.pc),
            out.next_pc.eq(fetched.next_pc),
            out.raw.eq(fetched.raw),
            out.rd.eq(decoder.rd),
            out.rs1.eq(decoder.rs1),
            out.rs2.eq(decoder.rs2),
            out.offset.eq(decoder.immediate),
            out.fault_second.eq(fetched.fault_second),
        ]
        for number, operand, register, instead, other in (
                (decoder.rs1, out.operand1, self.register1, decoder.control.use_pc, fetched.pc),
                (decoder.rs2, out.operand2, self.register2, decoder.control.use_immediate, decoder.immediate)):
            with m.If(instead):
                m.d.comb += operand.eq(other)
            with m.Elif(number == 0):
                m.d.comb += operand.eq(0)
            with m.Elif(self.forward & (self.forward_rd == number)):
                m.d.comb += operand.eq(self.forward_value)
            with m.Else():
                m.d.comb += operand.eq(register)

        target = Signal(64)
        compressed = fetched.raw[:2] != 3
        end = Signal(REGION_BITS)
        same_region = target[REGION_BITS:] == fetched.pc[REGION_BITS:]
        m.d.comb += [
            target.eq(fetched.pc + decoder.immediate),
            end.eq(fetched.pc[:REGION_BITS] + Mux(compressed, 0, 2)),
            out.target.eq(target),
            out.predicted.eq(fetched.predicted),
            out.predicted_target.eq(fetched.target),
            out.agrees.eq(equal(target[:REGION_BITS], fetched.target)),
            out.known.eq(fetched.known),
            out.end.eq(end),
            # What ends in the first halfword of a region may lie in it or straddle its border. The predictor cannot
            # tell, and fetch would go on in the region of the second half, the aligner in that of the first.
            out.predictable.eq(
                (same_region | decoder.control.indirect) & end[1:].any()
                & (out.kind != BranchKind.NONE) & (out.kind != BranchKind.FAR_CALL)),
        ]
        calls = decoder.rd == RETURN_ADDRESS
        with m.If(decoder.control.unit == Unit.BRANCH):
            m.d.comb += out.kind.eq(BranchKind.CONDITIONAL)
        with m.Elif((decoder.control.unit == Unit.JUMP) & ~decoder.control.indirect):
            m.d.comb += out.kind.eq(Mux(calls, BranchKind.CALL, BranchKind.JUMP))
        with m.Elif(decoder.control.unit == Unit.JUMP):
            direct = decoder.immediate == 0
            with m.If(calls):
                m.d.comb += out.kind.eq(Mux(direct, BranchKind.INDIRECT_CALL, BranchKind.FAR_CALL))
            with m.Elif(direct & (decoder.rs1 == RETURN_ADDRESS) & (decoder.rd == 0)):
                m.d.comb += out.kind.eq(BranchKind.RETURN)
            with m.Elif(direct):
                m.d.comb += out.kind.eq(BranchKind.INDIRECT)

        # Privileged specification, 3.1.6.6 and 3.3; SCUSTOM in hw.abi.
        user = self.privilege == Privilege.USER
        supervisor = self.privilege == Privilege.SUPERVISOR
        forbidden = Signal()
        with m.If(decoder.control.unit == Unit.SYSTEM):
            with m.Switch(decoder.control.system):
                with m.Case(System.MRET):
                    m.d.comb += forbidden.eq(user | supervisor)
                with m.Case(System.SRET):
                    m.d.comb += forbidden.eq(user | (supervisor & self.status.tsr))
                with m.Case(System.WFI):
                    m.d.comb += forbidden.eq(user | (supervisor & self.status.tw))
                with m.Case(System.SFENCE_VMA):
                    m.d.comb += forbidden.eq(user | (supervisor & self.status.tvm))
        with m.Elif(decoder.control.unit == Unit.CUSTOM):
            m.d.comb += forbidden.eq(user & ~self.custom_user)

        with m.If(fetched.page_fault):
            m.d.comb += [out.exception.eq(1), out.cause.eq(Cause.FETCH_PAGE)]
        with m.Elif(fetched.access_fault):
            m.d.comb += [out.exception.eq(1), out.cause.eq(Cause.FETCH_ACCESS)]
        with m.Elif(decoder.illegal | fetched.illegal | forbidden):
            m.d.comb += [out.exception.eq(1), out.cause.eq(Cause.ILLEGAL_INSTRUCTION)]
        with m.Elif((decoder.control.unit == Unit.SYSTEM) & (decoder.control.system == System.ECALL)):
            m.d.comb += [out.exception.eq(1), out.cause.eq(Cause.ECALL_USER | self.privilege.as_value())]
        with m.Elif((decoder.control.unit == Unit.SYSTEM) & (decoder.control.system == System.EBREAK)):
            m.d.comb += [out.exception.eq(1), out.cause.eq(Cause.BREAKPOINT)]
        return m
