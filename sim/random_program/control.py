"""CSR instructions of privileged programs: every address, every operation, and what may be written where."""

from hw.abi import Csr
from hw.core.isa import CsrAddress

from .instructions import Instructions

__all__ = ["ControlRegisters"]

#: The runtime relies on these: they are written with something else only for a moment, in M-mode and undisturbed.
_KEPT = (CsrAddress.MTVEC, CsrAddress.STVEC, CsrAddress.MSCRATCH, CsrAddress.SSCRATCH, CsrAddress.SATP,
         CsrAddress.MEDELEG, CsrAddress.MIDELEG, CsrAddress.MIE, CsrAddress.SIE, CsrAddress.MSTATUS,
         CsrAddress.SSTATUS, CsrAddress.MEPC, CsrAddress.SEPC, CsrAddress.MENVCFG)
#: These may hold anything at any time.
_ANYTHING = (CsrAddress.MCAUSE, CsrAddress.SCAUSE, CsrAddress.MTVAL, CsrAddress.STVAL, CsrAddress.SEPC,
             CsrAddress.MCOUNTEREN, CsrAddress.SCOUNTEREN, CsrAddress.SENVCFG, CsrAddress.MCYCLE, CsrAddress.MINSTRET,
             CsrAddress.MISA, CsrAddress.MCOUNTINHIBIT, CsrAddress.MHPMEVENT3, CsrAddress.MHPMCOUNTER3, Csr.SCUSTOM,
             Csr.SCTXTRAP, Csr.SCTXADDR)
#: Bits of mstatus that come and go: all but MPP, which belongs to the returns.
_STATUS_BITS = (1, 3, 5, 7, 8, 17, 18, 19, 20, 21, 22)
_MSTATUS, _SSTATUS = CsrAddress.MSTATUS, CsrAddress.SSTATUS


class ControlRegisters(Instructions):
    """Sequences around CSRs."""

    def csr_operation(self, csr: int, source: str | None = None):
        """One of the six CSR instructions on `csr`."""
        if self.chance(0.3) and source is None:
            operation = self.random.choice(("csrrwi", "csrrsi", "csrrci"))
            self.emit(f"{operation} {self.target()}, {csr:#x}, {self.random.randrange(32)}")
        else:
            operation = self.random.choice(("csrrw", "csrrs", "csrrc"))
            self.emit(f"{operation} {self.target()}, {csr:#x}, {source or self.source()}")

    def target(self) -> str:
        """A destination that may be x0."""
        return "x0" if self.chance(0.15) else self.register()

    def csr_read(self):
        """Read some CSR, most often one that exists."""
        known = [*CsrAddress, *Csr]
        csr = self.random.choice(known) if self.chance(0.8) else self.random.randrange(4096)
        self.emit(f"csrrs {self.target()}, {int(csr):#x}, x0")

    def csr_write(self):
        """Write a CSR that may hold anything, or one that does not exist or is read-only."""
        kind = self.random.random()
        if kind < 0.75:
            self.csr_operation(self.random.choice(_ANYTHING))
        elif kind < 0.85:
            self.csr_operation(self.random.randrange(0xC00, 0x1000))
        else:
            csr = self.random.randrange(4096)
            if csr not in [*CsrAddress, *Csr] and not self.is_protection(csr):
                self.csr_operation(csr)

    @staticmethod
    def is_protection(csr: int) -> bool:
        """PMP registers: not to be written at random, for they may lock."""
        return CsrAddress.PMPCFG0 <= csr < CsrAddress.PMPADDR0 + 64

    def csr_borrow(self):
        """Write a CSR, read it back, and put the old value back. In M-mode, undisturbed by interrupts.

        Elsewhere nothing of this happens but an illegal instruction: stvec with something else in it for a moment would
        be the end.
        """
        csr = int(self.random.choice(_KEPT))
        value, old, seen = self.registers(3)
        # mscratch stands for M-mode: where it is out of reach so is all that follows.
        skip = self.label()
        self.emit(f"li {old}, 0", f"csrr {old}, mscratch", f"beqz {old}, {skip}",
                  f"csrr {seen}, mstatus", "csrci mstatus, 8", f"li {value}, {self.value()}")
        if csr == _MSTATUS:
            # MPRV would send the next load elsewhere; MIE stays off.
            self.emit(f"li {old}, {~(1 << 17 | 1 << 3)}", f"and {value}, {value}, {old}")
        if csr in (_MSTATUS, _SSTATUS):
            self.emit(f"csrrw {old}, {csr:#x}, {value}", f"csrr {value}, {csr:#x}",
                      f"csrw mstatus, {seen}")
        else:
            self.emit(f"csrrw {old}, {csr:#x}, {value}", f"csrrs {value}, {csr:#x}, x0", f"csrw {csr:#x}, {old}",
                      f"andi {seen}, {seen}, 8", f"csrs mstatus, {seen}")
        self.emit(f"{skip}:")

    def status(self):
        """Set or clear bits of mstatus or sstatus: interrupt enables, SUM, MXR, MPRV, TVM, TW, TSR and the stacks."""
        bits = sum(1 << bit for bit in self.random.sample(_STATUS_BITS, self.random.randrange(1, 4)))
        register, = self.registers(1)
        operation = self.random.choice(("csrrs", "csrrc", "csrrs", "csrrc", "csrrw" if self.chance(0.1) else "csrrs"))
        name = self.random.choice((_MSTATUS, _MSTATUS, _SSTATUS))
        if operation == "csrrw":
            # MPP = M, so that nobody falls out of M-mode by the next return of a handler.
            bits |= 3 << 11
        self.emit(f"li {register}, {bits}", f"{operation} {self.target()}, {name:#x}, {register}")

    def counters(self):
        """Read counters; in M-mode also write them."""
        counter = self.random.choice(("cycle", "time", "instret", "mcycle", "minstret", "instret", "minstret"))
        if counter.startswith("m") and self.chance(0.3):
            self.emit(f"csrw {counter}, {self.source()}")
        self.emit(f"csrr {self.register()}, {counter}", f"csrr {self.register()}, {counter}")
