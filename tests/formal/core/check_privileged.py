"""Traps, returns, CSR instructions and interrupts follow the privileged specification, in all three modes."""

from amaranth.hdl import Assert, Assume, C, Cat, Mux, Signal

from tests.formal.core.privileged import (
    COUNTERS,
    MACHINE,
    SUPERVISOR,
    USER,
    CsrRules,
    after,
    before,
    illegal,
    is_csr,
    memory_operation,
    one_of,
    vector,
)
from tests.formal.core.spec import Operands

__all__ = ["traps", "returns", "csr_instructions", "csr_continuity", "interrupts"]

TRAP_CSRS = {MACHINE: ("mepc", "mcause", "mtval"), SUPERVISOR: ("sepc", "scause", "stval")}
#: Exceptions that only memory can tell: page tables and bus errors.
FETCH_FAULTS, LOAD_FAULTS, STORE_FAULTS = (1, 12), (5, 13), (7, 15)


def among(value, numbers):
    found = C(0, 1)
    for number in numbers:
        found = found | (value == number)
    return found


def assert_status(m, old, new, **fields):
    """Assert the named fields of mstatus, given as bit (low, width) and value, and that the others stay."""
    expected = Signal(64)
    m.d.comb += expected.eq(old)
    for low, width, value in fields.values():
        m.d.comb += expected[low:low + width].eq(value)
    m.d.comb += Assert(new == expected)


def traps(m, rvfi, bench):
    """Every trap of an instruction: its cause by priority, epc, tval, status, vector and privilege."""
    operands = Operands(rvfi.insn, rvfi.pc_rdata, rvfi.rs1_rdata, rvfi.rs2_rdata, rvfi.mem_rdata)
    rules = CsrRules(m, rvfi)
    is_illegal = illegal(m, rvfi, rules)
    memory, stores, misaligned, address = memory_operation(m, rvfi, operands)
    breakpoint_ = one_of(rvfi.insn, "ebreak", "c.ebreak")
    ecall = one_of(rvfi.insn, "ecall")

    to_machine = bench.privilege == MACHINE
    cause = Mux(to_machine, after(rvfi, "mcause"), after(rvfi, "scause"))
    tval = Mux(to_machine, after(rvfi, "mtval"), after(rvfi, "stval"))
    fetch_failed = (rvfi.insn == 0) & among(cause, FETCH_FAULTS)

    with m.If(rvfi.valid & ~rvfi.trap):
        m.d.comb += [Assert(~is_illegal), Assert(~breakpoint_), Assert(~ecall), Assert(~misaligned)]
    with m.If(rvfi.valid & rvfi.trap):
        m.d.comb += [Assert(rvfi.rd_addr == 0), Assert(rvfi.mem_rmask == 0), Assert(rvfi.mem_wmask == 0)]
        # Cause and value.
        with m.If(fetch_failed):
            m.d.comb += Assert((tval == rvfi.pc_rdata) | ((tval == (rvfi.pc_rdata + 2)[:64])
                                                          & (rvfi.pc_rdata[1:3] == 3)))
        with m.Elif(is_illegal):
            m.d.comb += [Assert(cause == 2), Assert(tval == rvfi.insn)]
        with m.Elif(breakpoint_):
            m.d.comb += [Assert(cause == 3), Assert(tval == rvfi.pc_rdata)]
        with m.Elif(ecall):
            m.d.comb += [Assert(cause == 8 + rvfi.mode), Assert(tval == 0)]
        with m.Else():
            m.d.comb += [Assert(memory), Assert(tval == address)]
            with m.If(misaligned):
                m.d.comb += Assert(cause == Mux(stores, 6, 4))
            with m.Else():
                m.d.comb += Assert(Mux(stores, among(cause, STORE_FAULTS), among(cause, LOAD_FAULTS)))
        # Who takes it.
        delegated = (rvfi.mode != MACHINE) & before(rvfi, "medeleg").bit_select(cause[:6], 1)
        m.d.comb += [
            Assert(bench.privilege == Mux(delegated, SUPERVISOR, MACHINE)),
            Assert(rvfi.pc_wdata == vector(Mux(delegated, before(rvfi, "stvec"), before(rvfi, "mtvec")), 0, 0)),
        ]
        for level, other, bits in ((MACHINE, SUPERVISOR, (3, 7)), (SUPERVISOR, MACHINE, (1, 5))):
            epc = TRAP_CSRS[level][0]
            old, new = before(rvfi, "mstatus"), after(rvfi, "mstatus")
            with m.If(bench.privilege == level):
                m.d.comb += Assert(after(rvfi, epc) == rvfi.pc_rdata)
                m.d.comb += [Assert(after(rvfi, name) == before(rvfi, name)) for name in TRAP_CSRS[other]]
                assert_status(m, old, new, enable=(bits[0], 1, 0), previous=(bits[1], 1, old[bits[0]]),
                              privilege=(11, 2, rvfi.mode) if level == MACHINE else (8, 1, rvfi.mode[0]))


def returns(m, rvfi, bench):
    """mret and sret: pc, privilege and the stack of mstatus. Nothing else but traps changes the privilege."""
    old, new = before(rvfi, "mstatus"), after(rvfi, "mstatus")
    seen, privilege = Signal(), Signal(2)
    with m.If(rvfi.valid):
        m.d.sync += [seen.eq(1), privilege.eq(bench.privilege_after)]
    with m.If(rvfi.valid & seen & ~rvfi.intr):
        m.d.comb += Assert(rvfi.mode == privilege)
    with m.If(rvfi.valid & ~rvfi.trap & one_of(rvfi.insn, "mret")):
        m.d.comb += [
            Assert(rvfi.mode == MACHINE), Assert(rvfi.pc_wdata == before(rvfi, "mepc")),
            Assert(bench.privilege == old[11:13]),
        ]
        assert_status(m, old, new, enable=(3, 1, old[7]), previous=(7, 1, 1), privilege=(11, 2, USER),
                      mprv=(17, 1, old[17] & (old[11:13] == MACHINE)))
    with m.Elif(rvfi.valid & ~rvfi.trap & one_of(rvfi.insn, "sret")):
        m.d.comb += [
            Assert((rvfi.mode == MACHINE) | ((rvfi.mode == SUPERVISOR) & ~old[22])),
            Assert(rvfi.pc_wdata == before(rvfi, "sepc")), Assert(bench.privilege == old[8]),
        ]
        assert_status(m, old, new, enable=(1, 1, old[5]), previous=(5, 1, 1), privilege=(8, 1, 0), mprv=(17, 1, 0))


def csr_instructions(m, rvfi, bench):
    """What a CSR instruction reads and writes, and that nothing else changes a CSR."""
    rules = CsrRules(m, rvfi)
    plain = rvfi.valid & ~rvfi.trap & ~one_of(rvfi.insn, "mret", "sret")
    with m.If(rvfi.valid & is_csr(rvfi.insn) & ~rvfi.trap):
        rd = rvfi.insn[7:12]
        m.d.comb += [
            Assert(rules.legal), Assert(rvfi.rd_addr == rd),
            Assert(~rules.known | (rvfi.rd_wdata == Mux(rd == 0, 0, rules.old))),
            Assert(rvfi.rs1_addr == Mux(rvfi.insn[14], 0, rvfi.insn[15:20])),
            Assert(rvfi.pc_wdata == (rvfi.pc_rdata + 4)[:64]),
        ]
        for name, value in rules.new.items():
            if name == "mip":
                named = (rvfi.insn[20:32] == 0x344) | (rvfi.insn[20:32] == 0x144)
                # STIP follows time and stimecmp while that is in use, and may do so later than their writes (Sstc).
                timer = before(rvfi, "menvcfg")[63] << 5
                m.d.comb += Assert(~named | ((after(rvfi, name) | timer) == (value | timer)))
            elif name in COUNTERS:
                written = after(rvfi, name) == value
                counted = after(rvfi, name) == (before(rvfi, name) + 1)[:64]
                number = {"mcycle": 0xB00, "minstret": 0xB02}[name]
                writes = (rvfi.insn[12:14] == 1) | (rvfi.insn[15:20] != 0)
                m.d.comb += Assert(Mux((rvfi.insn[20:32] == number) & writes, written, counted))
            else:
                m.d.comb += Assert(after(rvfi, name) == value)
    with m.Elif(plain):
        m.d.comb += [Assert(after(rvfi, name) == before(rvfi, name)) for name in rules.new
                     if name not in (*COUNTERS, "mip")]
        m.d.comb += Assert(after(rvfi, "minstret") == (before(rvfi, "minstret") + 1)[:64])
    with m.If(rvfi.valid & rvfi.trap):
        m.d.comb += Assert(after(rvfi, "minstret") == before(rvfi, "minstret"))


def csr_continuity(m, rvfi, bench):
    """Between instructions CSRs stay, but for what an interrupt writes."""
    rules = CsrRules(m, rvfi)
    seen = Signal()
    trap_csrs = ("mstatus", *TRAP_CSRS[MACHINE], *TRAP_CSRS[SUPERVISOR])
    names = [name for name in rules.new if name not in (*COUNTERS, "mip")]
    last = {name: Signal(64, name=f"last_{name}") for name in names}
    trapped = Signal()
    with m.If(rvfi.valid):
        m.d.sync += [seen.eq(1), trapped.eq(rvfi.trap), *(last[name].eq(after(rvfi, name)) for name in names)]
    with m.If(rvfi.valid & seen):
        for name in names:
            excused = rvfi.intr & ~trapped if name in trap_csrs else C(0, 1)
            m.d.comb += Assert(excused | (before(rvfi, name) == last[name]))


def interrupts(m, rvfi, bench):
    """With steady lines: each interrupt that is pending and enabled comes before the next instruction, the one of
    highest priority first, and enters its handler as it should."""
    # stimecmp may take effect later (Sstc, 1.1.1), so it is left out.
    m.d.comb += Assume(~bench.core._inside.commit.csr.rvfi_menvcfg[63])
    seen, trapped = Signal(), Signal()
    names = ("mstatus", "mie", "mideleg", "mtvec", "stvec", "mip", *TRAP_CSRS[MACHINE], *TRAP_CSRS[SUPERVISOR])
    last = {name: Signal(64, name=f"last_{name}") for name in names}
    last_privilege, last_next = Signal(2), Signal(64)
    with m.If(rvfi.valid):
        m.d.sync += [seen.eq(1), trapped.eq(rvfi.trap), last_privilege.eq(bench.privilege_after),
                     last_next.eq(rvfi.pc_wdata), *(last[name].eq(after(rvfi, name)) for name in names)]

    def wanted(privilege, value):
        """Which interrupt is to be taken, by the state before it."""
        status = value("mstatus")
        active = value("mip") & value("mie")
        machine = Mux((privilege != MACHINE) | status[3], active & ~value("mideleg"), 0)
        supervisor = Mux((privilege == USER) | ((privilege == SUPERVISOR) & status[1]),
                         active & value("mideleg"), 0)
        some, cause, level = Signal(), Signal(6), Signal(2)
        chosen = Mux(machine != 0, machine, supervisor)
        m.d.comb += [some.eq(chosen != 0), level.eq(Mux(machine != 0, MACHINE, SUPERVISOR))]
        for number in (5, 1, 9, 7, 3, 11):
            with m.If(chosen[number]):
                m.d.comb += cause.eq(number)
        return some, cause, level

    # No instruction happens while an interrupt is due.
    some, _, _ = wanted(rvfi.mode, lambda name: before(rvfi, name))
    with m.If(rvfi.valid & seen):
        m.d.comb += Assert(~some)
    # One interrupt at most lies between two instructions whose second is in a handler of another level than the
    # first was interrupted to; nested ones (M-mode's before the first of S-mode's handler) are left out.
    due, cause, level = wanted(last_privilege, lambda name: last[name])
    with m.If(rvfi.valid & seen & rvfi.intr & ~trapped):
        m.d.comb += Assert(due)
        with m.If(rvfi.mode == level):
            tvec = Mux(level == MACHINE, last["mtvec"], last["stvec"])
            m.d.comb += Assert(rvfi.pc_rdata == vector(tvec, 1, cause))
            for this, other, bits in ((MACHINE, SUPERVISOR, (3, 7)), (SUPERVISOR, MACHINE, (1, 5))):
                epc, cause_name, tval = TRAP_CSRS[this]
                with m.If(level == this):
                    old, new = last["mstatus"], before(rvfi, "mstatus")
                    m.d.comb += [
                        Assert(before(rvfi, epc) == last_next), Assert(before(rvfi, tval) == 0),
                        Assert(before(rvfi, cause_name) == Cat(cause, C(0, 57), C(1, 1))),
                        *(Assert(before(rvfi, name) == last[name]) for name in TRAP_CSRS[other]),
                    ]
                    assert_status(m, old, new, enable=(bits[0], 1, 0), previous=(bits[1], 1, old[bits[0]]),
                                  privilege=(11, 2, last_privilege) if this == MACHINE
                                  else (8, 1, last_privilege[0]))
        with m.Else():
            m.d.comb += Assert((rvfi.mode == MACHINE) & (level == SUPERVISOR))
    with m.If(rvfi.valid & seen & ~rvfi.intr):
        m.d.comb += Assert(~due & ~trapped)
    with m.If(rvfi.valid & seen & trapped):
        m.d.comb += Assert(rvfi.intr)
