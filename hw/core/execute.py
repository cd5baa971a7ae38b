"""Execute stage: forwarding, arithmetic, addresses, branches, and the issue of custom instructions."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .alu import ArithmeticLogicUnit, BranchComparator
from .branch_predictor import REGION_BITS, Training
from .decoder import Unit
from .isa import Cause
from .pipeline import DecodedInstruction, ExecutedInstruction
from .port import CapabilityPort, Privilege

__all__ = ["ExecuteStage"]


class ExecuteStage(wiring.Component):
    """Holds one instruction.

    A branch that fetch did not follow as it should redirects it as soon as its operands are there, even if commit
    cannot take it yet.

    Members
    -------
    decoded, decoded_valid, decoded_ready : from decode.
    executed, executed_valid, executed_ready : to commit.
    kill : the instruction here is cancelled.
    training : registered; what the branch predictor learns.
    redirect, target : fetch goes on there; the instruction in decode is cancelled.
    commit_rd, commit_write, commit_late, commit_value : instruction in commit, for forwarding. `commit_late`: its
        result does not exist yet.
    back_rd, back_write, back_value : instruction in writeback.
    privilege : current privilege.
    issue : issue channel of the capability port.
    orphan : the unit must be told that an issued instruction was killed here, in this cycle.
    """

    def __init__(self):
        super().__init__({
            "decoded": In(DecodedInstruction),
            "decoded_valid": In(1),
            "decoded_ready": Out(1),
            "executed": Out(ExecutedInstruction),
            "executed_valid": Out(1),
            "executed_ready": In(1),
            "kill": In(1),
            "redirect": Out(1),
            "target": Out(64),
            "training": Out(Training),
            "commit_rd": In(5),
            "commit_write": In(1),
            "commit_late": In(1),
            "commit_value": In(64),
            "back_rd": In(5),
            "back_write": In(1),
            "back_value": In(64),
            "privilege": In(Privilege),
            "issue": Out(CapabilityPort().members["issue"].signature),
            "orphan": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        x_valid = Signal()
        x = Signal(DecodedInstruction)
        control = x.control
        out = self.executed

        # ---- operands: commit is younger than writeback, which is younger than the register file
        hazard = Signal()
        operands = []
        for number, held, reads in ((x.rs1, x.operand1, control.reads_rs1), (x.rs2, x.operand2, control.reads_rs2)):
            operand = Signal(64)
            in_commit = self.commit_write & (self.commit_rd == number)
            # A late result may turn out not to be written at all (capability port), so it leaves the operand alone.
            with m.If(in_commit & ~self.commit_late):
                m.d.comb += operand.eq(self.commit_value)
            with m.Elif(self.back_write & (self.back_rd == number)):
                m.d.comb += operand.eq(self.back_value)
            with m.Else():
                m.d.comb += operand.eq(held)
            with m.If(in_commit & self.commit_late & reads):
                m.d.comb += hazard.eq(1)
            # An instruction that waits here would miss what leaves writeback meanwhile.
            m.d.sync += held.eq(operand)
            operands.append(operand)
        operand1, operand2 = operands

        # ---- arithmetic
        m.submodules.alu = alu = ArithmeticLogicUnit()
        m.submodules.comparator = comparator = BranchComparator()
        m.d.comb += [
            alu.operand1.eq(Mux(control.use_pc, x.pc, operand1)),
            alu.operand2.eq(Mux(control.use_immediate, x.immediate, operand2)),
            alu.funct3.eq(control.funct3),
            alu.alternate.eq(control.alternate),
            alu.word.eq(control.word),
            comparator.operand1.eq(operand1),
            comparator.operand2.eq(operand2),
            comparator.funct3.eq(control.funct3),
        ]
        address = Signal(64)
        m.d.comb += address.eq(operand1 + x.immediate)

        # ---- branches
        redirected = Signal()
        ready = Signal()
        m.d.comb += ready.eq(x_valid & ~hazard)
        is_jump, is_branch = control.unit == Unit.JUMP, control.unit == Unit.BRANCH
        direct = is_branch | (is_jump & ~control.indirect)
        taken = is_jump | (is_branch & comparator.taken)
        predicted_pc = Cat(x.predicted_target, x.pc[REGION_BITS:])
        right = Mux(direct, x.predicted_right, x.returns & x.predicted & (operand1 == predicted_pc))
        wrong = Mux(taken, ~right, x.predicted)
        m.d.comb += self.redirect.eq(ready & wrong & ~x.exception & ~redirected)
        with m.If(~taken):
            m.d.comb += self.target.eq(x.next_pc)
        with m.Elif(direct):
            m.d.comb += self.target.eq(x.target)
        with m.Else():
            m.d.comb += self.target.eq(Cat(C(0, 1), address[1:]))

        # ---- issue of custom instructions
        is_custom = (control.unit == Unit.CUSTOM) & ~x.exception
        issued = Signal()  # Taken by the unit, whether or not it accepted.
        accepted = Signal()
        fence = Signal()
        taking = Signal()
        m.d.comb += [
            self.issue.valid.eq(ready & is_custom & ~issued),
            self.issue.insn.eq(x.raw),
            self.issue.privilege.eq(self.privilege),
            self.issue.rs1.eq(operand1),
            self.issue.rs2.eq(operand2),
            taking.eq(self.issue.valid & self.issue.ready),
        ]
        has = Mux(issued, accepted, taking & self.issue.accept)
        m.d.comb += self.orphan.eq(self.kill & x_valid & is_custom & has)

        # ---- to commit
        m.d.comb += [
            out.control.eq(control),
            out.pc.eq(x.pc),
            out.next_pc.eq(x.next_pc),
            out.raw.eq(x.raw),
            out.rd.eq(x.rd),
            out.operand1.eq(operand1),
            out.operand2.eq(operand2),
            out.exception.eq(x.exception),
            out.cause.eq(x.cause),
            out.fault_second.eq(x.fault_second),
            out.issued.eq(is_custom & has),
            out.fence.eq(Mux(issued, fence, self.issue.fence)),
            out.result.eq(alu.result),
        ]
        with m.Switch(control.unit):
            with m.Case(Unit.JUMP):
                m.d.comb += out.result.eq(x.next_pc)
            with m.Case(Unit.LOAD, Unit.STORE, Unit.ATOMIC):
                m.d.comb += out.result.eq(address)
        with m.If(is_custom & ~has):
            m.d.comb += [out.exception.eq(1), out.cause.eq(Cause.ILLEGAL_INSTRUCTION)]
        leaving = Signal()
        m.d.comb += [
            self.executed_valid.eq(ready & (~is_custom | issued | taking)),
            leaving.eq(self.executed_valid & self.executed_ready),
            self.decoded_ready.eq(~x_valid | leaving),
        ]

        # ---- what the predictor learns: taken ones get an entry, its counter follows what happens
        learn = self.training
        happens = leaving & ~x.exception & ~self.kill
        foreseeable = (direct | x.returns) & x.predictable
        m.d.sync += [
            learn.valid.eq(happens & (x.known | (foreseeable & taken))),
            learn.end.eq(x.end),
            learn.prediction.hit.eq(foreseeable),
            learn.prediction.returns.eq(x.returns),
            learn.call.eq(happens & x.call),
            learn.returned.eq(happens & x.returns),
            learn.return_to.eq(x.next_pc),
            learn.prediction.target.eq(x.target[:REGION_BITS]),
        ]
        with m.If(~x.known):
            m.d.sync += learn.prediction.counter.eq(2)
        with m.Elif(taken):
            m.d.sync += learn.prediction.counter.eq(Mux(x.counter == 3, 3, x.counter + 1))
        with m.Else():
            m.d.sync += learn.prediction.counter.eq(Mux(x.counter == 0, 0, x.counter - 1))

        with m.If(self.kill | leaving):
            m.d.sync += [x_valid.eq(0), redirected.eq(0), issued.eq(0)]
        with m.Else():
            m.d.sync += redirected.eq(redirected | self.redirect)
            with m.If(taking):
                m.d.sync += [issued.eq(1), accepted.eq(self.issue.accept), fence.eq(self.issue.fence)]
        with m.If(self.decoded_ready & self.decoded_valid & ~self.kill):
            m.d.sync += [x_valid.eq(1), x.eq(self.decoded)]
        return m
