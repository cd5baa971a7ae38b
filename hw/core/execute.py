"""Execute stage: forwarding, arithmetic, addresses, branches, and the issue of custom instructions."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..abi import Csr
from ..mapping import equal
from .alu import ArithmeticLogicUnit
from .decoder import System, Unit
from .isa import Cause, CsrAddress
from .pipeline import DecodedInstruction, ExecutedInstruction, produces_late
from .port import CONTEXT_BITS, CapabilityPort, Privilege
from .prediction import REGION_BITS, BranchKind, Training
from .stored_csr import StoredCsr

__all__ = ["ExecuteStage"]


class ExecuteStage(wiring.Component):
    """Holds one instruction.

    Members
    -------
    decoded, decoded_valid, decoded_ready : from decode.
    executed, executed_valid, executed_ready : to the memory stage.
    kill : the instruction here is cancelled.
    training : what the branch predictor learns, a cycle later.
    address : of a load or store; earlier in the cycle than `executed`.
    memory_rd, memory_write, memory_late, memory_value : instruction in the memory stage, for forwarding.
        `memory_late`: its result does not exist yet.
    memory_distance : see :class:`hw.core.pipeline.ExecutedInstruction`.
    memory_multiplies : it is a multiplication, whose result only the register file and decode get from writeback.
    slow, slow_rd, slow_write : an instruction stays in writeback for another cycle.
    back_write, back_value : register write of writeback.
    behind_csr, behind_any : the memory stage accesses a CSR in LUT RAM; it has any instruction.
    privilege, context : current privilege and thread context.
    csr_address, csr_writes, csr_illegal, csr_stored, csr_place : is this CSR access legal, and where does the CSR lie?
    machine_return, return_pc : where mret or sret goes.
    issue : issue channel of the capability port; nothing is offered while `hold_issue`.
    """

    def __init__(self):
        super().__init__({
            "decoded": In(DecodedInstruction),
            "decoded_valid": In(1),
            "decoded_ready": Out(1),
            "executed": Out(ExecutedInstruction),
            "executed_valid": Out(1),
            "executed_ready": In(1),
            "address": Out(64),
            "kill": In(1),
            "training": Out(Training),
            "memory_rd": In(5),
            "memory_write": In(1),
            "memory_late": In(1),
            "memory_value": In(64),
            "memory_distance": In(6),
            "memory_multiplies": In(1),
            "slow": In(1),
            "slow_rd": In(5),
            "slow_write": In(1),
            "back_write": In(1),
            "back_value": In(64),
            "behind_csr": In(1),
            "behind_any": In(1),
            "privilege": In(Privilege),
            "context": In(CONTEXT_BITS),
            "csr_address": Out(12),
            "csr_writes": Out(1),
            "csr_illegal": In(1),
            "csr_stored": In(1),
            "csr_place": In(StoredCsr),
            "machine_return": Out(1),
            "return_pc": In(64),
            "issue": Out(CapabilityPort().members["issue"].signature),
            "hold_issue": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        x_valid = Signal()
        x = Signal(DecodedInstruction)
        control = x.control
        out = self.executed

        # ---- operands: the memory stage is younger than writeback, which is younger than the register file. Where an
        # operand comes from is found out a cycle ahead, from who will then stand where.
        leaving = Signal()
        hazard = Signal()

        def sources(number, reads, memory, back):
            """Whether the value comes from the memory stage, will come from there, or comes from writeback."""
            memory_rd, memory_write, memory_late = memory
            back_rd, back_write = back
            in_memory = memory_write & (memory_rd == number) & reads
            at_once = in_memory & ~memory_late
            return Cat(at_once, in_memory & memory_late, back_write & (back_rd == number) & reads & ~at_once)

        # Whether the instruction here leaves is known last: everything is found out for either case.
        in_memory = (self.memory_rd, self.memory_write)
        entering = (x.rd, control.writes_rd, produces_late(control.unit))
        staying = (self.memory_rd, self.memory_write & ~self.executed_ready, self.memory_late)
        behind = (Mux(self.executed_ready, self.memory_rd, self.slow_rd),
                  Mux(self.executed_ready, self.memory_write, self.slow & self.slow_write))
        operands = []
        for name in ("1", "2"):
            held, number, reads = (Value.cast(item) for item in (
                x[f"operand{name}"], self.decoded[f"rs{name}"], self.decoded.control[f"reads_rs{name}"]))
            operand = Signal(64, name=f"operand{name}")
            from_memory = Signal(name=f"from_memory{name}")
            awaited = Signal(name=f"awaited{name}")
            from_back = Signal(name=f"from_back{name}")
            m.d.sync += Cat(from_memory, awaited, from_back).eq(Mux(
                leaving, sources(number, reads, entering, in_memory), sources(
                    Mux(x_valid, x[f"rs{name}"], number), Mux(x_valid, control[f"reads_rs{name}"], reads),
                    staying, behind)))
            # A late result may turn out not to be written at all (capability port): then the operand is as before, and
            # the instruction waits a cycle, so that this choice need not.
            missing = from_back & ~self.back_write
            m.d.comb += operand.eq(Mux(from_memory, self.memory_value, Mux(from_back, self.back_value, held)))
            with m.If(awaited | missing):
                m.d.comb += hazard.eq(1)
            # An instruction that waits here would miss what leaves writeback meanwhile.
            with m.If(~missing):
                m.d.sync += held.eq(operand)
            operands.append(operand)
        operand1, operand2 = operands
        distance = Mux(from_memory, ~self.memory_distance, Mux(from_back, self.back_value, held)[:6])

        # A product is a sum made in writeback, too late for anything here: what needs it waits in decode. So does
        # what has its register's number where others have a source: to know which it is takes too long.
        blocked = Signal()
        decoded = self.decoded
        for multiplies, rd in ((x_valid & (control.unit == Unit.MULTIPLY), x.rd),
                               (self.memory_multiplies, self.memory_rd)):
            with m.If(multiplies & ((decoded.rs1 == rd) | (decoded.rs2 == rd))):
                m.d.comb += blocked.eq(1)

        # ---- arithmetic
        m.submodules.alu = alu = ArithmeticLogicUnit()
        m.d.comb += [
            alu.operand1.eq(operand1),
            alu.operand2.eq(operand2),
            alu.distance.eq(distance),
            alu.funct3.eq(control.funct3),
            alu.alternate.eq(control.alternate),
            alu.word.eq(control.word),
            alu.active.eq(control.unit == Unit.ALU),
            self.address.eq(operand1 + x.offset),
        ]

        # ---- CSR instructions and returns from traps
        is_csr = control.unit == Unit.CSR
        is_return = (control.unit == Unit.SYSTEM) & ((control.system == System.MRET) | (control.system == System.SRET))
        counts = is_csr & ((self.csr_address == CsrAddress.MINSTRET) | (self.csr_address == CsrAddress.INSTRET))
        m.d.comb += [
            self.csr_address.eq(x.raw[20:32]),
            # csrrs and csrrc with x0 or zero do not write (unprivileged specification, 6.1).
            self.csr_writes.eq((control.funct3[:2] == 1) | (x.raw[15:20] != 0)),
            self.machine_return.eq(control.system == System.MRET),
        ]
        with m.If((is_return & self.behind_csr) | (counts & self.behind_any)):
            m.d.comb += hazard.eq(1)

        # ---- branches. Where fetch would have to go on is known before whether it must: only that waits for the
        # comparison.
        is_jump = control.unit == Unit.JUMP
        is_branch = control.unit == Unit.BRANCH
        indirect = is_jump & control.indirect
        followed = Signal()  # Fetch went on at the target.
        misled = Signal()  # It went on somewhere else altogether, and whether the branch is taken must be known first.
        decided = Signal()
        was_taken = Signal()
        taken = is_jump | (is_branch & alu.taken)
        predicted_pc = Cat(x.predicted_target, x.pc[REGION_BITS:])
        m.d.comb += [
            followed.eq(x.predicted & x.predictable & x.agrees),
            misled.eq(is_branch & x.predicted & ~followed),
        ]
        # Operands are sure to be there only in a cycle in which the stages ahead move.
        deciding = x_valid & misled & ~hazard & self.executed_ready & ~decided
        m.d.sync += decided.eq((deciding | decided) & ~leaving & ~self.kill)
        with m.If(deciding):
            m.d.sync += was_taken.eq(alu.taken)
        ready = Signal()
        m.d.comb += ready.eq(x_valid & ~hazard & (decided | ~misled))
        # Must fetch be told, if the branch is taken, and if it is not?
        if_taken = Signal()
        if_not = Signal()
        with m.If(is_return):
            m.d.comb += [out.target.eq(self.return_pc), if_taken.eq(1), if_not.eq(1)]
        with m.Elif(indirect):
            wrong = ~(x.predicted & x.predictable & equal(operand1, predicted_pc))
            m.d.comb += [out.target.eq(Cat(C(0, 1), self.address[1:])), if_taken.eq(wrong), if_not.eq(wrong)]
        with m.Elif(is_jump):
            m.d.comb += [out.target.eq(x.target), if_taken.eq(~followed), if_not.eq(~followed)]
        with m.Else():
            m.d.comb += [
                out.target.eq(Mux(is_branch & Mux(misled, was_taken, ~followed), x.target, x.next_pc)),
                if_taken.eq(Mux(is_branch, ~followed, x.predicted)), if_not.eq(x.predicted),
            ]
        with m.If(x.exception):
            m.d.comb += [if_taken.eq(0), if_not.eq(0)]
        m.d.comb += out.redirect.eq(Mux(alu.taken, if_taken, if_not))
        m.d.comb += out.follow_pc.eq(Mux(is_return | indirect, out.target, Mux(taken, x.target, x.next_pc)))

        # ---- issue of custom instructions
        is_custom = (control.unit == Unit.CUSTOM) & ~x.exception
        m.d.comb += [
            # Only when the memory stage takes it too: until then operands may be missing, and it might be killed.
            # It is no branch, so for `ready` it wants its operands alone.
            self.issue.valid.eq(x_valid & ~hazard & is_custom & self.executed_ready & ~self.hold_issue),
            self.issue.insn.eq(x.raw),
            self.issue.privilege.eq(self.privilege),
            self.issue.context.eq(self.context),
            self.issue.rs1.eq(operand1),
            self.issue.rs2.eq(operand2),
        ]

        # ---- to the memory stage
        m.d.comb += [
            out.control.eq(control),
            out.pc.eq(x.pc),
            out.raw.eq(x.raw),
            out.rd.eq(x.rd),
            out.rs1.eq(x.rs1),
            out.rs2.eq(x.rs2),
            out.operand1.eq(operand1),
            out.operand2.eq(operand2),
            out.exception.eq(x.exception),
            out.cause.eq(x.cause),
            out.fault_second.eq(x.fault_second),
            out.csr_stored.eq(is_csr & self.csr_stored),
            out.csr_place.eq(self.csr_place),
            out.context_data.eq(is_csr & (self.csr_address == Csr.SCTXDATA) & ~self.csr_illegal & ~x.exception),
            out.issued.eq(is_custom & self.issue.accept),
            out.fence.eq(self.issue.fence),
            out.result.eq(alu.result),
            out.distance.eq(~alu.result[:6]),
        ]
        with m.Switch(control.unit):
            with m.Case(Unit.JUMP):
                m.d.comb += alu.beside.eq(x.next_pc)
            with m.Case(Unit.LOAD, Unit.STORE, Unit.ATOMIC):
                m.d.comb += alu.beside.eq(self.address)
        with m.If((is_custom & ~self.issue.accept) | (is_csr & self.csr_illegal & ~x.exception)):
            m.d.comb += [out.exception.eq(1), out.cause.eq(Cause.ILLEGAL_INSTRUCTION)]
        m.d.comb += [
            self.executed_valid.eq(ready & (~is_custom | self.issue.ready) & ~self.kill),
            leaving.eq(self.executed_valid & self.executed_ready),
            self.decoded_ready.eq((~x_valid | leaving) & ~blocked),
        ]

        # ---- what the predictor learns: of every branch what happened, and those that were taken and that it does not
        # know, or that it sent elsewhere.
        learn = Signal(Training)
        happened = Signal()
        conditional = Signal()
        moved = Signal()
        insert = Signal()
        happens = leaving & ~x.exception
        calls = ((x.kind == BranchKind.CALL) | (x.kind == BranchKind.INDIRECT_CALL)
                 | (x.kind == BranchKind.FAR_CALL))
        through_register = (x.kind == BranchKind.INDIRECT) | (x.kind == BranchKind.INDIRECT_CALL)
        m.d.sync += [
            happened.eq(happens),
            conditional.eq(is_branch),
            moved.eq(taken),
            insert.eq(x.predictable & (~x.known | (x.predicted & ~followed & ~indirect))),
            learn.end.eq(x.end),
            learn.kind.eq(x.kind),
            learn.target.eq(Mux(indirect, self.address[:REGION_BITS], x.target[:REGION_BITS])),
            learn.indirect.eq(happens & through_register),
            learn.forget.eq(happens & x.predicted & ~is_branch & ~is_jump),
            learn.call.eq(happens & calls),
            learn.surprise.eq(out.redirect),
            learn.returned.eq(happens & (x.kind == BranchKind.RETURN)),
            learn.return_to.eq(x.next_pc),
        ]
        m.d.comb += [
            self.training.eq(learn),
            self.training.conditional.eq(happened & conditional),
            self.training.taken.eq(happened & moved),
            self.training.insert.eq(happened & moved & insert),
        ]

        with m.If(self.kill | leaving):
            m.d.sync += x_valid.eq(0)
        with m.If(self.decoded_ready & self.decoded_valid & ~self.kill):
            m.d.sync += x_valid.eq(1)
        # While there is nothing here, it does not matter what stands here: that is known earlier.
        with m.If(~x_valid | (ready & (~is_custom | self.issue.ready) & self.executed_ready)):
            m.d.sync += x.eq(self.decoded)
        return m
