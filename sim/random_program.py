"""Random RV64IMAC programs for lockstep: every instruction, traps, privilege changes and page tables.

A program is assembly text. It runs in blocks; each block is straight-line code with forward branches and short
counted loops. A trap handler in M-mode (and one in S-mode, when exceptions are delegated) reads the cause, the
faulting value and the status into registers, so that a commit log shows every effect of a trap, and goes on behind
the instruction. Programs end by storing 1 to `tohost`.

Only what the specification fixes is generated: no LR/SC pair whose success may vary, no cycle or time counters.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["ProgramOptions", "generate", "LINKER_SCRIPT"]

MEMORY_BASE = 0x8000_0000
PAGES_BASE = MEMORY_BASE + 0x10_0000
#: Every other block lies here, a whole number of MiB from the rest: a predictor that keeps only low bits of an address
#: takes the one for the other.
FAR_BASE = MEMORY_BASE + 0x20_0000
#: Where each section of a program lies.
LINKER_SCRIPT = f"""
ENTRY(_start)
SECTIONS {{
    . = {MEMORY_BASE:#x};
    .text : {{ *(.text.init) *(.text*) }}
    .tohost : ALIGN(64) {{ *(.tohost) }}
    .data : ALIGN(4096) {{ *(.data*) }}
    . = {PAGES_BASE:#x};
    .pages : {{ *(.pages) }}
    . = {FAR_BASE:#x};
    .far : {{ *(.far) }}
}}
"""

#: Registers that random code may read and write. The rest: x2 handler stack, x3 data, x4 window, x5 loop counter,
#: x30/x31 handlers.
_FREE = tuple(f"x{n}" for n in (1, *range(6, 30)))
_DATA_BYTES = 2048
_PTE = {"v": 1, "r": 2, "w": 4, "x": 8, "u": 16, "g": 32, "a": 64, "d": 128}
_WINDOW_PAGES = 16

_REGISTER_OPS = ("add sub sll slt sltu xor srl sra or and addw subw sllw srlw sraw "
                 "mul mulh mulhsu mulhu div divu rem remu mulw divw divuw remw remuw").split()
_IMMEDIATE_OPS = "addi slti sltiu xori ori andi addiw".split()
_SHIFT_OPS = (("slli", 64), ("srli", 64), ("srai", 64), ("slliw", 32), ("srliw", 32), ("sraiw", 32))
_LOADS = (("lb", 1), ("lbu", 1), ("lh", 2), ("lhu", 2), ("lw", 4), ("lwu", 4), ("ld", 8))
_STORES = (("sb", 1), ("sh", 2), ("sw", 4), ("sd", 8))
_AMOS = "amoswap amoadd amoxor amoand amoor amomin amomax amominu amomaxu".split()
_BRANCHES = "beq bne blt bge bltu bgeu".split()
_CORNERS = (0, 1, -1, 2, 0x7fffffff, -0x80000000, 0x80000000, 0xffffffff, 0x7fffffffffffffff, -0x8000000000000000,
            0x5555555555555555, 0x100000000)
#: Causes that may be delegated: misaligned, illegal, breakpoint, access faults, ecall from U, page faults.
_DELEGABLE = 0b1011_0001_1111_1101


@dataclass(frozen=True)
class ProgramOptions:
    """What a random program contains.

    Attributes
    ----------
    blocks : int
        Number of blocks; a block executes about 30 instructions.
    paging : bool
        S-mode and U-mode blocks run under Sv39, with a window of pages of random rights.
    compressed : bool
        Let the assembler use the C extension.
    """

    blocks: int = 120
    paging: bool = True
    compressed: bool = True


class _Generator:
    def __init__(self, seed: int, options: ProgramOptions):
        self.random = random.Random(seed)
        self.options = options
        self.lines: list[str] = []
        self.labels = 0

    def emit(self, *lines: str):
        self.lines += lines

    def label(self) -> str:
        self.labels += 1
        return f"L{self.labels}"

    def register(self) -> str:
        return self.random.choice(_FREE)

    def source(self) -> str:
        return "x0" if self.random.random() < 0.04 else self.register()

    def value(self) -> int:
        kind = self.random.random()
        if kind < 0.4:
            return self.random.choice(_CORNERS)
        return self.random.getrandbits(64 if kind < 0.7 else self.random.randrange(1, 32))

    # ---- single instructions

    def arithmetic(self):
        kind = self.random.random()
        if kind < 0.5:
            self.emit(f"{self.random.choice(_REGISTER_OPS)} {self.register()}, {self.source()}, {self.source()}")
        elif kind < 0.75:
            self.emit(f"{self.random.choice(_IMMEDIATE_OPS)} {self.register()}, {self.source()}, "
                      f"{self.random.choice((self.random.randrange(-2048, 2048), self.random.randrange(-32, 32)))}")
        elif kind < 0.9:
            operation, bits = self.random.choice(_SHIFT_OPS)
            self.emit(f"{operation} {self.register()}, {self.source()}, {self.random.randrange(bits)}")
        elif kind < 0.95:
            self.emit(f"{self.random.choice(('lui', 'auipc'))} {self.register()}, {self.random.getrandbits(20)}")
        else:
            self.emit(f"li {self.register()}, {self.value()}")

    def offset(self, size: int) -> int:
        offset = self.random.randrange(0, _DATA_BYTES - 8) & -size
        if size > 1 and self.random.random() < 0.02:
            offset += self.random.randrange(1, size)
        return offset

    def memory(self):
        kind = self.random.random()
        if kind < 0.45:
            operation, size = self.random.choice(_LOADS)
            self.emit(f"{operation} {self.register()}, {self.offset(size)}(x3)")
        elif kind < 0.85:
            operation, size = self.random.choice(_STORES)
            self.emit(f"{operation} {self.source()}, {self.offset(size)}(x3)")
        else:
            width, size = self.random.choice((("w", 4), ("d", 8)))
            address, value = self.random.sample(_FREE, 2)
            self.emit(f"addi {address}, x3, {self.offset(size)}")
            order = self.random.choice(("", ".aq", ".rl", ".aqrl"))
            if self.random.random() < 0.75:
                self.emit(f"{self.random.choice(_AMOS)}.{width}{order} {self.register()}, {value}, ({address})")
            elif self.random.random() < 0.8:
                # Nothing between the two, and an aligned address: this pair succeeds.
                self.emit(f"andi {address}, {address}, -{size}", f"lr.{width}{order} {value}, ({address})",
                          f"sc.{width}{order} {self.register()}, {value}, ({address})")
            else:
                # After a successful pair no reservation is left: this one fails.
                self.emit(f"andi {address}, {address}, -{size}", f"lr.{width} x0, ({address})",
                          f"sc.{width} x0, x0, ({address})", f"sc.{width} {self.register()}, {value}, ({address})")

    def window(self):
        """Access the window at 4 GiB: pages of random rights under Sv39, no memory at all without."""
        address = self.register()
        page = self.random.randrange(_WINDOW_PAGES) if self.random.random() < 0.8 else self.random.randrange(5) << 9
        # Data lies in the middle of the page; its start and end stay as they are for `leap`.
        self.emit(f"li {address}, {page * 4096 + self.random.randrange(64, 256) * 8}", f"add {address}, {address}, x4")
        operation = self.random.choice(("ld", "sd", "lw", "sw", "lbu", "sb", "amoadd.d"))
        if operation.startswith("amo"):
            self.emit(f"{operation} {self.register()}, {self.source()}, ({address})")
        else:
            self.emit(f"{operation} {self.register()}, 0({address})")

    def leap(self):
        """Jump into the window: a fetch fault, or an illegal instruction where the page may be executed.

        The last halfword of each page begins an instruction that goes on in the next page. Handlers return to x1.
        """
        address = self.random.choice(_FREE[1:])
        offset = 4094 if self.random.random() < 0.5 else self.random.randrange(1024, 2000) * 2
        self.emit(f"li {address}, {self.random.randrange(_WINDOW_PAGES) * 4096 + offset}",
                  f"add {address}, {address}, x4", f"jalr x1, {address}, 0")

    def system(self):
        kind = self.random.random()
        if kind < 0.35:
            csr = self.random.choice(("mscratch", "sscratch", "sscratch", "sepc", "scause", "stval", "mtval"))
            operation = self.random.choice(("csrrw", "csrrs", "csrrc"))
            if self.random.random() < 0.5:
                source = self.source() if csr.endswith("scratch") else "x0"
                if csr.endswith("scratch"):
                    self.emit(f"{operation} {self.register()}, {csr}, {source}")
                else:
                    self.emit(f"csrr {self.register()}, {csr}")
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

    def modify_code(self):
        """Patch an instruction ahead with another, then fence.i."""
        target, first, second = self.label(), *self.random.sample(_FREE, 2)
        patch = self.random.randrange(1, 2047) << 20 | int(second[1:]) << 15 | int(first[1:]) << 7 | 0x13  # addi
        self.emit(f"la {first}, {target}", f"li {second}, {patch}", f"sw {second}, 0({first})", "fence.i",
                  ".option push", ".option norvc", ".balign 4", f"{target}: addi x0, x0, 0", ".option pop")

    def instruction(self):
        kind = self.random.random()
        if kind < 0.55:
            self.arithmetic()
        elif kind < 0.82:
            self.memory()
        elif kind < 0.855:
            self.window()
        elif kind < 0.865:
            self.leap()
        elif kind < 0.93:
            self.branch()
        elif kind < 0.99:
            self.system()
        else:
            self.modify_code()

    def branch(self):
        over = self.label()
        kind = self.random.random()
        if kind < 0.8:
            self.emit(f"{self.random.choice(_BRANCHES)} {self.source()}, {self.source()}, {over}")
        elif kind < 0.9:
            self.emit(f"jal {self.register()}, {over}")
        else:
            register = self.register()
            self.emit(f"la {register}, {over}", f"jalr {self.register()}, {register}, 0")
        for _ in range(self.random.randrange(1, 4)):
            self.arithmetic()
        self.emit(f"{over}:")

    # ---- blocks

    def block(self, number: int):
        self.emit(f"la x30, block{number}", "jr x30",
                  '.section .far, "awx"' if number % 2 else '.section .text.init, "awx"', f"block{number}:")
        # a request to the M-mode handler: go on in this privilege (0 U, 1 S, 3 M)
        self.emit(f"li x29, {self.random.choice((0, 1, 3))}", "ecall")
        if self.random.random() < 0.3:
            self.emit(f"li {self.register()}, {self.value()}")
        loop = self.random.random() < 0.35
        label = self.label()
        if loop:
            self.emit(f"li x5, {self.random.randrange(2, 6)}", f"{label}:")
        for _ in range(self.random.randrange(6, 16)):
            self.instruction()
        if loop:
            self.emit("addi x5, x5, -1", f"beqz x5, {label}_end", f"j {label}", f"{label}_end:")

    def page_tables(self):
        """Root table: identity gigapage for S-mode, its alias for U-mode, and the window of random rights."""
        def entry(address: int, rights: str, extra: int = 0) -> int:
            return address >> 12 << 10 | sum(_PTE[right] for right in rights) | extra

        root, middle, leaf, page = (PAGES_BASE + 0x1000 * n for n in range(4))
        self.emit('.section .pages, "aw"', ".dword 0, 0",
                  f".dword {entry(MEMORY_BASE, 'vrwxad')}, {entry(MEMORY_BASE, 'vrwxadu')}, {entry(middle, 'v')}",
                  ".zero 507 * 8")
        # 4 KiB pages, a 2 MiB page, a misaligned 2 MiB page, an entry with a reserved bit
        self.emit(f".dword {entry(leaf, 'v')}, {entry(MEMORY_BASE, 'vrad')}, "
                  f"{entry(MEMORY_BASE + 0x1000, 'vrwad')}, {entry(leaf, 'v', 1 << 60)}", ".zero 508 * 8")
        for _ in range(_WINDOW_PAGES):
            rights = set("vrwad") ^ set(self.random.sample(sorted(_PTE), self.random.randrange(0, 3)))
            self.emit(f".dword {entry(page, ''.join(rights))}")
        self.emit(f".zero {(512 - _WINDOW_PAGES) * 8}", ".zero 4094", ".2byte 0x0013")

    def program(self) -> str:
        choose = self.random
        satp = f"li x6, 8 << 60\nli x7, {PAGES_BASE >> 12}\nor x6, x6, x7" if self.options.paging else "li x6, 0"
        self.emit(_PROLOGUE.format(
            delegation=choose.choice((0, choose.getrandbits(16) & _DELEGABLE)), satp=satp,
            user_offset=0x4000_0000 if self.options.paging else 0,
            rvc="rvc" if self.options.compressed else "norvc"))
        for register in _FREE:
            self.emit(f"li {register}, {self.value()}")
        for number in range(self.options.blocks):
            self.block(number)
        self.emit("li x29, 3", "ecall", "la x30, finish", "jr x30", '.section .text.init, "awx"', _EPILOGUE)
        self.emit(".balign 64", "data_area:")
        for _ in range(_DATA_BYTES // 8):
            self.emit(f".dword {self.value() & (1 << 64) - 1:#x}")
        self.page_tables()
        return "\n".join(self.lines) + "\n"


# The handlers keep to x30 and x31. U-mode code runs through an alias of memory 1 GiB higher (root entry 3), because
# S-mode may not execute user pages; the M-mode handler moves pc and the pointers x3 by that offset on a change.
_PROLOGUE = """
.option {rvc}
.section .text.init, "awx"
.globl _start
_start:
    la x31, machine_trap
    csrw mtvec, x31
    la x31, supervisor_trap
    csrw stvec, x31
    li x31, {delegation}
    csrw medeleg, x31
    li x31, -1
    csrw mcounteren, x31
    csrw scounteren, x31
    csrw mscratch, x0
    {satp}
    csrw satp, x6
    sfence.vma
    la x3, data_area
    li x4, 1 << 32
    li x2, 3
    j begin

.option push
.option norvc
.balign 4
# x2 holds the current privilege as the program set it.
machine_trap:
    csrr x31, mcause
    csrr x30, mtval
    csrr x30, mstatus
    csrr x30, mepc
    bltu x30, x4, 1f
    csrw mepc, x1
    mret
1:  addi x30, x31, -8
    beqz x30, 1f
    addi x30, x31, -9
    beqz x30, 1f
    addi x30, x31, -11
    beqz x30, 1f
machine_skip:
    csrr x30, mepc
    # an instruction fetch fault cannot be skipped by length: go to the end
    addi x31, x31, -12
    beqz x31, give_up
    addi x31, x31, 11
    beqz x31, give_up
    li x31, {user_offset}
    bltz x2, give_up
    bnez x2, 2f
    sub x31, x30, x31
    j 3f
2:  mv x31, x30
3:  lhu x31, 0(x31)
    andi x31, x31, 3
    addi x31, x31, -3
    snez x31, x31
    slli x31, x31, 1
    sub x30, x30, x31
    addi x30, x30, 4
    csrw mepc, x30
    mret
1:  csrr x30, mepc
    addi x30, x30, 4
    bltz x29, 6f
    # to privilege x29: mstatus.MPP
    li x31, 3 << 11
    csrc mstatus, x31
    slli x31, x29, 11
    csrs mstatus, x31
    li x31, {user_offset}
    bnez x2, 4f
    sub x30, x30, x31
    sub x3, x3, x31
4:  mv x2, x29
    bnez x29, 5f
    add x30, x30, x31
    add x3, x3, x31
5:  csrw mepc, x30
    mret
6:  csrw mepc, x30
    mret

.balign 4
supervisor_trap:
    csrr x31, scause
    csrr x30, stval
    csrr x30, sstatus
    csrr x30, sepc
    bltu x30, x4, 1f
    csrw sepc, x1
    sret
1:  addi x31, x31, -12
    beqz x31, 7f
    addi x31, x31, 11
    beqz x31, 7f
    # S-mode reads the instruction through its own mapping
    li x31, {user_offset}
    bnez x2, 8f
    sub x31, x30, x31
    j 9f
8:  mv x31, x30
9:  lhu x31, 0(x31)
    andi x31, x31, 3
    addi x31, x31, -3
    snez x31, x31
    slli x31, x31, 1
    sub x30, x30, x31
    addi x30, x30, 4
    csrw sepc, x30
    sret
7:  li x29, 3
    ecall
give_up:
    la x30, finish
    jr x30
.option pop
begin:
"""

_EPILOGUE = """
finish:
    li x30, 1
    la x31, tohost
    sd x30, 0(x31)
1:  j 1b

.section .tohost, "aw"
.balign 64
.globl tohost
tohost: .dword 0
.globl fromhost
fromhost: .dword 0
.section .data, "aw"
"""


def generate(seed: int, options: ProgramOptions | None = None) -> str:
    """Assembly text of the random program number `seed`. The same seed and options give the same text."""
    return _Generator(seed, options or ProgramOptions()).program()
