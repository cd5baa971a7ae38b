"""Instructions fit together: each sees the registers that those before it left, follows where they led, and comes."""

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Cover, Signal

__all__ = ["flow", "registers", "program_counter", "reaches"]


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


def flow(m, rvfi, bench):
    """As `program_counter`, where instructions leave execute, before they are known to retire: so what needs many
    cycles there is found early here."""
    commit, execute = bench.core._inside.commit, bench.core._inside.execute
    executed, place, known = execute.executed, Signal(64), Signal()
    leaves = execute.executed_valid & execute.executed_ready
    with m.If(commit.redirect):
        m.d.sync += [place.eq(commit.target), known.eq(1)]
    with m.Elif(leaves):
        # What follows an instruction that will trap is worthless.
        m.d.sync += [place.eq(executed.follow_pc), known.eq(~executed.exception)]
    with m.If(leaves & known):
        m.d.comb += [Assert(executed.pc == place), Assert(~executed.redirect | (executed.target == executed.follow_pc))]


def reaches(m, rvfi, bench):
    """To be covered, so that no proof holds because nothing happens: instructions and traps of several kinds."""
    retires, traps = rvfi.valid & ~rvfi.trap, rvfi.valid & rvfi.trap
    seen = Signal()
    with m.If(rvfi.valid):
        m.d.sync += seen.eq(1)
    for mode in (0, 1, 3):
        m.d.comb += Cover(retires & seen & (rvfi.mode == mode))
    for level in (1, 3):
        m.d.comb += Cover(traps & (rvfi.mode == 0) & (bench.privilege == level))
    m.d.comb += [
        Cover(retires & rvfi.mem_rmask.any()), Cover(retires & rvfi.mem_wmask.any()),
        Cover(retires & (rvfi.insn[:2] != 3) & (rvfi.rd_addr != 0)),
        Cover(retires & (rvfi.csr_mscratch_wdata != rvfi.csr_mscratch_rdata)),
        Cover(retires & (rvfi.insn == 0x30200073)), Cover(traps & (rvfi.insn == 0)),
    ]
