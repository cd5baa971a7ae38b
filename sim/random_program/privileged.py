"""Programs that use everything that the machine has.

Their outcome depends on when interrupts come, which the reference model learns from the run on the RTL; so an oracle
that follows is needed, not a second run.
"""

from hw.core.isa import Cause

from .encodings import undefined_encoding
from .events import PLACES, Events
from .layout import ALIAS, DATA_BYTES, MEMORY_BASE, SPARE, WINDOW_PAGES
from .options import ProgramOptions
from .paging import FIRST_GLOBAL_PAGE, FRAME, leaf_entry, page_tables, tables
from .runtime import constants, runtime

__all__ = ["PrivilegedProgram"]

#: The handlers preserve all but x29 and x28 at requests. x3 data area, x4 window, x5 loop counter.
_FREE = tuple(f"x{n}" for n in (1, 2, *range(6, 32)))
#: S-mode's own calls must reach M-mode.
_DELEGABLE = sum(1 << cause for cause in Cause) & ~(1 << Cause.ECALL_SUPERVISOR)
_ACCESS_FAULTS = sum(1 << cause for cause in (Cause.FETCH_ACCESS, Cause.LOAD_ACCESS, Cause.STORE_ACCESS))
_SATP_SV39 = 8 << 60
_SPACES = 2


class PrivilegedProgram(Events):
    """One program."""

    def __init__(self, seed: int, options: ProgramOptions):
        super().__init__(seed, _FREE)
        self.options = options
        # Either PMP regions change, and access faults go to M-mode, which can undo what shut S-mode out; or they may be
        # delegated.
        self.protects = options.pmp_entries > 1 and self.chance(0.6)
        self.asids = self.random.sample((*range(1, 16), 0xffff, 0x8000, 0x100), _SPACES)
        self.privilege = 3

    def satp(self, space: int) -> int:
        """Value of satp for an address space."""
        return _SATP_SV39 | self.asids[space] << 44 | tables(space)[0] >> 12 if self.options.paging else 0

    # ---- what only some privilege may do

    def change_page(self):
        """Write an entry of the window's tables, then the least sfence.vma that covers it. M-mode, S-mode with TVM off.

        The access that may follow sees the new entry.
        """
        if self.privilege == 0 or not self.options.paging:
            return
        space, page = self.random.randrange(_SPACES), self.random.randrange(WINDOW_PAGES)
        root, middle, leaf = tables(space)
        address, value, virtual, asid = self.registers(4)
        kind = self.random.random()
        places = []
        if self.privilege == 1:
            self.emit("li x29, 9", "ecall")
        if kind < 0.8:
            place, new, local = leaf + 8 * page, leaf_entry(self, page), page < FIRST_GLOBAL_PAGE
            if not local:
                places = [tables(number)[2] + 8 * page for number in range(_SPACES)]
        elif kind < 0.9:
            # a 2 MiB page: right, misaligned, without A, W without R, for U-mode, or none
            page, local = 512, True
            flags = self.random.choice((0xc3, 0xc7, 0xd7, 0x43, 0x83, 0xc5, 0xd3, 0xdf, 0))
            frame = SPARE if self.chance(0.7) else SPARE + 0x1000
            place, new = middle + 8, frame >> 12 << 10 | flags
        else:
            # a 1 GiB page at the next entry of the root; the access goes to the spare memory in it
            page, local = (1 << 18) + (SPARE - MEMORY_BASE >> 12), True
            flags = self.random.choice((0xc3, 0xc7, 0xd7, 0x43, 0xd3, 0))
            frame = MEMORY_BASE if self.chance(0.7) else MEMORY_BASE + 0x20_0000
            place, new = root + 8 * 5, frame >> 12 << 10 | flags
        for one in places or [place]:
            self.emit(f"li {address}, {one}", f"li {value}, {new}", f"sd {value}, 0({address})")
        self.emit(f"li {virtual}, {page << 12}", f"add {virtual}, {virtual}, x4", f"li {asid}, {self.asids[space]}")
        forms = ["sfence.vma", f"sfence.vma {virtual}, x0"]
        forms += [f"sfence.vma x0, {asid}", f"sfence.vma {virtual}, {asid}"] if local else []
        self.emit(self.random.choice(forms))
        if self.chance(0.7):
            offset = self.random.randrange(64, 256) * 8
            self.emit(f"addi {virtual}, {virtual}, {offset}",
                      f"{self.random.choice(('ld', 'sd', 'lbu', 'sw'))} {value}, 0({virtual})")

    def change_space(self):
        """Another address space, without forgetting anything. S-mode and M-mode."""
        register, = self.registers(1)
        if self.options.paging:
            self.emit(f"li {register}, {self.satp(self.random.randrange(_SPACES))}", f"csrw satp, {register}")

    def window_as(self):
        """M-mode looks at the window with another privilege's eyes (MPRV)."""
        if self.privilege != 3:
            return
        bits, address, value = self.registers(3)
        page = self.random.randrange(WINDOW_PAGES)
        # An interrupt in between would change MPP.
        self.emit("csrci mstatus, 8", f"li {bits}, {3 << 11}", f"csrc mstatus, {bits}",
                  f"li {bits}, {1 << 17 | self.random.choice((0, 1)) << 11}", f"csrs mstatus, {bits}",
                  f"li {address}, {page * 4096 + self.random.randrange(64, 256) * 8}", f"add {address}, {address}, x4",
                  f"{self.random.choice(('ld', 'sd', 'lw', 'sb', 'lhu'))} {value}, 0({address})",
                  f"li {bits}, {1 << 17}", f"csrc mstatus, {bits}")

    def trap_return(self):
        """mret or sret to a label ahead, in any privilege; then a request that puts the pointers right."""
        if self.privilege == 0:
            self.emit(self.random.choice(("mret", "sret")))
            return
        target = self.label()
        there, bits = self.registers(2)
        by_machine = self.privilege == 3 and self.chance(0.6)
        level = self.random.choice((0, 1, 3, 2)) if by_machine else self.random.choice((0, 1))
        lands_as_user = level in (0, 2) if by_machine else level == 0
        self.emit(f"la {there}, {target}")
        if lands_as_user and self.options.paging:
            self.emit(f"li {bits}, {ALIAS}", f"add {there}, {there}, {bits}")
        # Not to be disturbed between the write of the CSRs and the return that uses them.
        if by_machine:
            self.emit("csrci mstatus, 8", f"csrw mepc, {there}", f"li {bits}, {3 << 11}", f"csrc mstatus, {bits}",
                      f"li {bits}, {level << 11}", f"csrs mstatus, {bits}", "mret")
        else:
            self.emit("csrci sstatus, 2", f"csrw sepc, {there}", f"li {bits}, {1 << 8}",
                      f"{'csrs' if level else 'csrc'} sstatus, {bits}", "sret")
        self.emit(f"{target}:", f"li x29, {self.privilege}", "ecall")

    def protect(self):
        """Change PMP entries below the last; over the window's frame they make access faults."""
        if not self.protects or self.privilege != 3:
            return
        register, value = self.registers(2)
        number = self.random.randrange(self.options.pmp_entries - 1)
        if self.chance(0.5):
            address = self.random.choice((FRAME, FRAME + 0x1000, SPARE, self.value() & ~3))
            mask = self.random.choice((0, 0x1ff, 0x3ff, 0x7ff))
            self.emit(f"li {value}, {(address >> 2 | mask) & (1 << 64) - 1}",
                      f"csrrw {self.target()}, {0x3b0 + number:#x}, {value}")
        else:
            # Never locked: A (bits 4:3), X, W, R.
            flags, shift = self.random.choice((0, 8, 0x18)) | self.random.getrandbits(3), number % 8 * 8
            flags = self.random.choice((flags, flags, 0x10 | flags, self.random.getrandbits(7)))
            csr = 0x3a0 + number // 8 * 2
            self.emit(f"li {register}, {0xff << shift}", f"csrc {csr:#x}, {register}",
                      f"li {value}, {flags << shift}", f"csrrs {self.target()}, {csr:#x}, {value}")
        self.emit(f"csrr {register}, {self.random.randrange(0x3a0, 0x3b0) & ~1:#x}",
                  f"csrr {register}, {self.random.randrange(0x3b0, 0x3b0 + self.options.pmp_entries):#x}")

    def contexts(self):
        """Registers of other thread contexts, and which one the next return to user mode enters."""
        register, value = self.registers(2)
        address = self.random.randrange(self.options.contexts + 1) << 8 | self.random.randrange(32)
        kind = self.random.random()
        if kind < 0.6:
            # x3 and x4 stay as they are everywhere. A register that is written as rd and through SCTXDATA at once may
            # hold either afterwards.
            target = self.random.choice([name for name in ("x0", *self.free) if int(name[1:]) != address & 31])
            write = f"{self.random.choice(('csrrs', 'csrrw', 'csrrc'))} {target}, 0x5c4, {value}"
            reads_only = address & 31 in (3, 4) or self.chance(0.3)
            self.emit(f"li {register}, {address}", f"csrw 0x5c3, {register}",
                      f"csrr {target}, 0x5c4" if reads_only else write)
        elif self.options.contexts > 1:
            csr = self.random.choice((0x5c2, 0x7c0))
            self.emit(f"li {register}, {self.random.randrange(self.options.contexts + 1)}",
                      f"csrw {csr:#x}, {register}")

    # ---- what anybody may do

    def reservation(self):
        """lr and sc with things in between: the sc succeeds or fails, and a retry loop gets through."""
        width, size = self.random.choice((("w", 4), ("d", 8)))
        address, value, result = self.registers(3)
        offset = self.random.randrange(0, DATA_BYTES - 16) & -8
        self.emit(f"addi {address}, x3, {offset}")
        if self.chance(0.4):
            again = self.label()
            self.emit(f"{again}: lr.{width}{self.order()} {value}, ({address})", f"addi {value}, {value}, 1",
                      f"sc.{width}{self.order()} {result}, {value}, ({address})", f"bnez {result}, {again}")
            return
        self.emit(f"lr.{width}{self.order()} {value}, ({address})")
        for _ in range(self.random.randrange(3)):
            self.choose((3, self.arithmetic), (3, self.memory), (1, lambda: self.emit("li x29, -1", "ecall")))()
        other = self.random.choice((0, 0, 0, 4, 8))
        width = self.random.choice((width, width, "w", "d"))
        if self.chance(0.5):
            # x3 is never touched, while the registers may have changed.
            self.emit(f"addi {address}, x3, {offset + (other if size == 4 or other == 8 else 0)}")
        self.emit(f"sc.{width} {result}, {value}, ({address})")

    def fences(self):
        register, other = self.registers(2)
        self.emit(self.random.choice(("fence", "fence rw, rw", "fence.i", "fence w, r", ".4byte 0x8330000f",
                                      f"sfence.vma {register}, {other}", "sfence.vma", f"sfence.vma x0, {other}")))

    def exception(self):
        self.choose((4, lambda: self.emit(undefined_encoding(self))), (1, lambda: self.emit("ebreak")),
                    (1, lambda: self.emit("c.ebreak" if self.options.compressed else ".2byte 0x9002")),
                    (2, lambda: self.emit("li x29, -1", "ecall")))()

    def rewrite_loop(self):
        """A loop that changes its own body each time round."""
        target = self.label()
        where, what, count = [register for register in self.registers(4) if register != "x29"][:3]
        patch = int(count[1:]) << 15 | int(what[1:]) << 7 | 0x13  # addi what, count, 0
        self.emit(f"li {count}, {self.random.randrange(2, 5)}", ".option push", ".option norvc", ".balign 4",
                  f"{target}_again: la {where}, {target}", f"slli {what}, {count}, 20", f"li x29, {patch}",
                  f"or x29, x29, {what}", f"sw x29, 0({where})", "fence.i", f"{target}: addi x0, x0, 0",
                  # The count may come out of another context.
                  f"addi {count}, {count}, -1", f"sltiu x29, {count}, 8", f"beqz x29, {target}_end",
                  f"bnez {count}, {target}_again", f"{target}_end:", ".option pop")

    def instruction(self):
        self.choose(
            (40, self.arithmetic), (22, self.memory), (4, self.window), (1.2, self.leap), (7, self.branch),
            (1, self.modify_code), (0.5, self.rewrite_loop), (2, self.reservation), (1.5, self.exception),
            (1.5, self.fences), (2, self.csr_read), (1.5, self.csr_write), (0.8, self.csr_borrow), (1.5, self.status),
            (1.2, self.counters), (1.5, self.software_interrupt), (1.5, self.timer_interrupt),
            (1.2, self.enable_interrupts), (0.4, self.wait), (2, self.device), (1.5, self.change_page),
            (0.6, self.change_space), (0.6, self.window_as), (0.8, self.trap_return), (0.8, self.protect),
            (0.6, self.contexts))()

    def block(self, number: int):
        self.privilege = self.random.choice((0, 1, 1, 3))
        self.emit('.section .far, "awx"' if number % 2 else '.section .text.init, "awx"',
                  f"block{number}:", f"li x28, {number + 1}", f"li x29, {16 + self.privilege}", "ecall")
        loop = self.chance(0.35)
        label = self.label()
        if loop:
            self.emit(f"li x5, {self.random.randrange(2, 6)}", f"{label}:")
        for _ in range(self.random.randrange(6, 16)):
            self.instruction()
        if loop:
            # x5 may come out of another context: the loop ends whatever it holds.
            self.emit("addi x5, x5, -1", f"blez x5, {label}_end", "li x29, 8", f"bgt x5, x29, {label}_end",
                      f"j {label}", f"{label}_end:")
        register = self.register()
        self.emit(f"la {register}, block{number + 1}", f"jr {register}")

    def setup(self) -> dict[str, int]:
        """Constants of the runtime."""
        choose, bits = self.random.choice, self.random.getrandbits
        delegable = _DELEGABLE & ~_ACCESS_FAULTS if self.protects else _DELEGABLE
        return PLACES | {
            "ALIAS": ALIAS if self.options.paging else 0, "SATP": self.satp(0), "BLOCKS": self.options.blocks,
            "DELEGATION": choose((0, delegable, bits(16) & delegable)), "INTERRUPTS": choose((0, 0x222, bits(12))),
            "ENABLES": choose((0xaaa, 0xaaa, bits(12))), "VECTORED_M": bits(1), "VECTORED_S": bits(1),
            "COUNTERS_M": choose((7, 7, bits(3))), "COUNTERS_S": choose((7, bits(3))),
            "ENVIRONMENT": choose((1 << 63, 1 << 63, 0)), "CUSTOM": bits(1), "PRIORITY": choose((0, 1, 5, 7)),
            "ENABLE_M": choose((0, -1)) & 0xffff_ffff, "ENABLE_S": choose((0, -1, -1)) & 0xffff_ffff,
            "FIFO": bits(1), "TICK": choose((500, 1500, 5000)), "CONTEXTS": self.options.contexts,
            "LIMIT": 40, "ALL_TRAPS_BITS": 14, "ALL_TIME_BITS": 21,
            "PMP": self.options.pmp_entries,
        }

    def program(self) -> str:
        """The whole text."""
        self.emit(".option rvc" if self.options.compressed else ".option norvc", *constants(**self.setup()),
                  runtime("protection"), runtime("privileged_runtime"))
        for register in self.free:
            self.emit(f"li {register}, {self.value()}")
        self.emit("la x30, block0", "jr x30")
        for number in range(self.options.blocks):
            self.block(number)
        self.emit('.section .text.init, "awx"', f"block{self.options.blocks}:", "li x29, 3", "ecall",
                  "csrci mstatus, 8", runtime("ending"), ".balign 64", "data_area:")
        for _ in range(DATA_BYTES // 8):
            self.emit(f".dword {self.value() & (1 << 64) - 1:#x}")
        self.emit(".balign 8", "block_table:", *(f".dword block{n}" for n in range(self.options.blocks + 1)))
        page_tables(self, spaces=_SPACES, devices=True)
        return "\n".join(self.lines) + "\n"
