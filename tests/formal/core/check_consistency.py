"""Instructions fit together: each sees the registers that those before it left, follows where they led, and comes."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Signal

__all__ = ["registers", "program_counter"]



def registers(m, rvfi, bench):
    """A register reads as what was written last, and x0 as zero."""
    number = AnyConst(5)
    known, value = Signal(), Signal(64)
    with m.If(rvfi.valid & (rvfi.rd_addr == number)):
        m.d.sync += [known.eq(1), value.eq(rvfi.rd_wdata)]
    for address, data in ((rvfi.rs1_addr, rvfi.rs1_rdata), (rvfi.rs2_addr, rvfi.rs2_rdata)):
        with m.If(rvfi.valid & known & (address == number) & (number != 0)):
            m.d.comb += Assert(data == value)
        with m.If(rvfi.valid & (address == 0)):
            m.d.comb += Assert(data == 0)
    with m.If(rvfi.valid & (rvfi.rd_addr == 0)):
        m.d.comb += Assert(rvfi.rd_wdata == 0)


def program_counter(m, rvfi, bench):
    """Each instruction is where the one before it, or the interrupt between them, said; both ways round."""
    seen, trapped, next_pc, order = Signal(), Signal(), Signal(64), Signal(64)
    with m.If(rvfi.valid):
        m.d.sync += [seen.eq(1), next_pc.eq(rvfi.pc_wdata), trapped.eq(rvfi.trap), order.eq(rvfi.order)]
        m.d.comb += [Assert(~rvfi.pc_rdata[0]), Assert(~rvfi.halt), Assert(rvfi.ixl == 2), Assert(rvfi.mode != 2)]
    with m.If(rvfi.valid & seen):
        m.d.comb += Assert((rvfi.pc_rdata == next_pc) | (rvfi.intr & ~trapped))
        m.d.comb += Assert(~trapped | (rvfi.intr & (rvfi.pc_rdata == next_pc)))
        # Retired in order, each once, none left out: with that the register check says causality too.
        m.d.comb += Assert(rvfi.order == (order + 1)[:64])
    with m.If(rvfi.valid & ~seen):
        m.d.comb += Assert(rvfi.intr | (rvfi.pc_rdata == bench.start))
