"""Instructions that any privilege may execute: arithmetic, memory, branches, modified code."""

from .emitter import Emitter
from .layout import DATA_BYTES, WINDOW_PAGES

__all__ = ["Instructions"]

_REGISTER_OPS = ("add sub sll slt sltu xor srl sra or and addw subw sllw srlw sraw mul mulh mulhsu mulhu mulw div divu "
                 "rem remu divw divuw remw remuw").split()
_IMMEDIATE_OPS = "addi slti sltiu xori ori andi addiw".split()
_SHIFT_OPS = (("slli", 64), ("srli", 64), ("srai", 64), ("slliw", 32), ("srliw", 32), ("sraiw", 32))
_LOADS = (("lb", 1), ("lbu", 1), ("lh", 2), ("lhu", 2), ("lw", 4), ("lwu", 4), ("ld", 8))
_STORES = (("sb", 1), ("sh", 2), ("sw", 4), ("sd", 8))
_AMOS = "amoswap amoadd amoxor amoand amoor amomin amomax amominu amomaxu".split()
_BRANCHES = "beq bne blt bge bltu bgeu".split()


class Instructions(Emitter):
    """Short sequences that need nothing but x3 (data area) and x4 (window)."""

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
        """Offset of an access in the data area, rarely misaligned."""
        offset = self.random.randrange(0, DATA_BYTES - 8) & -size
        if size > 1 and self.chance(0.02):
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
            self.atomic()

    def order(self) -> str:
        return self.random.choice(("", ".aq", ".rl", ".aqrl"))

    def atomic(self):
        """An AMO, or a pair of lr and sc whose outcome the specification fixes."""
        width, size = self.random.choice((("w", 4), ("d", 8)))
        address, value = self.registers(2)
        self.emit(f"addi {address}, x3, {self.offset(size)}")
        order = self.order()
        if self.chance(0.75):
            self.emit(f"{self.random.choice(_AMOS)}.{width}{order} {self.register()}, {value}, ({address})")
        elif self.chance(0.8):
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
        page = self.random.randrange(WINDOW_PAGES) if self.chance(0.8) else self.random.randrange(5) << 9
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
        address, = self.registers(1)
        offset = 4094 if self.chance(0.5) else self.random.randrange(1024, 2000) * 2
        self.emit(f"li {address}, {self.random.randrange(WINDOW_PAGES) * 4096 + offset}",
                  f"add {address}, {address}, x4", f"jalr x1, {address}, 0")

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

    def modify_code(self):
        """Patch an instruction ahead with another, then fence.i."""
        target = self.label()
        first, second = self.registers(2)
        patch = self.random.randrange(1, 2047) << 20 | int(second[1:]) << 15 | int(first[1:]) << 7 | 0x13  # addi
        self.emit(f"la {first}, {target}", f"li {second}, {patch}", f"sw {second}, 0({first})", "fence.i",
                  ".option push", ".option norvc", ".balign 4", f"{target}: addi x0, x0, 0", ".option pop")
