"""Interrupts, waits and devices of privileged programs."""

from hw.peripherals import clint, plic
from soc.memory_map import INTERRUPTS, region

from .control import ControlRegisters

__all__ = ["Events", "PLACES"]

_CLINT, _PLIC, _UART = (region(name).base for name in ("clint", "plic", "uart"))
PLACES = {
    "CLINT": _CLINT, "MTIMECMP": _CLINT + clint.MTIMECMP_OFFSET, "MTIME": _CLINT + clint.MTIME_OFFSET, "PLIC": _PLIC,
    "UART": _UART, "UART_SOURCE": INTERRUPTS["uart"],
    "ENABLES_M_AT": _PLIC + plic.ENABLE_OFFSET, "ENABLES_S_AT": _PLIC + plic.ENABLE_OFFSET + plic.ENABLE_STRIDE,
    "THRESHOLD_M": _PLIC + plic.CONTEXT_OFFSET, "CLAIM_M": _PLIC + plic.CONTEXT_OFFSET + plic.CLAIM_OFFSET,
    "THRESHOLD_S": _PLIC + plic.CONTEXT_OFFSET + plic.CONTEXT_STRIDE,
    "CLAIM_S": _PLIC + plic.CONTEXT_OFFSET + plic.CONTEXT_STRIDE + plic.CLAIM_OFFSET,
}
#: (address, sizes) of registers that can be read at any time and change nothing.
_READABLE = ((_CLINT, (1, 2, 4, 8)), (PLACES["MTIMECMP"], (4, 8)), (PLACES["MTIME"], (4, 8)),
             (_PLIC + 4 * INTERRUPTS["uart"], (1, 2, 4)), (_PLIC + plic.PENDING_OFFSET, (4,)),
             (PLACES["ENABLES_M_AT"], (4,)), (PLACES["THRESHOLD_S"], (4,)), (_UART + 5, (1,)), (_UART + 7, (1,)),
             (_UART + 3, (1,)), (region("boot_rom").base, (1, 2, 4, 8)), (region("finisher").base, (4,)))
#: Where there is nothing, or not for everybody.
_NOWHERE = (0, 0x3000_0000, _CLINT + 8, _PLIC + 0x1080, _UART + 8, 0x7fff_fff8, 0xffff_fff8, 1 << 40, -8,
            region("memory").base + region("memory").size)
_LOADS = {1: ("lb", "lbu"), 2: ("lh", "lhu"), 4: ("lw", "lwu"), 8: ("ld",)}
_STORES = {1: "sb", 2: "sh", 4: "sw", 8: "sd"}


class Events(ControlRegisters):
    """Sequences that make interrupts, wait for them, or talk to devices."""

    def software_interrupt(self):
        """Raise one by the CLINT or by the bits of mip and sip."""
        address, value = self.registers(2)
        kind = self.random.random()
        if kind < 0.35:
            self.emit(f"li {address}, {_CLINT}", f"li {value}, {self.random.choice((0, 1, 1, -1))}",
                      f"sw {value}, 0({address})")
        elif kind < 0.8:
            self.emit(f"li {value}, {self.random.choice((0x2, 0x20, 0x200, 0x222, 0xaaa))}",
                      f"{self.random.choice(('csrrs', 'csrrs', 'csrrc', 'csrrw'))} {self.target()}, mip, {value}")
        else:
            self.emit(f"{self.random.choice(('csrrsi', 'csrrci', 'csrrwi'))} {self.target()}, sip, 2")

    def timer_interrupt(self):
        """Set a comparator to a moment soon, now or past."""
        time, address = self.registers(2)
        delay = self.random.choice((0, 1, 5, 20, 50, 100, 300, 1000, -5))
        if self.chance(0.5):
            self.emit(f"csrr {time}, time", f"addi {time}, {time}, {delay}", f"csrw 0x14d, {time}")
        else:
            self.emit(f"li {address}, {PLACES['MTIME']}", f"ld {time}, 0({address})", f"addi {time}, {time}, {delay}",
                      f"li {address}, {PLACES['MTIMECMP']}", f"sd {time}, 0({address})")

    def enable_interrupts(self):
        """Change mie, sie, mideleg (M-mode), the controller's thresholds and enables."""
        register, address = self.registers(2)
        kind = self.random.random()
        if kind < 0.45:
            bits = self.random.choice((0xaaa, 0x222, 0x888, 0x80, 0x20, 0x2, self.random.getrandbits(12)))
            self.emit(f"li {register}, {bits}",
                      f"{self.random.choice(('csrrs', 'csrrs', 'csrrc', 'csrrw'))} {self.target()}, "
                      f"{self.random.choice(('mie', 'mie', 'sie'))}, {register}")
        elif kind < 0.6:
            self.emit(f"li {register}, {self.random.getrandbits(12)}", f"csrrw {self.target()}, mideleg, {register}")
        elif kind < 0.7:
            # menvcfg.STCE hands mip.STIP from software to stimecmp
            self.emit(f"li {register}, {1 << 63}", f"{self.random.choice(('csrrs', 'csrrc'))} x0, 0x30a, {register}")
        else:
            place = self.random.choice(("ENABLES_M_AT", "ENABLES_S_AT", "THRESHOLD_M", "THRESHOLD_S"))
            value = self.random.choice((0, 1, 7)) if place.startswith("THRESHOLD") else self.random.choice((0, -1, -1))
            self.emit(f"li {address}, {PLACES[place]}", f"li {register}, {value}", f"sw {register}, 0({address})")

    def wait(self):
        """wfi, with a timer that will end it."""
        self.emit("li x29, 8", "ecall", "wfi")

    def device(self):
        """Load from or store to a device or to nowhere, in all sizes; an AMO or a fetch there faults."""
        address, value = self.registers(2)
        kind = self.random.random()
        if kind < 0.55:
            place, sizes = self.random.choice(_READABLE)
            size = self.random.choice(sizes)
            self.emit(f"li {address}, {place}", f"{self.random.choice(_LOADS[size])} {self.target()}, 0({address})")
        elif kind < 0.65:
            self.emit(f"li {address}, {_UART}", f"sb {self.source()}, 7({address})",
                      f"lbu {value}, 7({address})")
        elif kind < 0.7:
            # A character out: the transmitter's interrupt, if enabled, goes and comes.
            self.emit(f"li {address}, {_UART}", f"li {value}, 46", f"sb {value}, 0({address})")
        elif kind < 0.9:
            size = self.random.choice((1, 2, 4, 8))
            operation = self.random.choice((*_LOADS[size], _STORES[size]))
            self.emit(f"li {address}, {self.random.choice(_NOWHERE)}", f"{operation} {value}, 0({address})")
        elif kind < 0.96:
            operation = self.random.choice(("amoadd.w", "amoswap.w", "lr.w", "sc.w"))
            operands = f"{value}, ({address})" if operation == "lr.w" else f"{value}, {value}, ({address})"
            self.emit(f"li {address}, {self.random.choice((_CLINT, _UART, region('boot_rom').base))}",
                      f"{operation} {operands}")
        else:
            self.emit(f"li {address}, {region('boot_rom').base}", f"sw {value}, 0({address})")
