"""Every RV64IMAC instruction does what the specification says, with registers, pc and memory as the RVFI port shows."""

from amaranth.hdl import Assert, Mux, Signal

from tests.formal.core.spec import Operands

__all__ = ["semantics"]


def semantics(operations):
    """Properties: whatever retires and is one of `operations` did what it should."""
    def check(m, rvfi, bench):
        seen = Operands(rvfi.insn, rvfi.pc_rdata, rvfi.rs1_rdata, rvfi.rs2_rdata, rvfi.mem_rdata)
        chosen = Signal()
        rs1, rs2, rd = Signal(5), Signal(5), Signal(5)
        value, next_pc, address, stored = Signal(64), Signal(64), Signal(64), Signal(64)
        rmask, wmask = Signal(8), Signal(8)
        misaligned, memory, conditional = Signal(), Signal(), Signal()
        for operation in operations:
            effect = operation.effect(seen)
            with m.If(operation.matches(rvfi.insn)):
                following = rvfi.pc_rdata + operation.length
                m.d.comb += [
                    chosen.eq(1), rs1.eq(effect.rs1), rs2.eq(effect.rs2), rd.eq(effect.rd), value.eq(effect.value),
                    next_pc.eq(following if effect.next_pc is None else effect.next_pc),
                ]
                if effect.size is not None:
                    mask = (1 << (1 << effect.size)) - 1
                    m.d.comb += [
                        memory.eq(1), address.eq(effect.address),
                        misaligned.eq((effect.address & ((1 << effect.size) - 1)) != 0),
                        rmask.eq(mask if effect.load else 0),
                        wmask.eq(mask if effect.store is not None else 0),
                        conditional.eq(operation.group == "conditional"),
                    ]
                    if effect.store is not None:
                        m.d.comb += stored.eq(effect.store & ((1 << (8 << effect.size)) - 1))
        failed = conditional & (rvfi.mem_wmask == 0)
        with m.If(conditional):
            m.d.comb += value.eq(failed)

        with m.If(rvfi.valid & chosen):
            m.d.comb += [
                Assert(~rvfi.trap | memory),
                Assert(~misaligned | rvfi.trap),
                Assert(rvfi.rs1_addr == rs1), Assert(rvfi.rs2_addr == rs2),
            ]
            with m.If(rvfi.trap):
                m.d.comb += [Assert(rvfi.rd_addr == 0), Assert(rvfi.mem_rmask == 0), Assert(rvfi.mem_wmask == 0)]
            with m.Else():
                m.d.comb += [
                    Assert(rvfi.pc_wdata == next_pc),
                    Assert(rvfi.rd_addr == rd),
                    Assert(rvfi.rd_wdata == Mux(rd == 0, 0, value)),
                    Assert(rvfi.mem_rmask == rmask),
                    Assert(rvfi.mem_wmask == Mux(failed, 0, wmask)),
                    Assert(~memory | (rvfi.mem_addr == address)),
                    Assert(~rvfi.mem_wmask.any() | (rvfi.mem_wdata == stored)),
                ]
    return check
