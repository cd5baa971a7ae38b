"""Rules of the privileged specification, for proofs: who may do what, what CSRs keep, and what traps do.

Independent of the core: nothing of `hw` is imported. `rvfi` is the port, whose CSR values `rdata` are those before an
instruction and `wdata` those after it. Custom CSRs and choices of the implementation are those of the datasheet.
"""

from amaranth.hdl import C, Cat, Mux, Signal, Value

from tests.formal.core.spec import OPERATIONS, SYSTEM, legal_encoding

__all__ = ["USER", "SUPERVISOR", "MACHINE", "CsrRules", "before", "after", "illegal", "is_csr", "memory_operation",
           "vector"]

USER, SUPERVISOR, MACHINE = 0, 1, 3

ADDRESSES = {
    "sstatus": 0x100, "sie": 0x104, "stvec": 0x105, "scounteren": 0x106, "senvcfg": 0x10A, "sscratch": 0x140,
    "sepc": 0x141, "scause": 0x142, "stval": 0x143, "sip": 0x144, "stimecmp": 0x14D, "satp": 0x180,
    "mstatus": 0x300, "misa": 0x301, "medeleg": 0x302, "mideleg": 0x303, "mie": 0x304, "mtvec": 0x305,
    "mcounteren": 0x306, "menvcfg": 0x30A, "mscratch": 0x340, "mepc": 0x341, "mcause": 0x342, "mtval": 0x343,
    "mip": 0x344, "mcycle": 0xB00, "minstret": 0xB02, "cycle": 0xC00, "time": 0xC01, "instret": 0xC02,
}
#: Read as zero and ignore writes: identification, event counters and their selectors, mcountinhibit, PMP.
ZERO = (0xF11, 0xF12, 0xF13, 0xF14, 0xF15, 0x320, *range(0x323, 0x340), *range(0xB03, 0xB20), *range(0xC03, 0xC20),
        *range(0x3A0, 0x3B0, 2), *range(0x3B0, 0x3F0))
#: SCUSTOM, SCTXTRAP, SCTXRET, SCTXADDR, SCTXDATA, MCTXTRAP: they exist; what they hold is not checked here.
CUSTOM = (0x5C0, 0x5C1, 0x5C2, 0x5C3, 0x5C4, 0x7C0)

INTERRUPTS = 0xAAA
SUPERVISOR_INTERRUPTS = 0x222
#: SIE, SPIE, SPP, SUM, MXR; and what M-mode sees besides: MIE, MPIE, MPP, MPRV, TVM, TW, TSR.
SSTATUS = 1 << 1 | 1 << 5 | 1 << 8 | 1 << 18 | 1 << 19
MSTATUS = SSTATUS | 1 << 3 | 1 << 7 | 3 << 11 | 1 << 17 | 1 << 20 | 1 << 21 | 1 << 22
#: SXL and UXL read 2.
UXL, SXL = 2 << 32, 2 << 34
CAUSE = 1 << 63 | 0x3F

#: Bits that a write of a CSR changes, for those that keep simply what fits.
WRITABLE = {
    "medeleg": 0xFF00_B3FE, "mideleg": SUPERVISOR_INTERRUPTS, "mie": INTERRUPTS, "mtvec": ~2, "stvec": ~2,
    "mscratch": -1, "sscratch": -1, "mepc": ~1, "sepc": ~1, "mcause": CAUSE, "scause": CAUSE, "mtval": -1,
    "stval": -1, "mcounteren": 7, "scounteren": 7, "menvcfg": 1 << 63 | 1, "senvcfg": 1, "stimecmp": -1,
    "mcycle": -1, "minstret": -1, "misa": 0,
}
COUNTERS = ("mcycle", "minstret")


def constant(value):
    return C(value & ((1 << 64) - 1), 64)


def before(rvfi, name):
    return getattr(rvfi, f"csr_{name}_rdata")


def after(rvfi, name):
    return getattr(rvfi, f"csr_{name}_wdata")


def is_csr(insn):
    """One of the six CSR instructions."""
    return (insn[:7] == 0b1110011) & (insn[12:14] != 0)


def one_of(insn, *names):
    found = C(0, 1)
    for name in names:
        found = found | SYSTEM[name].matches(insn)
    return found


class CsrRules:
    """A CSR instruction, by the specification.

    Attributes
    ----------
    legal : the CSR exists and may be accessed so.
    known, old : the value that it reads is checked here, and is this.
    new : by CSR name, what each CSR of the port holds after it.
    """

    def __init__(self, m, rvfi):
        insn, mode = rvfi.insn, rvfi.mode
        address, function = insn[20:32], insn[12:15]
        source = Mux(function[2], insn[15:20], rvfi.rs1_rdata)
        writes = (function[:2] == 1) | (insn[15:20] != 0)

        def now(name):
            return before(rvfi, name)

        views = {
            **{name: now(name) for name in ADDRESSES
               if name not in ("sstatus", "sie", "sip", "cycle", "time", "instret")},
            "sstatus": (now("mstatus") & constant(SSTATUS)) | constant(UXL),
            "sie": now("mie") & now("mideleg"), "sip": now("mip") & now("mideleg"),
            "cycle": now("mcycle"), "instret": now("minstret"),
        }
        exists = Signal()
        self.known, self.old = Signal(), Signal(64)
        with m.Switch(address):
            for name, number in ADDRESSES.items():
                with m.Case(number):
                    m.d.comb += exists.eq(1)
                    if name in views:
                        m.d.comb += [self.known.eq(1), self.old.eq(views[name])]
            with m.Case(*ZERO):
                m.d.comb += [exists.eq(1), self.known.eq(1)]
            with m.Case(*CUSTOM):
                m.d.comb += exists.eq(1)

        any_counter = address[5:] == 0xC00 >> 5
        machine_bit = Cat(now("mcounteren")[:3], C(0, 29)).bit_select(address[:5], 1)
        supervisor_bit = Cat(now("scounteren")[:3], C(0, 29)).bit_select(address[:5], 1)
        counter_denied = any_counter & (mode != MACHINE) & (~machine_bit | ((mode == USER) & ~supervisor_bit))
        timer_denied = ((address == ADDRESSES["stimecmp"]) & (mode != MACHINE)
                        & ~(now("menvcfg")[63] & now("mcounteren")[1]))
        satp_denied = (address == ADDRESSES["satp"]) & (mode == SUPERVISOR) & now("mstatus")[20]
        self.legal = Signal()
        m.d.comb += self.legal.eq(exists & (address[8:10] <= mode) & ~(writes & address[10:].all())
                                  & ~counter_denied & ~timer_denied & ~satp_denied)

        written = Signal(64)
        with m.Switch(function[:2]):
            with m.Case(1):
                m.d.comb += written.eq(source)
            with m.Case(2):
                m.d.comb += written.eq(self.old | source)
            with m.Case(3):
                m.d.comb += written.eq(self.old & ~source)
        self.new = {name: Signal(64, name=f"new_{name}") for name in ADDRESSES
                    if name in views and name not in ("sstatus", "sie", "sip", "cycle", "instret")}
        for name, value in self.new.items():
            m.d.comb += value.eq(now(name))

        def merge(name, mask, old=None):
            old = now(name) if old is None else old
            return self.new[name].eq((old & ~mask) | (written & mask))

        with m.If(writes):
            with m.Switch(address):
                for name, mask in WRITABLE.items():
                    with m.Case(ADDRESSES[name]):
                        m.d.comb += merge(name, constant(mask))
                with m.Case(ADDRESSES["mstatus"]):
                    m.d.comb += merge("mstatus", constant(MSTATUS))
                    with m.If(written[11:13] == 2):
                        m.d.comb += self.new["mstatus"][11:13].eq(0)
                with m.Case(ADDRESSES["sstatus"]):
                    m.d.comb += merge("mstatus", constant(SSTATUS))
                with m.Case(ADDRESSES["sie"]):
                    m.d.comb += merge("mie", now("mideleg"))
                with m.Case(ADDRESSES["mip"]):
                    # With stimecmp in use STIP shows the comparison (12.1.4 of Sstc).
                    m.d.comb += merge("mip", constant(0x202) | (~now("menvcfg")[63] << 5))
                with m.Case(ADDRESSES["sip"]):
                    m.d.comb += merge("mip", now("mideleg") & 2)
                with m.Case(ADDRESSES["satp"]):
                    with m.If((written[60:] == 0) | (written[60:] == 8)):
                        m.d.comb += self.new["satp"].eq(written)


def illegal(m, rvfi, rules):
    """Whether the instruction must raise illegal instruction. There is no unit at the capability port."""
    insn, mode, status = rvfi.insn, rvfi.mode, before(rvfi, "mstatus")
    result = Signal()
    m.d.comb += result.eq(
        ~legal_encoding(insn)
        | (is_csr(insn) & ~rules.legal)
        | (one_of(insn, "mret") & (mode != MACHINE))
        | (one_of(insn, "sret") & ((mode == USER) | ((mode == SUPERVISOR) & status[22])))
        | (one_of(insn, "wfi") & ((mode == USER) | ((mode == SUPERVISOR) & status[21])))
        | (one_of(insn, "sfence.vma") & ((mode == USER) | ((mode == SUPERVISOR) & status[20]))))
    return result


def memory_operation(m, rvfi, operands):
    """For loads, stores and atomics: whether it is one, needs store permission, is misaligned, and its address."""
    chosen, stores, misaligned, address = Signal(), Signal(), Signal(), Signal(64)
    for operation in OPERATIONS:
        effect = operation.effect(operands)
        if effect.size is not None:
            with m.If(operation.matches(rvfi.insn)):
                m.d.comb += [
                    chosen.eq(1), stores.eq(effect.store is not None), address.eq(effect.address),
                    misaligned.eq((Value.cast(effect.address)[:64] & ((1 << effect.size) - 1)) != 0),
                ]
    return chosen, stores, misaligned, address


def vector(tvec, interrupt, cause):
    """Where a trap goes (3.1.7)."""
    base = tvec & ~C(3, 64)
    return (base + Mux(tvec[0] & interrupt, cause << 2, 0))[:64]
