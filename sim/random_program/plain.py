"""Programs that do only what the specification fixes, so that Spike runs them too.

A handler in M-mode (and one in S-mode, when exceptions are delegated) reads the cause, the faulting value and the
status into registers, so that a commit log shows every effect of a trap, and goes on behind the instruction. There are
no interrupts, no lr/sc pair whose success may vary, no cycle or time counters, no devices.
"""

from .instructions import Instructions
from .layout import ALIAS, DATA_BYTES
from .options import ProgramOptions
from .paging import page_tables, tables
from .runtime import constants, runtime

__all__ = ["PlainProgram"]

#: x2 is the privilege, x3 the data area, x4 the window, x5 the loop counter; x30 and x31 are the handlers'.
_FREE = tuple(f"x{n}" for n in (1, *range(6, 30)))
#: Causes that may be delegated: misaligned, illegal, breakpoint, access faults, ecall from U, page faults.
_DELEGABLE = 0b1011_0001_1111_1101
_SATP_SV39 = 8 << 60


class PlainProgram(Instructions):
    """One program."""

    def __init__(self, seed: int, options: ProgramOptions):
        super().__init__(seed, _FREE)
        self.options = options

    def system(self):
        kind = self.random.random()
        if kind < 0.35:
            csr = self.random.choice(("mscratch", "sscratch", "sscratch", "sepc", "scause", "stval", "mtval"))
            if self.chance(0.5) and csr.endswith("scratch"):
                operation = self.random.choice(("csrrw", "csrrs", "csrrc"))
                self.emit(f"{operation} {self.register()}, {csr}, {self.source()}")
            else:
                self.emit(f"csrr {self.register()}, {csr}")
        elif kind < 0.45:
            self.emit(self.random.choice((".4byte 0x00100073", ".2byte 0x9002")))  # ebreak, c.ebreak
        elif kind < 0.55:
            # Illegal: reserved opcodes and encodings, and a CSR that is not there.
            self.emit(self.random.choice((".4byte 0xffffffff", ".2byte 0", ".4byte 0x0000705b", ".4byte 0xfe007033",
                                          "csrr x1, 0x123", "csrw mhartid, x1", ".4byte 0x0000200f | (7 << 12)")))
        elif kind < 0.65:
            self.emit(self.random.choice(("fence", "fence.i", "fence rw, rw", "sfence.vma", "sfence.vma x0, x6")))
        elif kind < 0.72:
            self.emit(f"csrr {self.register()}, {self.random.choice(('minstret', 'instret'))}")
        elif kind < 0.8:
            self.emit(f"csrr {self.register()}, {self.random.choice(('mstatus', 'sstatus', 'medeleg', 'satp'))}")
        elif kind < 0.86:
            bit = self.random.choice((18, 19))  # SUM, MXR
            self.emit(f"li x6, {1 << bit}", f"{self.random.choice(('csrrs', 'csrrc'))} x7, sstatus, x6")
        else:
            self.emit("li x29, -1", "ecall")

    def instruction(self):
        self.choose((0.55, self.arithmetic), (0.27, self.memory), (0.035, self.window), (0.01, self.leap),
                    (0.065, self.branch), (0.06, self.system), (0.01, self.modify_code))()

    def block(self, number: int):
        self.emit(f"la x30, block{number}", "jr x30",
                  '.section .far, "awx"' if number % 2 else '.section .text.init, "awx"', f"block{number}:")
        # a request to the M-mode handler: go on in this privilege (0 U, 1 S, 3 M)
        self.emit(f"li x29, {self.random.choice((0, 1, 3))}", "ecall")
        if self.chance(0.3):
            self.emit(f"li {self.register()}, {self.value()}")
        loop = self.chance(0.35)
        label = self.label()
        if loop:
            self.emit(f"li x5, {self.random.randrange(2, 6)}", f"{label}:")
        for _ in range(self.random.randrange(6, 16)):
            self.instruction()
        if loop:
            self.emit("addi x5, x5, -1", f"beqz x5, {label}_end", f"j {label}", f"{label}_end:")

    def program(self) -> str:
        """The whole text."""
        paging = self.options.paging
        self.emit(".option rvc" if self.options.compressed else ".option norvc", *constants(
            DELEGATION=self.random.choice((0, self.random.getrandbits(16) & _DELEGABLE)),
            SATP=_SATP_SV39 | tables(0)[0] >> 12 if paging else 0, USER_OFFSET=ALIAS if paging else 0,
            PMP=self.options.pmp_entries))
        self.emit(runtime("protection"), runtime("plain_runtime"))
        for register in self.free:
            self.emit(f"li {register}, {self.value()}")
        for number in range(self.options.blocks):
            self.block(number)
        self.emit("li x29, 3", "ecall", "la x30, finish", "jr x30", '.section .text.init, "awx"', runtime("ending"))
        self.emit(".balign 64", "data_area:")
        for _ in range(DATA_BYTES // 8):
            self.emit(f".dword {self.value() & (1 << 64) - 1:#x}")
        page_tables(self)
        return "\n".join(self.lines) + "\n"
