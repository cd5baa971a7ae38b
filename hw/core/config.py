"""Parameters of the core."""

from dataclasses import dataclass

__all__ = ["CoreConfig", "LINE_BYTES"]

#: Bytes of a cache line: one burst of four bus words.
LINE_BYTES = 32
#: Bytes of the smallest page: memory attributes and protection are kept for each.
PAGE_BYTES = 4096


def _check_integer(name, value, low, high):
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be between {low} and {high}, not {value!r}")


def _check_power_of_two(name, value, low, high):
    _check_integer(name, value, low, high)
    if value & (value - 1):
        raise ValueError(f"{name} must be a power of two, not {value!r}")


def _check_regions(name, regions):
    for base, size in regions:
        _check_power_of_two(f"Size of {name} region", size, PAGE_BYTES, 1 << 32)
        _check_integer(f"Base of {name} region", base, 0, (1 << 32) - size)
        if base % size:
            raise ValueError(f"Base {base:#x} of {name} region must be a multiple of its size {size:#x}")


@dataclass(frozen=True)
class CoreConfig:
    """What a core is built with.

    Parameters
    ----------
    hart_id : int
        Value of mhartid.
    reset_vector : int
        Address of the first instruction.
    contexts : 1..16
        Thread contexts, each a bank of the register file.
    icache_bytes, dcache_bytes : int
        Cache sizes, powers of two. A way is at most 4 KiB, so that the index lies within the page offset.
    cache_ways : 1, 2, 4 or 8
    tlb_entries : int
        Entries of the data lookaside buffer, a power of two; the instruction side has as many.
    pmp_entries : int
        Regions of physical memory protection.
    branch_entries : int
        Branches that the predictor knows, a power of two; 0: no predictor.
    branch_history_bits : int
        Its history; there are counters for that many words, to a power of two.
    cached : tuple of (base, size)
        Main memory: cacheable, executable, target of atomics. Everything else is strongly ordered I/O.
    uncached_code : tuple of (base, size)
        I/O regions that instructions may be fetched from (the boot ROM). Fetches elsewhere fault without
        touching the bus, so that a stray speculative fetch has no side effect on a device.
    trace : bool
        Have the trace port.
    debug : bool
        Have debug mode, two triggers, and the port to a debug module.
    debug_vector : int
        Where debug mode is entered; exceptions in it go to the next word. Has to lie in `uncached_code`.
    rvfi : bool
        Have the RVFI port.
    alternative_operations : bool
        For proofs only: multiply and divide instructions do the alternative operations of riscv-formal
        (:mod:`hw.core.alternative`), which solvers can cope with.
    """

    hart_id: int = 0
    reset_vector: int = 0x1000
    contexts: int = 1
    icache_bytes: int = 8192
    dcache_bytes: int = 8192
    cache_ways: int = 2
    tlb_entries: int = 32
    pmp_entries: int = 4
    branch_entries: int = 512
    branch_history_bits: int = 11
    cached: tuple[tuple[int, int], ...] = ((0x8000_0000, 32 << 20),)
    uncached_code: tuple[tuple[int, int], ...] = ((0x1000, 0x1000),)
    trace: bool = False
    debug: bool = False
    debug_vector: int = 0x400
    rvfi: bool = False
    alternative_operations: bool = False

    def __post_init__(self):
        _check_integer("Hart id", self.hart_id, 0, 4095)
        _check_integer("Reset vector", self.reset_vector, 0, (1 << 32) - 2)
        if self.reset_vector % 2:
            raise ValueError(f"Reset vector must be even, not {self.reset_vector:#x}")
        _check_integer("Contexts", self.contexts, 1, 16)
        _check_power_of_two("Cache ways", self.cache_ways, 1, 8)
        for name, size in (("Instruction", self.icache_bytes), ("Data", self.dcache_bytes)):
            low, high = 2 * LINE_BYTES * self.cache_ways, 4096 * self.cache_ways
            _check_power_of_two(f"{name} cache bytes", size, low, high)
        _check_power_of_two("Lookaside buffer entries", self.tlb_entries, 2, 64)
        _check_integer("PMP entries", self.pmp_entries, 0, 16)
        if self.branch_entries != 0:
            _check_power_of_two("Branch predictor entries", self.branch_entries, 4, 1024)
        _check_integer("Branch history bits", self.branch_history_bits, 1, 14)
        _check_regions("cached", self.cached)
        _check_regions("uncached code", self.uncached_code)
        if not isinstance(self.debug, bool):
            raise TypeError(f"Debug must be True or False, not {self.debug!r}")
        _check_integer("Debug vector", self.debug_vector, 0, (1 << 32) - 8)
        if self.debug_vector % 8:
            raise ValueError(f"Debug vector must be a multiple of 8, not {self.debug_vector:#x}")
        if self.debug and not any(base <= self.debug_vector < base + size for base, size in self.uncached_code):
            raise ValueError(f"Debug vector {self.debug_vector:#x} must lie in an uncached code region")
